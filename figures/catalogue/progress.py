"""Figures of the progress measures' papers: Nanda et al., Furuta et al., Zhong et al."""

from figures.catalogue.entry import Entry

PROGRESS = (
    Entry(
        name="progress_measures",
        shows="restricted and excluded loss, Gini, share of key frequencies and norm through training",
        paper="Nanda et al., arXiv:2301.05217: progress measures",
        script="progress",
        needs=(("n_mainline", "progress"),),
    ),
)
