"""Tables of `analyses.lottery`."""

from analyses.tables.columns import NETWORK, NEURON
from analyses.tables.schema import Analysis, Column, Table

RULES = Table(
    analysis="lottery",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        Column("rule", str, "TODO"),
        Column("n", int, "TODO"),
        Column("hits", int, "TODO"),
        Column("n_grown", int, "TODO"),
        Column("hits_grown", int, "TODO"),
        Column("share", float, "TODO"),
        Column("share_grown", float, "TODO", missing="TODO"),
        Column("low", float, "TODO", missing="TODO"),
        Column("high", float, "TODO", missing="TODO"),
        Column("chance", float, "TODO"),
        Column("shuffled_chance", float, "TODO", missing="TODO"),
    ),
)
EQUAL = Table(
    analysis="lottery",
    part="equal",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        Column("rule", str, "TODO"),
        Column("n", int, "TODO"),
        Column("hits", int, "TODO"),
        Column("n_grown", int, "TODO"),
        Column("hits_grown", int, "TODO"),
        Column("share", float, "TODO"),
        Column("share_grown", float, "TODO"),
        Column("low", float, "TODO"),
        Column("high", float, "TODO"),
        Column("chance", float, "TODO"),
        Column("shuffled_chance", float, "TODO"),
    ),
)
NEURONS = Table(
    analysis="lottery",
    part="neurons",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        NEURON,
        Column("final_frequency", int, "TODO"),
        Column("growth", float, "TODO"),
        Column("grown", bool, "TODO"),
        Column("min_abs_misalignment", int, "TODO"),
        Column("max_magnitude", int, "TODO"),
        Column("max_aligned_product", int, "TODO"),
        Column("min_blowup_time", int, "TODO"),
        Column("blowup_time", float, "TODO"),
    ),
)
RACE = Table(
    analysis="lottery",
    part="race",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        NEURON,
        Column("time", float, "TODO"),
        Column("frequency", int, "TODO"),
        Column("input_amplitude", float, "TODO"),
        Column("output_amplitude", float, "TODO"),
        Column("D", float, "TODO"),
        Column("final", bool, "TODO"),
    ),
)
TIMES = Table(
    analysis="lottery",
    part="times",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        Column("amplitude", float, "TODO"),
        Column("D", float, "TODO"),
        Column("blowup_time", float, "TODO"),
    ),
)

ANALYSIS = Analysis(
    name="lottery",
    answers="TODO?",
    takes="TODO",
    cost="TODO",
    tables=(
        RULES,
        EQUAL,
        NEURONS,
        RACE,
        TIMES,
    ),
)
