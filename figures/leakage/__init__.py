"""Figures of the question `leakage`: harmonics of ReLU neurons.

Each figure has its file; `FIGURES` declares them. May import analyses.leakage.schema, analyses.tables and
figures.drawing.
"""

from analyses.leakage import schema as leakage
from figures.drawing.figure_spec import FigureSpec

FIGURES = (
    FigureSpec(
        name="leakage",
        shows="harmonics in the gradient and the weights of ReLU neurons, with their limits",
        draws="leakage.harmonic_leakage",
        tables=(leakage.SHARES, leakage.START, leakage.EXAMPLE, leakage.IDEAL),
        paper="He et al.: leakage of the ReLU",
        recipe="h_relu_single_freq",
        after_analysis=True,
    ),
)
