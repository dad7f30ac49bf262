"""Tables of `analyses.mechanism`."""

from analyses.tables.columns import NETWORK, STEP
from analyses.tables.schema import Analysis, Column, Table

MEANS = Table(
    analysis="mechanism",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        STEP,
        Column("settled", float, "TODO"),
        Column("settled_chance", float, "TODO"),
        Column("settled_weighted", float, "TODO"),
        Column("settled_weighted_chance", float, "TODO"),
        Column("same_frequency", float, "TODO"),
        Column("mean_cos", float, "TODO"),
        Column("weighted_cos", float, "TODO"),
        Column("key_share", float, "TODO"),
        Column("n_keys", int, "TODO"),
    ),
)
FREQUENCIES = Table(
    analysis="mechanism",
    part="frequencies",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        Column("stage", str, "TODO"),
        STEP,
        Column("frequency", int, "TODO"),
        Column("share", float, "TODO"),
        Column("neurons", int, "TODO"),
        Column("key", bool, "TODO"),
    ),
)
STAGES = Table(
    analysis="mechanism",
    part="stages",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        Column("stage", str, "TODO"),
        STEP,
        Column("reference", str, "TODO"),
        Column("n_keys", int, "TODO"),
        Column("common", int, "TODO"),
        Column("overlap", float, "TODO"),
        Column("chance", float, "TODO"),
        Column("p_value", float, "TODO"),
        Column("key_share", float, "TODO"),
        Column("key_share_chance", float, "TODO"),
        Column("n", int, "TODO"),
        Column("same", float, "TODO"),
        Column("low", float, "TODO"),
        Column("high", float, "TODO"),
        Column("shuffled_chance", float, "TODO"),
    ),
)
WINNERS = Table(
    analysis="mechanism",
    part="winners",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        Column("source", str, "TODO"),
        Column("rule", str, "TODO"),
        Column("n", int, "TODO"),
        Column("hits", int, "TODO"),
        Column("share", float, "TODO", missing="TODO"),
        Column("low", float, "TODO", missing="TODO"),
        Column("high", float, "TODO", missing="TODO"),
        Column("chance", float, "TODO"),
        Column("shuffled_chance", float, "TODO", missing="TODO"),
    ),
)

ANALYSIS = Analysis(
    name="mechanism",
    answers="TODO?",
    takes="TODO",
    cost="TODO",
    tables=(
        MEANS,
        FREQUENCIES,
        STAGES,
        WINNERS,
    ),
)
