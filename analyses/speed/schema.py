"""Tables of `analyses.speed`."""

from analyses.tables.columns import ARM, ARM_ROLE, NETWORK, SEED, role_column
from analyses.tables.schema import METRICS, Analysis, Column, Table

TERMS = "DEFINITIONS.md, section 1"
STATISTICS = "DEFINITIONS.md, section 8"
NO_PAIR = "no pair of seeds gives a ratio, or bounds point in both directions"
NO_TEST = "no network got there while both arms were observed, or a tau has no lower bound"
NO_CLASSES = "the task has no classes"
BOUND = "'=' for a number, '<' or '>' if networks that never got there leave only a bound; '> 0': unknown"

T_GEN, T_MEM, TAU = "t_gen", "t_mem", "tau"
QUANTITIES = (T_GEN, T_MEM, TAU)
"""Times that are compared."""
QUANTITY = Column("quantity", str, "Time that is compared: t_gen, t_mem or tau.", source=TERMS)
COMPARED = (
    Column(
        "role",
        str,
        "Place of the other arm: reference (a dense network, the numerator) or ticket (the denominator).",
    ),
    ARM,
    ARM_ROLE,
    Column("numerator", str, "Arm whose times are divided."),
    role_column("numerator"),
    Column("denominator", str, "Arm by whose times they are divided."),
    role_column("denominator"),
    QUANTITY,
)
SPARSITY = Column(
    "sparsity", float, "Share of the prunable weights that are pruned.", unit="share", source=TERMS
)
METHOD = Column(
    "method", str, "Pruning method of the arm; none: not pruned.", source="DEFINITIONS.md, section 4"
)

