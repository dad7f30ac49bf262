"""Figures of the logits and of the neurons' majority vote.

Each file draws one figure from tables of `analyses.logits`; `FIGURES` declares them. Imports that schema,
`analyses.tables` and `figures.drawing`.
"""

from analyses.logits import schema as logits
from figures.drawing.figure_spec import FigureSpec

FIGURES = (
    FigureSpec(
        name="output_logits",
        shows="logits of every class at one x, next to those of ideal neurons",
        draws="logits.output_logits",
        tables=(logits.SLICE,),
        paper="He et al.: output logits",
        recipe="h_standard",
        after_analysis=True,
    ),
    FigureSpec(
        name="output_logits_quad",
        shows="logits at one x of networks of squares, trained by AdamW and by gradient descent",
        draws="logits.output_logits",
        tables=(logits.SLICE,),
        paper="He et al.: output logits, σ = x²",
        recipe="h_quad",
    ),
    FigureSpec(
        name="flawed_indicator",
        shows="fit of the flawed indicator through training, and the vote of the neurons",
        draws="logits.flawed_indicator",
        tables=(logits.FITS, logits.VOTES),
        paper="He et al.: flawed indicator",
        recipe="h_quad",
    ),
    FigureSpec(
        name="vote_subsets",
        shows="votes of some frequencies, and of some neurons of every frequency",
        draws="logits.majority_vote_subsets",
        tables=(logits.SUBSETS, logits.IDEAL_SUBSETS),
        paper="He et al.: subsets of frequencies and phases",
        recipe="h_standard",
        after_analysis=True,
    ),
    FigureSpec(
        name="vote_subsets_quad",
        shows="votes of some frequencies, and of some neurons of each, in networks of squares",
        draws="logits.majority_vote_subsets",
        tables=(logits.SUBSETS, logits.IDEAL_SUBSETS),
        paper="He et al.: subsets of frequencies and phases, σ = x²",
        recipe="h_quad",
    ),
    FigureSpec(
        name="logits",
        shows="the flawed indicator in the logits, and the vote of the neurons",
        draws="logits.flawed_indicator",
        tables=(logits.FITS, logits.VOTES),
        after_analysis=True,
    ),
)
