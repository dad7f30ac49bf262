"""Tables of `analyses.speed`."""

from analyses.tables.columns import ARM, ARM_ROLE, NETWORK, SEED, STEP
from analyses.tables.schema import Analysis, Column, Table

RATIOS = Table(
    analysis="speed",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        Column("role", str, "TODO"),
        ARM,
        ARM_ROLE,
        Column("numerator", str, "TODO"),
        Column("denominator", str, "TODO"),
        Column("quantity", str, "TODO"),
        Column("n", int, "TODO"),
        Column("ratio", float, "TODO", missing="TODO"),
        Column("ratio_bound", str, "TODO", missing="TODO"),
        Column("low", float, "TODO", missing="TODO"),
        Column("high", float, "TODO", missing="TODO"),
        Column("least", float, "TODO", missing="TODO"),
        Column("largest", float, "TODO", missing="TODO"),
        Column("n_numerator", int, "TODO"),
        Column("n_numerator_censored", int, "TODO"),
        Column("n_denominator", int, "TODO"),
        Column("n_denominator_censored", int, "TODO"),
        Column("log_rank_z", float, "TODO", missing="TODO"),
        Column("log_rank_p", float, "TODO", missing="TODO"),
        Column("log_rank_n_events", int, "TODO"),
    ),
)
ARMS = Table(
    analysis="speed",
    part="arms",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        ARM,
        ARM_ROLE,
        Column("method", str, "TODO"),
        Column("sparsity", float, "TODO"),
        Column("n", int, "TODO"),
        Column("n_not_trained", int, "TODO"),
        Column("t_gen_censored", int, "TODO"),
        Column("t_gen_median", float, "TODO", missing="TODO"),
        Column("t_gen_median_bound", str, "TODO", missing="TODO"),
        Column("t_mem_censored", int, "TODO"),
        Column("t_mem_median", float, "TODO", missing="TODO"),
        Column("t_mem_median_bound", str, "TODO", missing="TODO"),
        Column("tau_censored", int, "TODO"),
        Column("tau_median", float, "TODO", missing="TODO"),
        Column("tau_median_bound", str, "TODO", missing="TODO"),
        Column("train_acc", float, "TODO", missing="TODO"),
        Column("test_acc", float, "TODO", missing="TODO"),
    ),
)
CORRELATIONS = Table(
    analysis="speed",
    part="correlations",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        Column("source", str, "TODO"),
        STEP,
        Column("seed", int, "TODO", missing="TODO"),
        Column("n", int, "TODO"),
        Column("spearman", float, "TODO", missing="TODO"),
    ),
)
DOSES = Table(
    analysis="speed",
    part="doses",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        Column("method", str, "TODO"),
        Column("reference", str, "TODO"),
        ARM,
        ARM_ROLE,
        Column("sparsity", float, "TODO"),
        SEED,
        Column("tau", float, "TODO"),
        Column("tau_bound", str, "TODO"),
    ),
)
FIXED_STEPS = Table(
    analysis="speed",
    part="fixed_steps",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        STEP,
        Column("test_acc", float, "TODO", missing="TODO"),
    ),
)
PAIRS = Table(
    analysis="speed",
    part="pairs",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        Column("role", str, "TODO"),
        ARM,
        ARM_ROLE,
        Column("numerator", str, "TODO"),
        Column("denominator", str, "TODO"),
        Column("quantity", str, "TODO"),
        SEED,
        Column("ratio", float, "TODO"),
        Column("ratio_bound", str, "TODO"),
    ),
)
SOURCES = Table(
    analysis="speed",
    part="sources",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        Column("source", str, "TODO"),
        Column("source_step", int, "TODO"),
        Column("source_acc", float, "TODO", missing="TODO"),
    ),
)
SURVIVAL = Table(
    analysis="speed",
    part="survival",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        ARM,
        ARM_ROLE,
        Column("step", float, "TODO"),
        Column("share", float, "TODO"),
        Column("n_censored", int, "TODO"),
    ),
)

ANALYSIS = Analysis(
    name="speed",
    answers="TODO?",
    takes="TODO",
    cost="TODO",
    tables=(
        RATIOS,
        ARMS,
        CORRELATIONS,
        DOSES,
        FIXED_STEPS,
        PAIRS,
        SOURCES,
        SURVIVAL,
    ),
)
