"""Tables of `analyses.graph_props`."""

from analyses.tables.columns import NETWORK, STEP
from analyses.tables.schema import Analysis, Column, Table

PROPERTIES = Table(
    analysis="graph_props",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        STEP,
        Column("dense", bool, "TODO"),
        Column("mask", str, "TODO"),
        Column("where", str, "TODO"),
        Column("statistic", str, "TODO"),
        Column("value", float, "TODO", missing="TODO"),
        Column("density_mean", float, "TODO", missing="TODO"),
        Column("density_sd", float, "TODO", missing="TODO"),
        Column("density_z", float, "TODO", missing="TODO"),
        Column("density_n", int, "TODO"),
        Column("degree_mean", float, "TODO", missing="TODO"),
        Column("degree_sd", float, "TODO", missing="TODO"),
        Column("degree_z", float, "TODO", missing="TODO"),
        Column("degree_n", int, "TODO"),
    ),
)
WEIGHTS = Table(
    analysis="graph_props",
    part="weights",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        STEP,
        Column("where", str, "TODO"),
        Column("statistic", str, "TODO"),
        Column("value", float, "TODO"),
    ),
)

ANALYSIS = Analysis(
    name="graph_props",
    answers="TODO?",
    takes="TODO",
    cost="TODO",
    tables=(
        PROPERTIES,
        WEIGHTS,
    ),
)
