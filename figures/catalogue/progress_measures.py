"""Figures of the progress measures' papers: Nanda et al., Furuta et al., Zhong et al."""

from figures.catalogue.figure_spec import Entry

PROGRESS = (
    Entry(
        name="progress_measures",
        shows="restricted and excluded loss, Gini, share of key frequencies and norm through training",
        paper="Nanda et al., arXiv:2301.05217: progress measures",
        script="progress.progress_measures",
        needs=(("n_mainline", "progress"),),
    ),
    Entry(
        name="spectra_mainline",
        shows="spectra of the embedding and the neuron–logit map, of logits and neurons over both inputs",
        paper="Nanda et al., arXiv:2301.05217: Fourier components",
        script="fourier.spectrum_2d",
        needs=(("n_mainline", "fourier"),),
    ),
    Entry(
        name="embedding_density",
        shows="how many waves the embedding has (FFD), and whether cosine and sine weigh the same (FCR)",
        paper="Furuta et al., arXiv:2402.16726: FFD and FCR by operation",
        script="progress.embedding_density",
        needs=(("m_ops", "progress"), ("modadd_ticket", "progress")),
    ),
    Entry(
        name="clock_pizza",
        shows="networks by gradient symmetricity and distance irrelevance, beside the published two",
        paper="Zhong et al., arXiv:2306.17844: Clock and Pizza",
        script="progress.clock_pizza",
        needs=(("n_mainline", "progress"), ("m_transformer", "progress"), ("modadd_ticket", "progress")),
    ),
)
