"""Tables of `analyses.leakage`."""

from analyses.tables.columns import NETWORK, NEURON, STEP
from analyses.tables.schema import Analysis, Column, Table

SHARES = Table(
    analysis="leakage",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        Column("map", str, "TODO"),
        STEP,
        Column("harmonic", int, "TODO"),
        Column("limit", float, "TODO"),
        Column("n_aligned", int, "TODO"),
        Column("gradient", float, "TODO"),
        Column("gradient_low", float, "TODO"),
        Column("gradient_high", float, "TODO"),
        Column("growth", float, "TODO", missing="TODO"),
        Column("growth_low", float, "TODO", missing="TODO"),
        Column("growth_high", float, "TODO", missing="TODO"),
        Column("weights", float, "TODO"),
        Column("weights_low", float, "TODO"),
        Column("weights_high", float, "TODO"),
    ),
)
EXAMPLE = Table(
    analysis="leakage",
    part="example",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        Column("map", str, "TODO"),
        STEP,
        Column("harmonic", int, "TODO"),
        Column("amplitude", float, "TODO"),
        NEURON,
    ),
)
IDEAL = Table(
    analysis="leakage",
    part="ideal",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        Column("p", int, "TODO"),
        Column("map", str, "TODO"),
        Column("n_harmonics", int, "TODO"),
        Column("harmonic", int, "TODO"),
        Column("error", float, "TODO"),
    ),
)
START = Table(
    analysis="leakage",
    part="start",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        Column("map", str, "TODO"),
        NEURON,
        Column("harmonic", int, "TODO"),
        Column("D", float, "TODO"),
        Column("gradient", float, "TODO"),
        Column("ideal", float, "TODO"),
        Column("limit", float, "TODO"),
    ),
)

ANALYSIS = Analysis(
    name="leakage",
    answers="TODO?",
    takes="TODO",
    cost="TODO",
    tables=(
        SHARES,
        EXAMPLE,
        IDEAL,
        START,
    ),
)
