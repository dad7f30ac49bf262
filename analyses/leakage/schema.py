"""Tables of `analyses.leakage`."""

from analyses.tables.columns import MAP, NETWORK, NEURON, STEP
from analyses.tables.schema import Analysis, Column, Table

SOURCE = "He et al., arXiv:2602.16849; DEFINITIONS.md, section 6"
HARMONIC = Column("harmonic", int, "Harmonic r: r times the neuron's frequency.")
LIMIT = Column("limit", float, "Ratio of an ideal aligned neuron as p grows.", source=SOURCE)
NO_GROWTH = "the weights have not changed since the checkpoint before"


def _ratio(name: str, what: str, missing: str = "") -> tuple[Column, Column, Column]:
    """Return the columns of a ratio: its median over aligned neurons, its 10th and 90th percentile."""
    return (
        Column(
            name,
            float,
            f"{what} at harmonic r over that at r = 1, median over aligned neurons.",
            missing=missing,
        ),
        Column(f"{name}_low", float, "10th percentile of that ratio over aligned neurons.", missing=missing),
        Column(f"{name}_high", float, "90th percentile of that ratio over aligned neurons.", missing=missing),
    )


SHARES = Table(
    analysis="leakage",
    meaning="Amplitudes at harmonics of the neurons' frequencies relative to r = 1, at every checkpoint.",
    key=("arm", "seed", "map", "step", "harmonic"),
    columns=(
        *NETWORK,
        MAP,
        STEP,
        HARMONIC,
        LIMIT,
        Column("n_aligned", int, "Number of neurons, by smallest initial |D|, that are treated as aligned."),
        *_ratio("gradient", "Amplitude of the gradient"),
        *_ratio("growth", "Amplitude of the weights' change since the checkpoint before", NO_GROWTH),
        *_ratio("weights", "Amplitude of the weights"),
    ),
)
EXAMPLE = Table(
    analysis="leakage",
    part="example",
    meaning="Amplitudes of the weights of one neuron, the best aligned at the start, at every checkpoint.",
    key=("arm", "seed", "map", "step", "harmonic"),
    columns=(
        *NETWORK,
        MAP,
        STEP,
        HARMONIC,
        Column(
            "amplitude",
            float,
            "Amplitude of the neuron's weights at the harmonic.",
            source="DEFINITIONS.md, section 5",
        ),
        NEURON,
    ),
)
IDEAL = Table(
    analysis="leakage",
    part="ideal",
    meaning="Largest distance of an ideal aligned neuron's ratios from their limits, for several p.",
    key=("p", "map"),
    columns=(
        Column("p", int, "Number of residues."),
        MAP,
        Column("n_harmonics", int, "Number of harmonics compared, (p − 1)/2."),
        Column("harmonic", int, "Harmonic with the largest distance."),
        Column("error", float, "That distance, the largest over the neuron's phases too.", source=SOURCE),
    ),
)
START = Table(
    analysis="leakage",
    part="start",
    meaning="Every neuron's gradient at the start beside an ideal neuron of its phases.",
    key=("arm", "seed", "map", "neuron", "harmonic"),
    columns=(
        *NETWORK,
        MAP,
        NEURON,
        HARMONIC,
        Column(
            "D",
            float,
            "Misalignment of the neuron at the start.",
            unit="radians",
            source="DEFINITIONS.md, section 6",
        ),
        Column("gradient", float, "Amplitude of the gradient at harmonic r over that at r = 1."),
        Column("ideal", float, "Ratio of an ideal neuron with these phases at this p."),
        Column("limit", float, "Ratio of an ideal neuron with this misalignment as p grows.", source=SOURCE),
    ),
)

ANALYSIS = Analysis(
    name="leakage",
    answers="How much of a ReLU neuron's growth leaks into harmonics of its frequency, against theory?",
    takes="ReLU networks on one-hot inputs that start from one frequency per neuron (h_relu_single_freq)",
    cost="2 s",
    tables=(SHARES, EXAMPLE, IDEAL, START),
)
