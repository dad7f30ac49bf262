"""Tables of `analyses.stages`."""

from analyses.tables.columns import MEAN_ABS_SIN, MEAN_COS, N_SILENT, NETWORK, STEP
from analyses.tables.schema import CHECKPOINTS, METRICS, Analysis, Column, Table

SOURCE = "DEFINITIONS.md, section 6"
SPECTRA_SOURCE = "DEFINITIONS.md, section 5"
NO_PAIRS = "no pair is in this class"


def _end_columns(name: str, event: str, optional: str = "") -> tuple[Column, Column, Column]:
    """Return three columns of an event's step.

    The first measured step, its lower bound, and both as an interval in text.
    """
    return (
        Column(
            name,
            int,
            f"First measured step at which {event}.",
            unit="steps",
            missing="not within the training",
            source=SOURCE,
            optional=optional,
        ),
        Column(
            f"{name}_after",
            int,
            f"Last measured step before {event}; the last step of all if it never does.",
            unit="steps",
            source=SOURCE,
            optional=optional,
        ),
        Column(
            f"{name}_interval",
            str,
            f"Interval of steps in which {event}, as (after, at] or > last.",
            unit="steps",
            source=SOURCE,
            optional=optional,
        ),
    )


CURVES = Table(
    analysis="stages",
    meaning="Loss, accuracy, norm, concentration and phase alignment at every checkpoint.",
    version=2,
    key=("arm", "seed", "step"),
    columns=(
        *NETWORK,
        STEP,
        Column("train_acc", float, "Accuracy on the training pairs."),
        Column("test_acc", float, "Accuracy on the test pairs."),
        Column(
            "train_loss",
            float,
            "Mean cross-entropy of the training pairs.",
            unit="nats",
            source=SPECTRA_SOURCE,
        ),
        Column(
            "test_loss", float, "Mean cross-entropy of the test pairs.", unit="nats", source=SPECTRA_SOURCE
        ),
        Column("l2", float, "L2 norm of all weights together.", source=SOURCE),
        Column(
            "ipr_input",
            float,
            "Inverse participation ratio of the input weights over frequencies, mean over live neurons.",
            missing="no neuron is live",
            source=SPECTRA_SOURCE,
        ),
        Column(
            "ipr_output",
            float,
            "Inverse participation ratio of the output weights over frequencies, mean over live neurons.",
            missing="no neuron is live",
            source=SPECTRA_SOURCE,
        ),
        MEAN_ABS_SIN,
        MEAN_COS,
        N_SILENT,
    ),
)
CLASSES = Table(
    analysis="stages",
    part="classes",
    meaning="Accuracy and loss by class of pairs at every checkpoint.",
    key=("arm", "seed", "step", "class"),
    columns=(
        *NETWORK,
        STEP,
        Column(
            "class",
            str,
            "Class of pairs: common, trained on in both orders; rare, in this order only; test_sym, in the "
            "other only; test_true, in neither.",
            source=SOURCE,
        ),
        Column("accuracy", float, "Share of the class's pairs that are right.", missing=NO_PAIRS),
        Column(
            "loss",
            float,
            "Mean cross-entropy over the class's pairs.",
            unit="nats",
            missing=NO_PAIRS,
            source=SPECTRA_SOURCE,
        ),
        Column(
            "probability",
            float,
            "Probability given to the true class, mean over the class's pairs.",
            missing=NO_PAIRS,
        ),
        Column("n_pairs", int, "Number of pairs in the class."),
    ),
)
ENDS = Table(
    analysis="stages",
    part="ends",
    meaning="Ends of the stages, steps at which pairs are memorised, and peak of the weight norm.",
    key=("arm", "seed"),
    columns=(
        *NETWORK,
        Column("threshold", float, "Accuracy at which a stage ends and a class is memorised.", source=SOURCE),
        *_end_columns("stage_1_end", "train accuracy reaches the threshold"),
        *_end_columns("stage_2_end", "test accuracy reaches the threshold"),
        *_end_columns(
            "common",
            "accuracy on pairs trained on in both orders reaches the threshold",
            "tasks with such pairs",
        ),
        *_end_columns(
            "rare", "accuracy on pairs trained on in one order reaches the threshold", "tasks with such pairs"
        ),
        Column(
            "norm_peak_step",
            int,
            "First measured step of the largest L2 norm of the weights.",
            unit="steps",
            source=SOURCE,
        ),
        Column("norm_peak", float, "Largest L2 norm of the weights.", source=SOURCE),
        Column("test_acc", float, "Accuracy on the test pairs at the last checkpoint."),
        Column(
            "test_true",
            float,
            "Accuracy at the last checkpoint on test pairs whose other order is not trained on.",
            missing=NO_PAIRS,
            source=SOURCE,
        ),
        Column(
            "plateau",
            float,
            "Test accuracy of a symmetric network that only memorised: |test_sym| / |test|.",
            source=SOURCE,
        ),
    ),
)

ANALYSIS = Analysis(
    name="stages",
    answers="When do the three stages of grokking end, and which pairs does a network know in each?",
    takes="networks that add their two inputs (embed_mlp, one_hot_mlp), trained on some of all ordered pairs",
    cost="10 s (one network of h_grokking)",
    needs=("residues", "summed inputs", "all pairs", "ordered pairs", "split", "test pairs"),
    reads=(METRICS, CHECKPOINTS),
    tables=(CURVES, CLASSES, ENDS),
)
