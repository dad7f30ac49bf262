"""Columns that tables of several analyses have."""

from analyses.tables.schema import Column, Table

ARM = Column("arm", str, "Name of the arm: one trained network of the recipe.")
ARM_ROLE = Column(
    "arm_role",
    str,
    "Role of the arm: dense, ticket, control or variant.",
    source="DEFINITIONS.md, section 1",
    role_of="arm",
)
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
FREQUENCY = Column("frequency", int, "Frequency, from 1 to (p − 1)/2.", unit="cycles per p residues")


def key_frequency_table(analysis: str, checkpoints: str) -> Table:
    """Return the schema of an analysis' key frequencies at some checkpoints."""
    return Table(
        analysis=analysis,
        part="key_frequencies",
        meaning=f"Key frequencies by each of three published rules, {checkpoints}.",
        key=("arm", "seed", "step", "rule", "frequency"),
        columns=(
            *NETWORK,
            STEP,
            Column(
                "rule",
                str,
                "Rule that chose the frequency: embedding_norm, logit_map or neuron_cluster.",
                source="DEFINITIONS.md, section 5",
            ),
            FREQUENCY,
        ),
    )
