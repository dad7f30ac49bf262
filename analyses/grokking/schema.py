"""Tables of `analyses.grokking`."""

from analyses.tables.columns import NETWORK
from analyses.tables.schema import METRICS, Analysis, Column, Table

TERMS = "DEFINITIONS.md, section 1"
NOT_TRAINED = "the network is not trained"
NO_CLASSES = "the task has no classes: its networks are judged by losses"
NO_TEST_SET = "there is no test set"
NOT_MEASURED = "not measured at this step"
TRAINED_HERE = "runs that this project trained"
IN_METRICS = "runs in which metrics.parquet of some network has it"

OUTCOMES = Table(
    analysis="grokking",
    meaning="When every network memorised and generalised, and how accurate it was at the end.",
    key=("arm", "seed"),
    columns=(
        *NETWORK,
        Column("status", str, "State of the network: done, half trained, not trained or skipped."),
        Column(
            "sparsity", float, "Share of the prunable weights that are pruned.", unit="share", source=TERMS
        ),
        Column("steps", int, "Last step of the training.", unit="steps", missing=NOT_TRAINED),
        Column(
            "t_mem",
            int,
            "First evaluated step at which the training examples meet the threshold.",
            unit="steps",
            missing="the network never memorised, or is not trained",
            source=TERMS,
        ),
        Column(
            "t_gen",
            int,
            "First evaluated step at which the test examples meet the threshold.",
            unit="steps",
            missing="the network never generalised, is not trained, or has no test set",
            source=TERMS,
        ),
        Column(
            "tau",
            float,
            "Delay of generalisation, t_gen / t_mem.",
            missing="t_mem or t_gen is missing, or t_mem is 0",
            source=TERMS,
        ),
        Column(
            "train_loss",
            float,
            "Mean loss of the training examples at the last evaluation.",
            missing=NOT_TRAINED,
            optional=TRAINED_HERE,
        ),
        Column(
            "test_loss",
            float,
            "Mean loss of the test examples at the last evaluation.",
            missing=f"{NOT_TRAINED}, or {NO_TEST_SET}",
            optional=TRAINED_HERE,
        ),
        Column(
            "train_acc",
            float,
            "Accuracy on the training examples at the last evaluation.",
            unit="share",
            missing=f"{NOT_TRAINED}, or {NO_CLASSES}",
        ),
        Column(
            "test_acc",
            float,
            "Accuracy on the test examples at the last evaluation.",
            unit="share",
            missing=f"{NOT_TRAINED}, {NO_TEST_SET}, or {NO_CLASSES}",
        ),
        Column(
            "t_mem_interval",
            str,
            "Interval (last step below the threshold, t_mem], or '> steps' if censored; '-' if not trained.",
            source=TERMS,
        ),
        Column(
            "t_gen_interval",
            str,
            "Interval (last step below the threshold, t_gen], or '> steps' if censored; '-' if not trained.",
            source=TERMS,
        ),
        Column(
            "note",
            str,
            "Why the network was skipped, or that its source had not generalised; otherwise empty.",
            optional=TRAINED_HERE,
        ),
        Column(
            "code",
            str,
            "Start of the digest of the code that trained the network; several, joined by +, if it was "
            "resumed by other code; '-' if not trained, unknown for networks of versions that recorded none.",
            optional=TRAINED_HERE,
        ),
        Column(
            "platform",
            str,
            "Device, vector instructions, machine and versions that trained the network; '-' if not trained, "
            "unknown for networks of versions that recorded none.",
            optional=TRAINED_HERE,
        ),
        Column(
            "t_mem_after",
            int,
            "Lower bound of t_mem: last evaluated step below the threshold, 0 if there is none.",
            unit="steps",
            missing=NOT_TRAINED,
            source=TERMS,
        ),
        Column(
            "t_gen_after",
            int,
            "Lower bound of t_gen: last evaluated step below the threshold, 0 if there is none.",
            unit="steps",
            missing=NOT_TRAINED,
            source=TERMS,
        ),
        Column(
            "tau_lower",
            float,
            "Smallest tau that the evaluations allow; 0 if t_mem is censored.",
            missing=NOT_TRAINED,
            source=TERMS,
        ),
        Column(
            "tau_upper",
            float,
            "Largest tau that the evaluations allow; infinite if t_gen is censored.",
            missing=NOT_TRAINED,
            source=TERMS,
        ),
    ),
)
CURVES = Table(
    analysis="grokking",
    part="curves",
    meaning="Losses, accuracies and weight norms at every evaluation of every network.",
    key=("arm", "seed", "step"),
    columns=(
        Column("step", int, "Step of the evaluation.", unit="steps"),
        Column(
            "train_loss",
            float,
            "Mean loss of the training examples.",
            missing=NOT_MEASURED,
            optional=IN_METRICS,
        ),
        Column(
            "test_loss",
            float,
            "Mean loss of the test examples.",
            missing=f"{NO_TEST_SET}, or {NOT_MEASURED}",
            optional=IN_METRICS,
        ),
        Column(
            "train_acc",
            float,
            "Accuracy on the training examples.",
            unit="share",
            missing=f"{NO_CLASSES}, or {NOT_MEASURED}",
        ),
        Column(
            "test_acc",
            float,
            "Accuracy on the test examples.",
            unit="share",
            missing=f"{NO_TEST_SET}, {NO_CLASSES}, or {NOT_MEASURED}",
        ),
        Column(
            "l1",
            float,
            "Sum of the absolute values of all weights.",
            missing=NOT_MEASURED,
            optional=IN_METRICS,
        ),
        Column("l2", float, "Euclidean norm of all weights.", missing=NOT_MEASURED, optional=IN_METRICS),
        Column("train", float, "Quantity in `judged_by`, on the training examples.", missing=NOT_MEASURED),
        Column(
            "test",
            float,
            "Quantity in `judged_by`, on the test examples.",
            missing=f"{NO_TEST_SET}, or {NOT_MEASURED}",
        ),
        Column(
            "judged_by",
            str,
            "Quantity that decides when the network has memorised and generalised: accuracy or loss.",
            source=TERMS,
        ),
        Column(
            "threshold",
            float,
            "Level that an accuracy must reach, or to which a loss must fall.",
            source=TERMS,
        ),
        *NETWORK,
    ),
)

ANALYSIS = Analysis(
    name="grokking",
    answers="When does each network memorise its training examples, and when does it generalise?",
    takes="networks of any task and model that have a metrics.parquet, as all that are trained here have",
    cost="2 s",
    needs=("curves",),
    reads=(METRICS,),
    tables=(OUTCOMES, CURVES),
)
