"""Tables of `analyses.norms`."""

from analyses.tables.columns import ARM, ARM_ROLE, NETWORK, STEP
from analyses.tables.schema import Analysis, Column, Table

NORMS = Table(
    analysis="norms",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        STEP,
        Column("layer", str, "TODO"),
        Column("l1", float, "TODO"),
        Column("l2", float, "TODO"),
        Column("kept_l1", float, "TODO", missing="TODO"),
        Column("kept_l2", float, "TODO", missing="TODO"),
    ),
)
ENDS = Table(
    analysis="norms",
    part="ends",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        Column("at", str, "TODO"),
        STEP,
        Column("outcome", str, "TODO"),
        Column("t_gen", int, "TODO", missing="TODO"),
        Column("l1", float, "TODO"),
        Column("l2", float, "TODO"),
        Column("kept_l1", float, "TODO"),
        Column("kept_l2", float, "TODO"),
    ),
)
MASKED = Table(
    analysis="norms",
    part="masked",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        Column("ticket", str, "TODO"),
        *NETWORK,
        STEP,
        Column("layer", str, "TODO"),
        Column("l1", float, "TODO"),
        Column("l2", float, "TODO"),
    ),
)
SPREAD = Table(
    analysis="norms",
    part="spread",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        Column("at", str, "TODO"),
        Column("norm", str, "TODO"),
        ARM,
        ARM_ROLE,
        Column("n", int, "TODO"),
        Column("n_arms", int, "TODO"),
        Column("least", float, "TODO"),
        Column("mean", float, "TODO"),
        Column("largest", float, "TODO"),
        Column("log_sd", float, "TODO", missing="TODO"),
        Column("cv", float, "TODO", missing="TODO"),
        Column("max_over_min", float, "TODO"),
        Column("never", int, "TODO", missing="TODO"),
        Column("inside", int, "TODO", missing="TODO"),
    ),
)

ANALYSIS = Analysis(
    name="norms",
    answers="TODO?",
    takes="TODO",
    cost="TODO",
    tables=(
        NORMS,
        ENDS,
        MASKED,
        SPREAD,
    ),
)
