"""Figures of question `leakage`: harmonics of ReLU neurons.

May import the schemas and tables of analyses and figures.drawing; loads no matplotlib when imported.
"""

from analyses.leakage import schema as leakage
from figures.drawing.figure_spec import FigureSpec

FIGURES = (
    FigureSpec(
        name="leakage",
        shows="harmonics in the gradient and the weights of ReLU neurons beside their limits",
        draws="leakage.harmonic_leakage",
        tables=(leakage.SHARES, leakage.START, leakage.EXAMPLE, leakage.IDEAL),
        paper="He et al.: leakage of the ReLU",
        recipe="h_relu_single_freq",
        after_analysis=True,
    ),
)
