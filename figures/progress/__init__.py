"""Figures of progress measures."""

from analyses.progress import schema as progress
from figures.drawing.figure_spec import FigureSpec

FIGURES = (
    FigureSpec(
        name="progress_measures",
        shows="restricted and excluded loss, Gini, share of key frequencies and norm through training",
        draws="progress.progress_measures",
        tables=(progress.MEASURES, progress.PHASES),
        paper="Nanda et al., arXiv:2301.05217: progress measures",
        recipe="n_mainline",
    ),
    FigureSpec(
        name="embedding_density",
        shows="how many waves the embedding has (FFD), and whether cosine and sine weigh the same (FCR)",
        draws="progress.embedding_density",
        tables=(("m_ops", progress.MEASURES), ("modadd_ticket", progress.MEASURES)),
        paper="Furuta et al., arXiv:2402.16726: FFD and FCR by operation",
    ),
    FigureSpec(
        name="clock_pizza",
        shows="networks by gradient symmetricity and distance irrelevance, beside the published two",
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
        shows="restricted and excluded loss, Gini, key frequencies and norm through training",
        draws="progress.progress_measures",
        tables=(progress.MEASURES, progress.PHASES),
        after_analysis=True,
    ),
)
