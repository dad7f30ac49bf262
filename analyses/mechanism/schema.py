"""Tables of `analyses.mechanism`."""

from analyses.tables.columns import (
    FREQUENCY,
    LOTTERY_RULE,
    MEAN_COS,
    N_SILENT,
    NETWORK,
    NONE_COMPARED,
    SHARE_HIGH,
    SHARE_LOW,
    SHUFFLED_CHANCE,
    STEP,
    UNIFORM_CHANCE,
)
from analyses.tables.schema import Analysis, Column, Table

STAGE_LABELS = {
    "dense_start": "dense, start",
    "dense_t_gen": "dense, at t_gen",
    "dense_end": "dense, end",
    "pruned": "dense end, masked",
    "start": "arm's start",
    "end": "arm's end",
}
"""Words for the stages: of the dense network, of its last weights under the mask, of the arm itself."""
SOURCE_LABELS = {
    "mask": "mask alone",
    "mask_doubled": "mask at 2k",
    "signs": "mask and signs",
    "start": "arm's start",
    "unmasked": "unpruned start",
}
"""Words for the parts of the initial weights from which a final frequency is predicted."""

LOTTERY = "DEFINITIONS.md, section 6"
NO_ENERGY = "all neurons are dead at the last checkpoint"
NO_KEYS = "the input map is zero: no frequency has energy"
STAGE = Column("stage", str, "Stage of training: dense_start, dense_t_gen, dense_end, pruned, start or end.")
STAGE_STEP = Column("step", int, "Step of the weights: of the dense network, or of the arm.", unit="steps")

MEANS = Table(
    analysis="mechanism",
    meaning="How many neurons have settled on their final frequency, and on key frequencies, per checkpoint.",
    version=2,
    key=("arm", "seed", "step"),
    columns=(
        *NETWORK,
        STEP,
        Column("settled", float, "Share of the neurons with their final frequency.", missing=NONE_COMPARED),
        Column(
            "settled_chance",
            float,
            "That share if this checkpoint's frequencies are permuted over the neurons.",
            missing=NONE_COMPARED,
        ),
        Column(
            "settled_weighted",
            float,
            "Share of the final energy in neurons with their final frequency.",
            missing=NO_ENERGY,
        ),
        Column(
            "settled_weighted_chance",
            float,
            "That share if this checkpoint's frequencies are permuted over the neurons.",
            missing=NO_ENERGY,
        ),
        Column(
            "same_frequency",
            float,
            "Share of the neurons whose input and output weights have one frequency.",
            missing="no neuron is live in both maps",
            source=LOTTERY,
        ),
        MEAN_COS,
        N_SILENT,
        Column(
            "weighted_cos",
            float,
            "Mean of cos D over neurons, weighted by squared input × squared output amplitude.",
            missing="no neuron is live in both maps",
            source=LOTTERY,
            needs=("addition",),
        ),
        Column(
            "key_share",
            float,
            "Share of the neurons' energy at the key frequencies of the last checkpoint.",
            missing=NO_KEYS,
        ),
        Column(
            "n_keys",
            int,
            "Number of key frequencies of the last input map, by the rule embedding_norm.",
            source="DEFINITIONS.md, section 5",
        ),
    ),
)
FREQUENCIES = Table(
    analysis="mechanism",
    part="frequencies",
    meaning="Energy and neurons at every frequency, at each stage of a pruned arm and its dense network.",
    key=("arm", "seed", "stage", "frequency"),
    columns=(
        *NETWORK,
        STAGE,
        STAGE_STEP,
        FREQUENCY,
        Column("share", float, "Share of the neurons' energy at the frequency.", missing=NO_KEYS),
        Column("neurons", int, "Number of neurons of this frequency."),
        Column(
            "key",
            bool,
            "True for a key frequency of the stage, by the rule embedding_norm on the input map.",
            source="DEFINITIONS.md, section 5",
        ),
    ),
)
STAGES = Table(
    analysis="mechanism",
    part="stages",
    meaning="Frequencies of each stage compared with those of the dense network's end and of the arm's end.",
    key=("arm", "seed", "stage", "reference"),
    columns=(
        *NETWORK,
        STAGE,
        STAGE_STEP,
        Column("reference", str, "Stage that it is compared with: dense_end or end."),
        Column("n_keys", int, "Number n of key frequencies of the reference."),
        Column("common", int, "Number of these among the n frequencies of most energy of the stage."),
        Column(
            "overlap",
            float,
            "Jaccard overlap of both sets: number in common over number in either.",
            missing="the reference has no key frequency",
        ),
        Column(
            "chance",
            float,
            "Mean of that overlap over random sets of n frequencies.",
            missing="the reference has no key frequency",
        ),
        Column(
            "p_value", float, "Probability that a random set of n frequencies has at least as many in common."
        ),
        Column(
            "key_share",
            float,
            "Share of the stage's energy at the reference's key frequencies.",
            missing=NO_KEYS,
        ),
        Column("key_share_chance", float, "That share if all K frequencies have equal energy, n/K."),
        Column("n", int, "Number of neurons that have a frequency in both."),
        Column(
            "same",
            float,
            "Share of these neurons with the frequency that they have in the reference.",
            missing=NONE_COMPARED,
        ),
        SHARE_LOW,
        SHARE_HIGH,
        SHUFFLED_CHANCE,
    ),
)
WINNERS = Table(
    analysis="mechanism",
    part="winners",
    meaning="How often a rule predicts the final frequency from parts of the initial weights.",
    key=("arm", "seed", "source", "rule"),
    needs=("addition",),
    columns=(
        *NETWORK,
        Column(
            "source",
            str,
            "Weights that the rule reads: mask (all kept weights of a layer equal), mask_doubled (the same "
            "mask, read at twice each frequency), signs (mask with the start's signs), start, or unmasked "
            "(the dense network's start).",
        ),
        LOTTERY_RULE,
        Column("n", int, "Number of neurons with a final and a predicted frequency."),
        Column("hits", int, "Number of these whose final frequency is the predicted one."),
        Column(
            "share",
            float,
            "Share of these neurons whose final frequency is the predicted one.",
            missing=NONE_COMPARED,
            source=LOTTERY,
        ),
        SHARE_LOW,
        SHARE_HIGH,
        UNIFORM_CHANCE,
        SHUFFLED_CHANCE,
    ),
)

ANALYSIS = Analysis(
    name="mechanism",
    answers="When do neurons settle on frequencies, which are inherited, and does a mask alone predict them?",
    takes="networks of a task over residues mod p; for what is inherited, pruned arms with their dense arm",
    cost="4 s",
    needs=("residues",),
    tables=(MEANS, FREQUENCIES, STAGES, WINNERS),
)