RATIOS = Table(
    analysis="speed",
    meaning="Ratios of two arms' times, paired by seed, with the log-rank test of both arms.",
    version=2,
    key=("role", "arm", "quantity"),
    columns=(
        *COMPARED,
        Column("n", int, "Number of pairs of one seed that give a ratio or a bound."),
        Column(
            "ratio",
            float,
            "Geometric mean over pairs of numerator / denominator.",
            missing=NO_PAIR,
            source=STATISTICS,
        ),
        Column("ratio_bound", str, f"Kind of the ratio: {BOUND}.", missing=NO_PAIR),
        Column(
            "low",
            float,
            "Lower end of the ratio's interval: Student's t on the log-ratios of the pairs, 95 %.",
            missing="the ratio is a bound, or comes from fewer than two pairs",
        ),
        Column(
            "high",
            float,
            "Upper end of this interval.",
            missing="the ratio is a bound, or comes from fewer than two pairs",
        ),
        Column("least", float, "Smallest ratio of a seed.", missing="there is none, or one is a bound"),
        Column("largest", float, "Largest ratio of a seed.", missing="there is none, or one is a bound"),
        Column("n_numerator", int, "Number of the numerator's networks with a time or a bound."),
        Column("n_numerator_censored", int, "Number of them that never got there.", source=TERMS),
        Column("n_denominator", int, "Number of the denominator's networks with a time or a bound."),
        Column("n_denominator_censored", int, "Number of them that never got there.", source=TERMS),
        Column(
            "log_rank_z",
            float,
            "Log-rank statistic of all networks of both arms, above 0 if the denominator is earlier.",
            unit="standard deviations",
            missing=NO_TEST,
            source=STATISTICS,
        ),
        Column(
            "log_rank_p",
            float,
            "Two-sided p of the log-rank test, of the kind in `log_rank_kind`.",
            missing=NO_TEST,
            source=STATISTICS,
        ),
        Column(
            "log_rank_kind",
            str,
            "Origin of p: exact (all arrangements of the networks), drawn (some of them), normal "
            "(approximation, from ten events in both arms on).",
            missing=NO_TEST,
            source=STATISTICS,
        ),
        Column("log_rank_n_events", int, "Number of networks of both arms that got there."),
    ),
)
ARMS = Table(
    analysis="speed",
    part="arms",
    version=2,
    meaning="Median times and mean accuracies of every arm over its networks.",
    key=("arm",),
    columns=(
        ARM,
        ARM_ROLE,
        METHOD,
        SPARSITY,
        Column("n", int, "Number of trained networks."),
        Column("n_not_trained", int, "Number of networks that are skipped or not yet trained."),
        *(
            column
            for time, words, unit in (
                ("t_gen", "Kaplan–Meier median of t_gen", "steps"),
                ("t_mem", "Kaplan–Meier median of t_mem", "steps"),
                ("tau", "Lower median of tau = t_gen / t_mem, or what the bounds of all networks leave", ""),
            )
            for column in (
                Column(
                    f"{time}_censored",
                    int,
                    f"Number of networks with only a bound of {time}, or of which nothing is known.",
                    source=TERMS,
                ),
                Column(
                    f"{time}_median",
                    float,
                    f"{words}.",
                    unit=unit,
                    missing="no network has a time or a bound",
                    source=STATISTICS,
                ),
                Column(
                    f"{time}_median_bound",
                    str,
                    f"Kind of the median: {BOUND}.",
                    missing="no network has a time or a bound",
                ),
            )
        ),
        Column(
            "train_acc",
            float,
            "Mean accuracy on the training examples at the last evaluation.",
            unit="share",
            missing=f"no network is trained, or {NO_CLASSES}",
        ),
        Column(
            "test_acc",
            float,
            "Mean accuracy on the test examples at the last evaluation.",
            unit="share",
            missing=f"no network is trained, a network has no test set, or {NO_CLASSES}",
        ),
    ),
)
CORRELATIONS = Table(
    analysis="speed",
    part="correlations",
    meaning="Rank correlation of tickets' accuracies with their source's at the step of the mask.",
    key=("source", "step", "seed"),
    columns=(
        Column("source", str, "Arm from which the masks were taken, at four different steps or more."),
        role_column("source"),
        Column("step", int, "Step of the tickets' training at which their accuracy is read.", unit="steps"),
        Column("seed", int, "Seed of source and tickets.", missing="all seeds are pooled"),
        Column("n", int, "Number of tickets."),
        Column(
            "spearman",
            float,
            "Spearman's rank correlation of both test accuracies.",
            missing="fewer than three tickets, or one side is constant",
            source=STATISTICS,
        ),
    ),
)
DOSES = Table(
    analysis="speed",
    part="doses",
    version=2,
    meaning="Tau of every network of a method that prunes several arms to different sparsities.",
    key=("method", "reference", "arm", "seed"),
    columns=(
        Column("method", str, "Pruning method of the series.", source="DEFINITIONS.md, section 4"),
        Column(
            "reference",
            str,
            "Dense arm with which the series is compared; it has rows too.",
            missing="no dense arm learns the task",
        ),
        role_column("reference"),
        ARM,
        ARM_ROLE,
        SPARSITY,
        SEED,
        Column(
            "tau",
            float,
            "Delay of generalisation, t_gen / t_mem, or its bound; 0 with '>' if nothing is known.",
            source=TERMS,
        ),
        Column("tau_bound", str, f"Kind of tau: {BOUND}."),
    ),
)
FIXED_STEPS = Table(
    analysis="speed",
    part="fixed_steps",
    meaning="Test accuracy of every network at the steps of --at.",
    key=("arm", "seed", "step"),
    columns=(
        *NETWORK,
        Column("step", int, "Step of the training.", unit="steps"),
        Column(
            "test_acc",
            float,
            "Test accuracy at the last evaluation up to this step.",
            unit="share",
            missing=f"training ended before, there is no test set, or {NO_CLASSES}",
        ),
    ),
)
PAIRS = Table(
    analysis="speed",
    part="pairs",
    version=2,
    meaning="Ratios of two arms' times, seed by seed.",
    key=("role", "arm", "quantity", "seed"),
    columns=(
        *COMPARED,
        SEED,
        Column("ratio", float, "Numerator / denominator of this seed.", source=STATISTICS),
        Column("ratio_bound", str, f"Kind of the ratio: {BOUND}."),
    ),
)
SOURCES = Table(
    analysis="speed",
    part="sources",
    meaning="Network and step from which each magnitude ticket's mask was taken.",
    key=("arm", "seed"),
    columns=(
        *NETWORK,
        Column("source", str, "Arm whose weights chose the mask."),
        role_column("source"),
        Column("source_step", int, "Step of these weights.", unit="steps"),
        Column(
            "source_acc",
            float,
            "Test accuracy of the source at that step.",
            unit="share",
            missing=f"its metrics end before, there is no test set, or {NO_CLASSES}",
        ),
    ),
)
SURVIVAL = Table(
    analysis="speed",
    part="survival",
    meaning="Share of an arm's networks that have not generalised, over time.",
    key=("arm", "step", "share"),  # a network that starts generalised leaves two shares at step 0
    columns=(
        ARM,
        ARM_ROLE,
        Column("step", float, "Step at which the share changes or a network's training ended.", unit="steps"),
        Column(
            "share",
            float,
            "Kaplan–Meier share of networks that have not generalised, from this step on.",
            unit="share",
            source=STATISTICS,
        ),
        Column("n_censored", int, "Number of networks whose training ended here before they generalised."),
    ),
)

ANALYSIS = Analysis(
    name="speed",
    answers="How much earlier does each arm memorise and generalise than its dense network and its ticket?",
    takes="networks of any task and model that have a metrics.parquet, one of them with a test set",
    cost="2 s",
    needs=("curves",),
    reads=(METRICS,),
    tables=(RATIOS, ARMS, CORRELATIONS, DOSES, FIXED_STEPS, PAIRS, SOURCES, SURVIVAL),
)
