"""Columns that tables of several analyses have."""

from analyses.tables.schema import Column, Table


def role_column(of: str) -> Column:
    """Return the column of the roles of the arms that another column names."""
    return Column(
        f"{of}_role",
        str,
        f"Role of the {of}: dense, ticket, control or variant.",
        source="DEFINITIONS.md, section 1",
        role_of=of,
    )


ARM = Column("arm", str, "Name of the arm: one trained network of the recipe.")
ARM_ROLE = role_column("arm")
SEED = Column("seed", int, "Seed of the network.")
NETWORK = (ARM, ARM_ROLE, SEED)
"""Columns that name a network."""
STEP = Column("step", int, "Step of the checkpoint.", unit="steps")
MAP = Column(
    "map",
    str,
    "Map of the neurons over residues: input or output weights.",
    source="DEFINITIONS.md, section 5",
)
NEURON = Column("neuron", int, "Index of the neuron.")
LAYER = Column("layer", str, "Weight matrix or bias, by name; global: all together.")
FREQUENCY = Column("frequency", int, "Frequency, from 1 to (p − 1)/2.", unit="cycles per p residues")
MEAN_ABS_SIN = Column(
    "mean_abs_sin",
    float,
    "Mean over neurons of |sin D|, D = 2 × input phase − output phase: 2/π for random phases.",
    missing="no neuron is live in both maps",
    source="DEFINITIONS.md, section 6",
)
MEAN_COS = Column(
    "mean_cos",
    float,
    "Mean over neurons of cos D: 1 if output phases are twice the input phases, 0 for random phases.",
    missing="no neuron is live in both maps",
    source="DEFINITIONS.md, section 6",
)

N_SILENT = Column(
    "n_silent",
    int,
    "Number of live neurons that do not read, or do not write, their frequency at all; they have no D.",
    source="DEFINITIONS.md, section 6",
)
N_TIED = Column(
    "n_tied",
    int,
    "Number of neurons with equal largest amplitudes at several frequencies, as from one kept weight: they "
    "count at the smallest.",
    source="DEFINITIONS.md, section 5",
)

MISALIGNMENT = Column(
    "D",
    float,
    "Misalignment: 2 × input phase − output phase, wrapped into [−π, π).",
    unit="radians",
    source="DEFINITIONS.md, section 6",
)
INPUT_AMPLITUDE = Column(
    "input_amplitude",
    float,
    "Amplitude α of the neuron's input weights at this frequency.",
    unit="units of the weights",
    source="DEFINITIONS.md, section 5",
)
OUTPUT_AMPLITUDE = Column(
    "output_amplitude",
    float,
    "Amplitude β of the neuron's output weights at this frequency.",
    unit="units of the weights",
    source="DEFINITIONS.md, section 5",
)
LOTTERY_RULE = Column(
    "rule",
    str,
    "Rule that predicts a neuron's final frequency from its initial weights: min_abs_misalignment, "
    "max_magnitude, max_aligned_product or min_blowup_time.",
    source="DEFINITIONS.md, section 6",
)
NONE_COMPARED = "no neuron is compared"
SHARE_LOW = Column(
    "low",
    float,
    "Lower end of the share's 95 % Wilson interval, neurons taken as independent.",
    missing=NONE_COMPARED,
)
SHARE_HIGH = Column("high", float, "Upper end of this interval.", missing=NONE_COMPARED)
UNIFORM_CHANCE = Column("chance", float, "Share expected of a uniform guess, 1/K.")
SHUFFLED_CHANCE = Column(
    "shuffled_chance",
    float,
    "Share expected if the compared frequencies are permuted over the neurons at random.",
    missing=NONE_COMPARED,
)


def key_frequency_table(analysis: str, checkpoints: str) -> Table:
    """Return the schema of an analysis' key frequencies at some checkpoints."""
    return Table(
        analysis=analysis,
        part="key_frequencies",
        meaning=f"Key frequencies by each of three published rules, {checkpoints}.",
        version=2,
        key=("arm", "seed", "step", "rule", "frequency"),
        columns=(
            *NETWORK,
            STEP,
            Column(
                "rule",
                str,
                "Rule that chose the frequency: embedding_norm, logit_map, or neuron_cluster, whose "
                "threshold follows the network's activation.",
                source="DEFINITIONS.md, section 5",
            ),
            FREQUENCY,
        ),
    )
