"""Tables of `analyses.lottery`."""

from analyses.tables.columns import (
    ARM,
    FREQUENCY,
    INPUT_AMPLITUDE,
    LOTTERY_RULE,
    MISALIGNMENT,
    NEURON,
    NONE_COMPARED,
    OUTPUT_AMPLITUDE,
    SEED,
    SHARE_HIGH,
    SHUFFLED_CHANCE,
    UNIFORM_CHANCE,
)
from analyses.tables.schema import CHECKPOINTS, Analysis, Column, Table

SOURCE = "DEFINITIONS.md, section 6"
SIMULATED_ROLE = "simulated"
"""Role of neurons that no training made: they follow the decoupled flow."""
SIMULATED_ARMS = {
    "flow": "decoupled flow",
    "equal_magnitudes": "decoupled flow, equal amplitudes",
}
"""Words for simulated neurons, by the name that stands in the column `arm`."""

NETWORK = (
    ARM,
    Column(
        "arm_role",
        str,
        "Role of the arm: dense, ticket, control or variant; simulated for neurons of the decoupled flow.",
        source="DEFINITIONS.md, section 1",
        role_of="arm",
    ),
    SEED,
)
RULE_COLUMNS = (
    *NETWORK,
    LOTTERY_RULE,
    Column("n", int, "Number of neurons with a final and a predicted frequency."),
    Column("hits", int, "Number of these whose final frequency is the predicted one."),
    Column("n_grown", int, "Number of these neurons whose norm grew by the factor --growth."),
    Column("hits_grown", int, "Number of grown neurons whose final frequency is the predicted one."),
    Column(
        "share",
        float,
        "Share of the compared neurons whose final frequency is the predicted one.",
        missing=NONE_COMPARED,
        source=SOURCE,
    ),
    Column(
        "share_grown",
        float,
        "Share of the grown neurons whose final frequency is the predicted one.",
        missing="no neuron grew",
        source=SOURCE,
    ),
    Column(
        "low",
        float,
        "Lower end of share_grown's 95 % Wilson interval, neurons taken as independent.",
        missing="no neuron grew",
    ),
    SHARE_HIGH,
    UNIFORM_CHANCE,
    SHUFFLED_CHANCE,
)
PREDICTED = "0: predicts none"
BLOWUP_TIME = Column(
    "blowup_time",
    float,
    "Least blow-up time of the neuron's frequencies from their initial weights; infinite if none blows up.",
    unit="time of the flow of the mean loss (learning rate × updates)",
    source=SOURCE,
)

RULES = Table(
    analysis="lottery",
    meaning="How often each rule predicts a neuron's final frequency from the first checkpoint.",
    key=("arm", "seed", "rule"),
    columns=RULE_COLUMNS,
)
EQUAL = Table(
    analysis="lottery",
    part="equal",
    meaning="The rules on simulated neurons that start with equal amplitudes at all frequencies.",
    key=("arm", "seed", "rule"),
    columns=RULE_COLUMNS,
)
NEURONS = Table(
    analysis="lottery",
    part="neurons",
    version=2,
    meaning="Every neuron's final frequency, and the frequency that each rule predicts.",
    key=("arm", "seed", "neuron"),
    columns=(
        *NETWORK,
        NEURON,
        Column(
            "final_frequency",
            int,
            "Frequency of largest input amplitude at the last checkpoint; 0 for a dead neuron.",
            unit="cycles per p residues",
        ),
        Column("growth", float, "Norm of the neuron's last weights over that of its first; 0 if dead."),
        Column("grown", bool, "True if growth is at least the factor --growth."),
        Column("min_abs_misalignment", int, f"Frequency of least |D| at the start; {PREDICTED}."),
        Column("max_magnitude", int, f"Frequency of largest α at the start; {PREDICTED}."),
        Column("max_aligned_product", int, f"Frequency of largest α²β cos D at the start; {PREDICTED}."),
        Column("min_blowup_time", int, f"Frequency of least blow-up time from the start; {PREDICTED}."),
        BLOWUP_TIME,
    ),
)
RACE = Table(
    analysis="lottery",
    part="race",
    meaning="All frequencies of one neuron through training: the neuron that grew most.",
    key=("arm", "seed", "neuron", "time", "frequency"),
    columns=(
        *NETWORK,
        NEURON,
        Column(
            "time",
            float,
            "Step of the checkpoint; of a simulated neuron, time of the flow of the mean loss.",
            unit="steps, or learning rate × updates",
        ),
        FREQUENCY,
        INPUT_AMPLITUDE,
        OUTPUT_AMPLITUDE,
        MISALIGNMENT,
        Column("final", bool, "True for the frequency of largest input amplitude at the end."),
    ),
)
TIMES = Table(
    analysis="lottery",
    part="times",
    meaning="Blow-up time over amplitude and misalignment, around the neuron of the race.",
    key=("amplitude", "D"),
    columns=(
        Column("amplitude", float, "Amplitude α = β at time 0.", unit="units of the weights"),
        Column("D", float, "Misalignment at time 0, from 0 to 0.99 π.", unit="radians", source=SOURCE),
        Column(
            "blowup_time",
            float,
            "Time at which the frequency becomes infinite in the decoupled flow.",
            unit=BLOWUP_TIME.unit,
            source=SOURCE,
        ),
    ),
)

ANALYSIS = Analysis(
    name="lottery",
    answers="Do a neuron's initial weights decide which frequency it ends with, and which rule predicts it?",
    takes="networks that add their two inputs, of addition mod p; no run with --simulate",
    cost="3 s",
    needs=("residues", "summed inputs", "addition"),
    reads=(CHECKPOINTS,),
    tables=(RULES, EQUAL, NEURONS, RACE, TIMES),
)
