"""Tables of `analyses.logits`."""

from analyses.tables.columns import NETWORK, STEP
from analyses.tables.schema import Analysis, Column, Table

FITS = Table(
    analysis="logits",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        STEP,
        Column("main", float, "TODO"),
        Column("ghost", float, "TODO"),
        Column("ratio", float, "TODO"),
        Column("r2", float, "TODO"),
        Column("accuracy", float, "TODO"),
        Column("margin", float, "TODO"),
        Column("half_vote", float, "TODO", missing="TODO"),
    ),
)
FREQUENCIES = Table(
    analysis="logits",
    part="frequencies",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        STEP,
        Column("frequency", int, "TODO"),
        Column("n_neurons", int, "TODO"),
        Column("accuracy", float, "TODO", missing="TODO"),
        Column("margin", float, "TODO", missing="TODO"),
        Column("loss", float, "TODO", missing="TODO"),
    ),
)
IDEAL = Table(
    analysis="logits",
    part="ideal",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        Column("n_neurons", int, "TODO"),
        Column("error", float, "TODO"),
    ),
)
IDEAL_SUBSETS = Table(
    analysis="logits",
    part="ideal_subsets",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        Column("of", str, "TODO"),
        Column("n", int, "TODO"),
        Column("accuracy", float, "TODO"),
        Column("margin", float, "TODO"),
        Column("loss", float, "TODO"),
    ),
)
SLICE = Table(
    analysis="logits",
    part="slice",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        Column("x", int, "TODO"),
        Column("y", int, "TODO"),
        Column("class", int, "TODO"),
        Column("logit", float, "TODO"),
        Column("ideal", float, "TODO"),
        Column("label", int, "TODO"),
    ),
)
SUBSETS = Table(
    analysis="logits",
    part="subsets",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        STEP,
        Column("of", str, "TODO"),
        Column("n", int, "TODO"),
        Column("accuracy", float, "TODO"),
        Column("margin", float, "TODO"),
        Column("loss", float, "TODO"),
    ),
)
SWAPS = Table(
    analysis="logits",
    part="swaps",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        STEP,
        Column("activation", str, "TODO"),
        Column("accuracy", float, "TODO"),
        Column("loss", float, "TODO"),
    ),
)
VOTES = Table(
    analysis="logits",
    part="votes",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        STEP,
        Column("n_neurons", int, "TODO"),
        Column("accuracy", float, "TODO"),
        Column("margin", float, "TODO"),
        Column("loss", float, "TODO"),
    ),
)

ANALYSIS = Analysis(
    name="logits",
    answers="TODO?",
    takes="TODO",
    cost="TODO",
    tables=(
        FITS,
        FREQUENCIES,
        IDEAL,
        IDEAL_SUBSETS,
        SLICE,
        SUBSETS,
        SWAPS,
        VOTES,
    ),
)
