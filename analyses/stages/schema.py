"""Tables of `analyses.stages`."""

from analyses.tables.columns import NETWORK, STEP
from analyses.tables.schema import Analysis, Column, Table

CURVES = Table(
    analysis="stages",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        STEP,
        Column("train_acc", float, "TODO"),
        Column("test_acc", float, "TODO"),
        Column("train_loss", float, "TODO"),
        Column("test_loss", float, "TODO"),
        Column("l2", float, "TODO"),
        Column("ipr_input", float, "TODO"),
        Column("ipr_output", float, "TODO"),
        Column("mean_abs_sin", float, "TODO"),
        Column("mean_cos", float, "TODO"),
    ),
)
CLASSES = Table(
    analysis="stages",
    part="classes",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        STEP,
        Column("class", str, "TODO"),
        Column("accuracy", float, "TODO"),
        Column("loss", float, "TODO"),
        Column("probability", float, "TODO"),
        Column("n_pairs", int, "TODO"),
    ),
)
ENDS = Table(
    analysis="stages",
    part="ends",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        Column("threshold", float, "TODO"),
        Column("stage_1_end", int, "TODO", missing="TODO"),
        Column("stage_1_end_after", int, "TODO"),
        Column("stage_1_end_interval", str, "TODO"),
        Column("stage_2_end", float, "TODO", missing="TODO"),
        Column("stage_2_end_after", int, "TODO"),
        Column("stage_2_end_interval", str, "TODO"),
        Column("common", int, "TODO", missing="TODO"),
        Column("common_after", int, "TODO"),
        Column("common_interval", str, "TODO"),
        Column("rare", int, "TODO", missing="TODO"),
        Column("rare_after", int, "TODO"),
        Column("rare_interval", str, "TODO"),
        Column("norm_peak_step", int, "TODO"),
        Column("norm_peak", float, "TODO"),
        Column("test_acc", float, "TODO"),
        Column("test_true", float, "TODO"),
        Column("plateau", float, "TODO"),
    ),
)

ANALYSIS = Analysis(
    name="stages",
    answers="TODO?",
    takes="TODO",
    cost="TODO",
    tables=(
        CURVES,
        CLASSES,
        ENDS,
    ),
)
