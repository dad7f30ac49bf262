"""Figures of Minegishi et al., arXiv:2310.19470."""

from figures.catalogue.entry import Entry

MINEGISHI = (
    Entry(
        name="speed_mlp",
        shows="accuracy of the dense network, its grokked ticket and the controls",
        paper="Minegishi et al.: speed",
        script="grokking",
        needs=(("modadd_ticket", "grokking"),),
    ),
    Entry(
        name="speed_transformer",
        shows="the same of a transformer, its tickets by one threshold and by many, and controls",
        paper="Minegishi et al.: speed, transformer",
        script="grokking",
        needs=(("m_transformer", "grokking"),),
    ),
    Entry(
        name="norm_controls",
        shows="dense networks that start with the ticket's norm: when they generalise",
        paper="Minegishi et al.: norm controls",
        script="speed",
        needs=(("m_norms", "speed"),),
    ),
    Entry(
        name="norm_paths",
        shows="L1 and L2 of the kept weights through training, and in their plane",
        paper="Minegishi et al.: L1 and L2",
        script="norms",
        needs=(("m_norms", "norms"),),
    ),
    Entry(
        name="pruning_at_initialisation",
        shows="SNIP, GraSP, SynFlow and random masks against the grokked ticket",
        paper="Minegishi et al.: pruning at initialisation",
        script="speed",
        needs=(("m_pai", "speed"),),
    ),
    Entry(
        name="masks_mlp",
        shows="turnover of the mask in every layer beside the gain in accuracy",
        paper="Minegishi et al.: Jaccard distance",
        script="masks",
        needs=(("modadd_ticket", "masks"),),
    ),
    Entry(
        name="masks_parity",
        shows="the same for parity",
        paper="Minegishi et al.: Jaccard distance, parity",
        script="masks",
        needs=(("m_parity", "masks"),),
    ),
    Entry(
        name="masks_polynomial",
        shows="the same for the polynomial",
        paper="Minegishi et al.: Jaccard distance, polynomial",
        script="masks",
        needs=(("m_polynomial", "masks"),),
    ),
    Entry(
        name="periodicity",
        shows="Fourier entropy of the neurons' weights, spectra and single neurons",
        paper="Minegishi et al.: periodicity",
        script="fourier",
        needs=(("modadd_ticket", "fourier"),),
    ),
    Entry(
        name="graph_properties",
        shows="graph properties of every mask beside their nulls",
        paper="Minegishi et al.: graph properties",
        script="graph_props",
        needs=(("modadd_ticket", "graph_props"),),
    ),
    Entry(
        name="graph_layers",
        shows="spectra of every layer's mask beside their nulls",
        paper="Minegishi et al.: graph properties per layer",
        script="graph_layers",
        needs=(("modadd_ticket", "graph_props"),),
    ),
    Entry(
        name="images",
        shows="handwritten digits: dense network, its grokked ticket, shuffled control",
        paper="Minegishi et al.: images",
        script="grokking",
        needs=(("m_images", "grokking"),),
    ),
)
