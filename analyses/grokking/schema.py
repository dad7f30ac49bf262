"""Tables of `analyses.grokking`."""

from analyses.tables.columns import NETWORK, STEP
from analyses.tables.schema import Analysis, Column, Table

OUTCOMES = Table(
    analysis="grokking",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        Column("status", str, "TODO"),
        Column("sparsity", float, "TODO"),
        Column("steps", int, "TODO", missing="TODO"),
        Column("t_mem", int, "TODO", missing="TODO"),
        Column("t_gen", int, "TODO", missing="TODO"),
        Column("tau", float, "TODO", missing="TODO"),
        Column("train_loss", float, "TODO", missing="TODO", optional="TODO"),
        Column("test_loss", float, "TODO", missing="TODO", optional="TODO"),
        Column("train_acc", float, "TODO", missing="TODO"),
        Column("test_acc", float, "TODO", missing="TODO"),
        Column("t_mem_interval", str, "TODO"),
        Column("t_gen_interval", str, "TODO"),
        Column("note", str, "TODO", optional="TODO"),
        Column("t_mem_after", int, "TODO", missing="TODO"),
        Column("t_gen_after", int, "TODO", missing="TODO"),
        Column("tau_lower", float, "TODO", missing="TODO"),
        Column("tau_upper", float, "TODO", missing="TODO", optional="TODO"),
    ),
)
CURVES = Table(
    analysis="grokking",
    part="curves",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        STEP,
        Column("train_loss", float, "TODO"),
        Column("test_loss", float, "TODO", missing="TODO"),
        Column("train_acc", float, "TODO", missing="TODO"),
        Column("test_acc", float, "TODO", missing="TODO"),
        Column("l1", float, "TODO", optional="TODO"),
        Column("l2", float, "TODO", optional="TODO"),
        Column("train", float, "TODO"),
        Column("test", float, "TODO", missing="TODO"),
        Column("judged_by", str, "TODO"),
        Column("threshold", float, "TODO"),
        *NETWORK,
    ),
)

ANALYSIS = Analysis(
    name="grokking",
    answers="TODO?",
    takes="TODO",
    cost="TODO",
    tables=(
        OUTCOMES,
        CURVES,
    ),
)
