"""Tables of `analyses.masks`."""

from analyses.tables.columns import LAYER, NETWORK, STEP
from analyses.tables.schema import Analysis, Column, Table

MASK_SOURCE = "DEFINITIONS.md, section 4"
PEAK_SOURCE = "Minegishi et al., Sec. 5; the measure is ours"
NO_VERDICT = "fewer than three intervals have a gain, or none is positive"

CHANCE = Column(
    "chance",
    float,
    "Jaccard distance of two independent masks of the same layer densities.",
    source=MASK_SOURCE,
)
GAIN_OF = Column("gain_of", str, "Curve whose gain is measured: test_acc or test_loss.")

DISTANCES = Table(
    analysis="masks",
    meaning="Distance between an arm's masks at two checkpoints, for arms whose mask changes in training.",
    key=("arm", "seed", "spacing", "step", "layer"),
    columns=(
        *NETWORK,
        Column(
            "spacing",
            str,
            "Interval: fixed, from one multiple of --every to the next; early, checkpoints up to it.",
        ),
        Column("from_step", int, "Step of the earlier mask.", unit="steps"),
        Column("step", int, "Step of the later mask.", unit="steps"),
        LAYER,
        Column("distance", float, "Jaccard distance of the two masks.", source=MASK_SOURCE),
        CHANCE,
        Column("velocity", float, "Distance per 1,000 steps.", unit="per 1,000 steps"),
        Column(
            "gain",
            float,
            "Rise of the test accuracy between the two steps; without accuracy, fall of log10 test loss.",
            missing="a step has no metrics, or a test loss of 0",
        ),
        GAIN_OF,
    ),
)
DENSITY = Table(
    analysis="masks",
    part="density",
    meaning="Share of weights that masks keep; of a mask that never changes, at the first checkpoint alone.",
    key=("arm", "seed", "step", "layer"),
    columns=(
        *NETWORK,
        STEP,
        LAYER,
        Column("density", float, "Share of the layer's weights that the mask keeps.", source=MASK_SOURCE),
    ),
)
FROZEN = Table(
    analysis="masks",
    part="frozen",
    meaning="Weights that were to stay frozen while scores were trained, compared with their source.",
    key=("arm", "seed"),
    columns=(
        *NETWORK,
        Column("source", str, "Arm whose checkpoint the weights were taken from."),
        Column(
            "source_role",
            str,
            "Role of that arm: dense, ticket, control or variant.",
            source="DEFINITIONS.md, section 1",
            role_of="source",
        ),
        Column("from_step", int, "Step of that checkpoint.", unit="steps"),
        Column("n_checkpoints", int, "Number of checkpoints compared."),
        Column("n_kept", int, "Number of weights that are not zero, over all checkpoints."),
        Column("n_changed", int, "Number of those whose bits differ from the source's."),
    ),
)


def _arm(name: str, other: str) -> tuple[Column, Column]:
    return (
        Column(name, str, f"{other} arm of the pair."),
        Column(
            f"{name}_role",
            str,
            f"Role of the {other.lower()} arm.",
            source="DEFINITIONS.md, section 1",
            role_of=name,
        ),
    )


KEEP_ALL = "independent masks of these densities are equal: they keep all"
OVERLAP = Table(
    analysis="masks",
    part="overlap",
    meaning="Overlap of the last masks of every two arms of a seed, and of every two seeds of an arm.",
    key=("arm_a", "seed_a", "arm_b", "seed_b", "layer"),
    columns=(
        *_arm("arm_a", "First"),
        Column("seed_a", int, "Seed of the first network."),
        *_arm("arm_b", "Second"),
        Column("seed_b", int, "Seed of the second network."),
        LAYER,
        Column(
            "by_construction",
            bool,
            "True if both arms have one mask, taken from one network: a finding about neither.",
        ),
        Column("overlap", float, "Jaccard overlap: entries that both keep over those that either keeps."),
        Column(
            "chance", float, "Overlap expected of masks shuffled within their layers.", source=MASK_SOURCE
        ),
        Column(
            "excess",
            float,
            "Excess over chance, (overlap − chance) / (1 − chance): 0 at chance, 1 for equal masks.",
            missing=KEEP_ALL,
        ),
        Column(
            "z",
            float,
            "Common entries above those of masks shuffled within layers.",
            unit="standard deviations",
            missing="the masks keep all or nothing, so their overlap cannot vary",
        ),
        Column("flat_chance", float, "Overlap expected of masks scattered over all layers alike."),
        Column(
            "flat_excess",
            float,
            "Excess over it, (overlap − flat_chance) / (1 − flat_chance).",
            missing=KEEP_ALL,
        ),
    ),
)
PEAKS = Table(
    analysis="masks",
    part="peaks",
    meaning="Where the mask changes most and the network gains most, over fixed intervals but the first.",
    key=("arm", "seed", "layer"),
    columns=(
        *NETWORK,
        LAYER,
        Column("n_intervals", int, "Number of intervals."),
        Column("peak_step", int, "Later step of the interval of largest distance.", unit="steps"),
        Column("peak_distance", float, "Jaccard distance over that interval.", source=MASK_SOURCE),
        Column("peak_velocity", float, "Distance per 1,000 steps there.", unit="per 1,000 steps"),
        CHANCE,
        GAIN_OF,
        Column(
            "gain_step",
            int,
            "Later step of the interval of largest gain.",
            unit="steps",
            missing="no interval has a gain",
        ),
        Column("gain", float, "Largest gain.", missing="no interval has a gain"),
        Column(
            "lag",
            int,
            "Delay of the peak, peak_step − gain_step.",
            unit="steps",
            missing="no interval has a gain",
        ),
        Column(
            "holds",
            bool,
            "True if the two are at most two intervals apart.",
            missing=NO_VERDICT,
            source=PEAK_SOURCE,
        ),
        Column(
            "spearman",
            float,
            "Rank correlation of velocity and gain over the intervals.",
            missing=f"{NO_VERDICT}; or one of the two is constant",
        ),
        Column(
            "velocity_half_step",
            int,
            "Step at which velocity is half way up from its lowest value before its peak.",
            unit="steps",
            missing="velocity is highest in the first interval",
        ),
        Column(
            "gain_half_step",
            int,
            "Step at which the gain is half way up from its lowest value before its peak.",
            unit="steps",
            missing=f"{NO_VERDICT}; or the gain is highest in the first interval",
        ),
        Column(
            "lead",
            int,
            "Lead of velocity, gain_half_step − velocity_half_step: positive if velocity rises first.",
            unit="steps",
            missing="either is missing",
        ),
    ),
)

ANALYSIS = Analysis(
    name="masks",
    answers="Which weights do masks keep, when do masks change in training, and which of them overlap?",
    takes="networks of any task and model; adopted ones with a mask or a sparsity",
    cost="4 s",
    needs=("mask",),
    tables=(DISTANCES, DENSITY, FROZEN, OVERLAP, PEAKS),
)
