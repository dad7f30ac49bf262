"""Tables of `analyses.logits`."""

from dataclasses import replace

from analyses.tables.columns import FREQUENCY, NETWORK, STEP
from analyses.tables.schema import CHECKPOINTS, Analysis, Column, Table

SOURCE = "DEFINITIONS.md, section 6"
LEAST_R2 = 0.02
"""R² of the fit below which ghost/main is neither printed nor drawn: main is near 0."""
ACCURACY = Column(
    "accuracy",
    float,
    "Share of all ordered pairs whose true class has the largest logit; a tie is wrong.",
)
MARGIN = Column(
    "margin",
    float,
    "Mean over all ordered pairs of the true class's logit less the largest other one.",
    unit="logits",
    source=SOURCE,
)
LOSS = Column(
    "loss",
    float,
    "Mean cross-entropy over all ordered pairs.",
    unit="nats",
    source="DEFINITIONS.md, section 5",
)
SCORES = (ACCURACY, MARGIN, LOSS)
SUBSET = (
    Column(
        "of",
        str,
        "What is added to the vote: all neurons of further frequencies, or further neurons of each.",
    ),
    Column("n", int, "Number of frequencies that vote, or of neurons of every frequency."),
)

FITS = Table(
    analysis="logits",
    meaning="Least-squares fit of the flawed indicator to the logits of all pairs, at every checkpoint.",
    key=("arm", "seed", "step"),
    columns=(
        *NETWORK,
        STEP,
        Column("main", float, "Fitted coefficient of the true class.", unit="logits", source=SOURCE),
        Column(
            "ghost",
            float,
            "Fitted coefficient of each ghost: of the labels of (x, x) and of (y, y).",
            unit="logits",
            source=SOURCE,
        ),
        Column(
            "ratio",
            float,
            "Ratio ghost / main: 1/2 in ideal neurons; meaningless where R² is near 0.",
            missing="main is 0",
            source=SOURCE,
        ),
        Column(
            "r2",
            float,
            "Share of the logits' variance over classes that the fit explains.",
            missing="the logits do not vary over classes",
            source=SOURCE,
        ),
        ACCURACY,
        MARGIN,
        Column(
            "half_vote",
            float,
            "Accuracy if a random half of the neurons votes, mean over 20 choices.",
            missing="the checkpoint is not the last",
            source=SOURCE,
        ),
    ),
)
VOTES = Table(
    analysis="logits",
    part="votes",
    meaning="Vote of random subsets of the neurons at the last checkpoint, means over 20 orders.",
    key=("arm", "seed", "step", "n_neurons"),
    columns=(*NETWORK, STEP, Column("n_neurons", int, "Number of neurons that vote."), *SCORES),
)
FREQUENCIES = Table(
    analysis="logits",
    part="frequencies",
    meaning="Vote of the neurons of one frequency alone, at the last checkpoint.",
    key=("arm", "seed", "step", "frequency"),
    columns=(
        *NETWORK,
        STEP,
        FREQUENCY,
        Column("n_neurons", int, "Number of neurons of this frequency."),
        *(replace(score, missing="no neuron has this frequency") for score in SCORES),
    ),
)
SUBSETS = Table(
    analysis="logits",
    part="subsets",
    meaning="Vote of some frequencies, or of some neurons of every frequency; last checkpoint, 20 orders.",
    key=("arm", "seed", "step", "of", "n"),
    columns=(*NETWORK, STEP, *SUBSET, *SCORES),
)
SLICE = Table(
    analysis="logits",
    part="slice",
    meaning="Logits of all pairs (x, y) with one x at the last checkpoint, and those of ideal neurons.",
    key=("arm", "seed", "x", "y", "class"),
    columns=(
        *NETWORK,
        Column("x", int, "First residue: p/4, rounded down."),
        Column("y", int, "Second residue."),
        Column("class", int, "Class that the logit is of."),
        Column("logit", float, "Logit less its mean over classes.", unit="logits"),
        Column(
            "ideal",
            float,
            "Flawed indicator with the network's main part, each ghost half of it, less its mean over "
            "classes.",
            unit="logits",
            source=SOURCE,
        ),
        Column("label", int, "True class of the pair."),
    ),
)
SWAPS = Table(
    analysis="logits",
    part="swaps",
    meaning="Scores at the last checkpoint with another activation function than in training.",
    key=("arm", "seed", "step", "activation"),
    columns=(*NETWORK, STEP, Column("activation", str, "Activation function used."), ACCURACY, LOSS),
)
IDEAL = Table(
    analysis="logits",
    part="ideal",
    meaning="Distance of ideal squaring neurons from the closed form of the flawed indicator.",
    key=("n_neurons",),
    columns=(
        Column("n_neurons", int, "Number of neurons of every frequency."),
        Column(
            "error",
            float,
            "Largest difference between a logit of ideal neurons of amplitude 1 and the closed form.",
            unit="logits",
            source=SOURCE,
        ),
    ),
)
IDEAL_SUBSETS = Table(
    analysis="logits",
    part="ideal_subsets",
    meaning="Vote of subsets of 128 ideal squaring neurons of amplitude 1, means over 20 orders.",
    key=("of", "n"),
    columns=(*SUBSET, *SCORES),
)

ANALYSIS = Analysis(
    name="logits",
    answers="How close are the logits to the flawed indicator, and how many neurons must vote?",
    takes="networks that add their two inputs (embed_mlp, one_hot_mlp), of addition mod p",
    cost="40 s",
    needs=("residues", "summed inputs", "addition"),
    reads=(CHECKPOINTS,),
    tables=(FITS, VOTES, FREQUENCIES, SUBSETS, SLICE, SWAPS, IDEAL, IDEAL_SUBSETS),
)
