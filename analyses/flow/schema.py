"""Tables of `analyses.flow`."""

from analyses.tables.columns import (
    FREQUENCY,
    INPUT_AMPLITUDE,
    MISALIGNMENT,
    NETWORK,
    NEURON,
    OUTPUT_AMPLITUDE,
    STEP,
)
from analyses.tables.schema import CHECKPOINTS, MASK, Analysis, Column, Table

UNTIL = 6_000
"""Step up to which the paper claims that flow and training agree."""
CONTRAST_LABELS = {
    "flow": "training − flow",
    "softmax": "softmax not uniform",
    "steps": "finite steps, float32",
    "warm_up": "clock without warm-up",
}
"""Words for the differences between two courses of the amplitudes."""
COURSE_LABELS = {"trained": "training", "flow": "flow"}
"""Words for the courses whose invariants are measured."""

SOURCE = "DEFINITIONS.md, section 6"
OVER_NEURONS = {"median": "median over neurons", "max": "largest of all neurons"}
BLOWN_UP = "the flow has blown up before this step"


def _differences(name: str, quantity: str, unit: str) -> list[Column]:
    """Return the columns of a difference: median and largest."""
    return [
        Column(
            f"{name}_{end}",
            float,
            f"Absolute difference in {quantity}, {words}.",
            unit=unit,
            missing=BLOWN_UP,
        )
        for end, words in OVER_NEURONS.items()
    ]


def _drifts(name: str, invariant: str, scale: str) -> list[Column]:
    """Return the columns of an invariant's drift: median and largest."""
    return [
        Column(
            f"{name}_{end}",
            float,
            f"Absolute change of {invariant} since the start over {scale} at the start, {words}.",
            missing=BLOWN_UP,
            source=SOURCE,
        )
        for end, words in OVER_NEURONS.items()
    ]


def _in_the_flow(column: Column, meaning: str) -> Column:
    """Return the column of a quantity in the decoupled flow."""
    return Column(f"flow_{column.name}", float, meaning, unit=column.unit, missing=BLOWN_UP, source=SOURCE)


DEVIATIONS = Table(
    analysis="flow",
    meaning="Differences between training and the decoupled flow from its start, and their parts.",
    key=("arm", "seed", "step", "contrast"),
    columns=(
        *NETWORK,
        STEP,
        Column(
            "contrast",
            str,
            "Difference: flow (training − decoupled flow); its parts softmax (flow of the network's own loss "
            "− decoupled flow) and steps (training − flow of its own loss); warm_up (decoupled flow for "
            "learning rate × step − for the sum of the learning rates).",
            source=SOURCE,
        ),
        *_differences("input_amplitude", "the input amplitude α", INPUT_AMPLITUDE.unit),
        *_differences("output_amplitude", "the output amplitude β", OUTPUT_AMPLITUDE.unit),
        *_differences("D", "the misalignment D", "radians"),
    ),
)
INVARIANTS = Table(
    analysis="flow",
    part="invariants",
    meaning="Drift of two quantities that the decoupled flow conserves.",
    key=("arm", "seed", "step", "course"),
    columns=(
        *NETWORK,
        STEP,
        Column("course", str, "Course of the amplitudes: trained, or flow (the decoupled flow)."),
        *_drifts("difference", "α² − 2β²", "α² + 2β²"),
        *_drifts("product", "α²β sin D", "α²β"),
    ),
)
NETWORKS = Table(
    analysis="flow",
    part="networks",
    meaning="When the first neuron of the decoupled flow becomes infinite.",
    key=("arm", "seed"),
    columns=(
        *NETWORK,
        Column(
            "blowup_time",
            float,
            "Least blow-up time of all neurons.",
            unit="time of the flow of the mean loss (learning rate × updates)",
            source=SOURCE,
        ),
        Column(
            "blowup_step", float, "Step at which the sum of the learning rates is that time.", unit="steps"
        ),
    ),
)
NEURONS = Table(
    analysis="flow",
    part="neurons",
    meaning="Every neuron's amplitudes and misalignment in training and in the decoupled flow.",
    key=("arm", "seed", "step", "neuron"),
    columns=(
        *NETWORK,
        STEP,
        NEURON,
        FREQUENCY,
        INPUT_AMPLITUDE,
        OUTPUT_AMPLITUDE,
        MISALIGNMENT,
        _in_the_flow(INPUT_AMPLITUDE, "Amplitude α in the decoupled flow."),
        _in_the_flow(OUTPUT_AMPLITUDE, "Amplitude β in the decoupled flow."),
        _in_the_flow(MISALIGNMENT, "Misalignment D in the decoupled flow."),
    ),
)

ANALYSIS = Analysis(
    name="flow",
    answers="How long does the decoupled gradient flow agree with training, and why do they differ?",
    takes="dense one_hot_mlp.square networks by gradient descent, no weight decay, on all pairs of addition",
    cost="6 s (h_quad_single_freq)",
    needs=(
        "residues",
        "squaring neurons",
        "dense",
        "plain gradient descent",
        "addition",
        "split",
        "no test pairs",
        "two checkpoints",
    ),
    reads=(CHECKPOINTS, MASK),
    tables=(DEVIATIONS, INVARIANTS, NETWORKS, NEURONS),
)
