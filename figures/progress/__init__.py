"""Figures of progress measures.

Imports figures.drawing, and the schema of analyses.progress.
"""

from analyses.progress import schema as progress
from figures.drawing.figure_spec import FigureSpec

FIGURES = (
    FigureSpec(
        name="progress_measures",
        shows="losses with and without the key frequencies, their share of the embedding, Gini, and norm",
        draws="progress.progress_measures",
        tables=(progress.MEASURES, progress.PHASES),
        paper="Nanda et al., arXiv:2301.05217: progress measures",
        recipe="n_mainline",
    ),
    FigureSpec(
        name="embedding_density",
        shows="number of waves in the embedding, and the ratio of their cosines and sines, by operation",
        draws="progress.embedding_density",
        tables=(("m_ops", progress.MEASURES), ("modadd_ticket", progress.MEASURES)),
        paper="Furuta et al., arXiv:2402.16726: FFD and FCR by operation",
    ),
    FigureSpec(
        name="clock_pizza",
        shows="networks by gradient symmetricity and distance irrelevance, with the two published ones",
        draws="progress.clock_pizza",
        tables=(
            ("n_mainline", progress.MEASURES),
            ("m_transformer", progress.MEASURES),
            ("modadd_ticket", progress.MEASURES),
        ),
        paper="Zhong et al., arXiv:2306.17844: Clock and Pizza",
    ),
    FigureSpec(
        name="progress",
        shows="losses with and without the key frequencies, their share of the embedding, Gini, and norm",
        draws="progress.progress_measures",
        tables=(progress.MEASURES, progress.PHASES),
        after_analysis=True,
    ),
)
