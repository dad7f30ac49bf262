"""Tables of `analyses.phases`."""

from analyses.tables.columns import FREQUENCY, MEAN_ABS_SIN, MEAN_COS, N_SILENT, N_TIED, NETWORK, NEURON, STEP
from analyses.tables.schema import CHECKPOINTS, Analysis, Column, Table

SOURCE = "DEFINITIONS.md, section 6"
DEAD = "the neuron is dead: all its input weights are equal"
DEAD_IN_EITHER_MAP = "the neuron's input or output weights are all equal"
NONE_LIVE = "no neuron is live in both maps"
NO_GROUP = "no frequency has two live neurons"
AT_FINAL = "at the neuron's frequency of the last checkpoint"


def _resultant_length(order: int, averaged: str, missing: str = "") -> Column:
    """Return the column of one order's resultant length."""
    exponent = f"{order}iφ" if order > 1 else "iφ"
    return Column(
        f"R_{order}",
        float,
        f"Resultant length |mean exp({exponent})| of the input phases φ of one frequency{averaged}: "
        "0 evenly spread, 1 all equal.",
        missing=missing,
        source=SOURCE,
    )


ORDERS = range(1, 5)
RAYLEIGH = Column(
    "rayleigh",
    float,
    "Resultant length expected of N independent uniform phases, √(π/4N).",
    source=SOURCE,
)
MEANS = Table(
    analysis="phases",
    meaning="Phase alignment, phase symmetry and use of frequencies at every checkpoint, over live neurons.",
    version=2,
    key=("arm", "seed", "step"),
    columns=(
        *NETWORK,
        STEP,
        MEAN_ABS_SIN,
        MEAN_COS,
        Column(
            "weighted_cos",
            float,
            "Mean of cos D, each neuron weighted by its squared input amplitude × squared output amplitude.",
            missing=NONE_LIVE,
            source=SOURCE,
        ),
        Column(
            "mean_abs_sin_at_final",
            float,
            f"Mean over neurons of |sin D|, D taken {AT_FINAL}.",
            missing=NONE_LIVE,
            source=SOURCE,
        ),
        Column(
            "mean_cos_at_final",
            float,
            f"Mean over neurons of cos D, D taken {AT_FINAL}.",
            missing=NONE_LIVE,
            source=SOURCE,
        ),
        Column(
            "weighted_cos_at_final",
            float,
            f"Weighted mean of cos D, D taken {AT_FINAL}.",
            missing=NONE_LIVE,
            source=SOURCE,
        ),
        Column(
            "same_frequency",
            float,
            "Share of the live neurons whose input and output weights have one frequency.",
            missing=NONE_LIVE,
            source="He et al., arXiv:2602.16849",
        ),
        Column(
            "same_frequency_chance",
            float,
            "That share for independent uniform frequencies: 1/K, K = (p − 1)/2.",
        ),
        *(
            _resultant_length(order, ", averaged over neurons in groups of two and more", NO_GROUP)
            for order in ORDERS
        ),
        Column(
            "rayleigh",
            float,
            "Resultant length expected of independent uniform phases, mean over the neurons of those groups.",
            missing=NO_GROUP,
            source=SOURCE,
        ),
        Column("n_frequencies", int, "Number of different input frequencies in use."),
        Column(
            "chi2",
            float,
            "Pearson's χ² of the neurons per frequency against equal use of all K, K − 1 degrees of freedom.",
            missing="no live neuron, or K is 1",
            source=SOURCE,
        ),
        Column(
            "chi2_p_value",
            float,
            "Probability of a χ² at least as large if all frequencies are equally likely.",
            missing="no live neuron, or K is 1",
            source=SOURCE,
        ),
        Column(
            "cv_input_amplitude",
            float,
            "Coefficient of variation (standard deviation / mean) of the neurons' input amplitudes.",
            missing="no live neuron",
            source=SOURCE,
        ),
        Column(
            "cv_output_amplitude",
            float,
            "Coefficient of variation (standard deviation / mean) of the neurons' output amplitudes.",
            missing="no live neuron",
            source=SOURCE,
        ),
        Column("n_dead", int, "Number of neurons that are dead in either map, excluded from the means."),
        N_SILENT,
        N_TIED,
    ),
)
NEURONS = Table(
    analysis="phases",
    part="neurons",
    meaning="Phases and amplitudes of every neuron at its input frequency, at every checkpoint.",
    version=2,
    key=("arm", "seed", "step", "neuron"),
    columns=(
        *NETWORK,
        STEP,
        NEURON,
        Column(
            "frequency",
            int,
            "Frequency of largest amplitude of the input weights, from 1; 0 if they are all equal.",
            unit="cycles per p residues",
            source="DEFINITIONS.md, section 5",
        ),
        Column(
            "output_frequency",
            int,
            "Frequency of largest amplitude of the output weights, from 1; 0 if they are all equal.",
            unit="cycles per p residues",
            source="DEFINITIONS.md, section 5",
        ),
        Column(
            "D",
            float,
            "Misalignment: 2 × input phase − output phase, wrapped into [−π, π).",
            unit="radians",
            missing=f"{DEAD_IN_EITHER_MAP}, or the neuron is silent: one amplitude is only rounding",
            source=SOURCE,
        ),
        Column(
            "input_phase",
            float,
            "Phase φ of the input weights at the neuron's frequency.",
            unit="radians",
            missing=DEAD,
            source=SOURCE,
        ),
        Column(
            "output_phase",
            float,
            "Phase ψ of the output weights at the neuron's input frequency.",
            unit="radians",
            missing=f"{DEAD_IN_EITHER_MAP}, or the output amplitude at that frequency is only rounding",
            source=SOURCE,
        ),
        Column(
            "input_amplitude",
            float,
            "Amplitude α of the input weights at the neuron's frequency.",
            missing=DEAD,
            source=SOURCE,
        ),
        Column(
            "output_amplitude",
            float,
            "Amplitude β of the output weights at the neuron's input frequency.",
            missing=DEAD,
            source=SOURCE,
        ),
    ),
)
GROUPS = Table(
    analysis="phases",
    part="groups",
    meaning="Phase symmetry of the neurons of each frequency in use, at every checkpoint.",
    key=("arm", "seed", "step", "frequency"),
    columns=(
        *NETWORK,
        STEP,
        FREQUENCY,
        *(_resultant_length(order, "") for order in ORDERS),
        RAYLEIGH,
        Column("n_neurons", int, "Number N of live neurons of this frequency, at least 1."),
    ),
)

ANALYSIS = Analysis(
    name="phases",
    answers="Are output phases twice the input phases, and how evenly are phases and frequencies used?",
    takes="networks of addition mod p",
    cost="3 s",
    needs=("residues", "addition"),
    reads=(CHECKPOINTS,),
    tables=(MEANS, NEURONS, GROUPS),
)
