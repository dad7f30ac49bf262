"""Tables of `analyses.leakage`."""

from analyses.tables.columns import MAP, MISALIGNMENT, NETWORK, NEURON, STEP
from analyses.tables.schema import CHECKPOINTS, MASK, Analysis, Column, Table

NEAR = 2e-3
"""Distance from the limit within which a ratio is claimed to be, for large p."""

SOURCE = "DEFINITIONS.md, section 6"
NO_AMPLITUDE = "an amplitude at a neuron's own frequency is 0"
QUANTILES = {"": "median", "_low": "10 % quantile", "_high": "90 % quantile"}
"""Statistics over the aligned neurons, by the end of their columns' names."""
HARMONIC = Column("harmonic", int, "Harmonic r: frequency r × the neuron's own, from 1.")
LIMIT = Column(
    "limit",
    float,
    "Ratio of an aligned neuron's gradient for large p: 3/|r² − 4| at odd r and 0 at even r in the input "
    "map, 3/(4r² − 1) in the output map.",
    source=SOURCE,
)


def _ratios(name: str, of: str, missing: str) -> list[Column]:
    """Return the columns of a ratio's median and quantiles over aligned neurons."""
    return [
        Column(
            f"{name}{end}",
            float,
            f"Amplitude of {of} at harmonic r over that at r = 1, {statistic} over the aligned neurons.",
            missing=missing,
            source=SOURCE,
        )
        for end, statistic in QUANTILES.items()
    ]


SHARES = Table(
    analysis="leakage",
    meaning="Harmonics in the gradient, the growth and the weights of aligned neurons, at every checkpoint.",
    key=("arm", "seed", "map", "step", "harmonic"),
    columns=(
        *NETWORK,
        MAP,
        STEP,
        HARMONIC,
        LIMIT,
        Column("n_aligned", int, "Number of aligned neurons: those of least |D| at the start."),
        *_ratios("gradient", "the training loss' gradient", NO_AMPLITUDE),
        *_ratios(
            "growth",
            "the weights' change since the checkpoint before",
            f"the first checkpoint, or {NO_AMPLITUDE}",
        ),
        *_ratios("weights", "the weights", NO_AMPLITUDE),
    ),
)
EXAMPLE = Table(
    analysis="leakage",
    part="example",
    meaning="Harmonics in the weights of each network's best aligned neuron, at every checkpoint.",
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
            unit="units of the weights",
            source="DEFINITIONS.md, section 5",
        ),
        NEURON,
    ),
)
IDEAL = Table(
    analysis="leakage",
    part="ideal",
    meaning="Largest distance of an ideal aligned neuron's ratios from their limit, for several p.",
    key=("p", "map"),
    columns=(
        Column("p", int, "Number of residues."),
        MAP,
        Column("n_harmonics", int, "Number of harmonics compared, (p − 1)/2."),
        Column("harmonic", int, "Harmonic of the largest distance."),
        Column(
            "error",
            float,
            "Largest absolute difference of a ratio and its limit, over harmonics and 32 input phases.",
            source=SOURCE,
        ),
    ),
)
START = Table(
    analysis="leakage",
    part="start",
    meaning="Harmonics in every neuron's gradient at the start, with those of an ideal neuron of its phases.",
    key=("arm", "seed", "map", "neuron", "harmonic"),
    columns=(
        *NETWORK,
        MAP,
        NEURON,
        HARMONIC,
        MISALIGNMENT,
        Column(
            "gradient",
            float,
            "Amplitude of the training loss' gradient at harmonic r over that at r = 1.",
            missing="the gradient at the neuron's own frequency is 0",
            source=SOURCE,
        ),
        Column("ideal", float, "That ratio of an ideal neuron with these phases at this p.", source=SOURCE),
        Column("limit", float, "That ratio of an ideal neuron with this D, for large p.", source=SOURCE),
    ),
)

ANALYSIS = Analysis(
    name="leakage",
    answers="Does a ReLU neuron's growth leak into harmonics of its frequency by the ratios of theory?",
    takes="dense one_hot_mlp.relu networks with init single_frequency, of a task over residues mod p",
    cost="4 s (h_relu_single_freq)",
    needs=("residues", "single frequencies", "dense", "split"),
    reads=(CHECKPOINTS, MASK),
    tables=(SHARES, EXAMPLE, IDEAL, START),
)
