"""Tables of `analyses.steering`."""

from analyses.tables.columns import ARM, ARM_ROLE, NETWORK, STEP
from analyses.tables.schema import CHECKPOINTS, Analysis, Column, Table

N_SETS = 10
"""Number of random sets of other frequencies of one size."""
MOST_PAIRS = 1500
"""Largest number of judged pairs that are steered."""
DEFINITIONS = "DEFINITIONS.md, section 6"
RANDOM = "the row is of random sets"
ONE_SET = "the row is of one set"


def _answers(of: str = "") -> tuple[Column, ...]:
    return (
        Column("n_pairs", int, "Number of judged pairs (a, b)."),
        Column(
            "target",
            float,
            f"Share of pairs with the answer to (a + shift, b){of}.",
            source=DEFINITIONS,
        ),
        Column("own", float, f"Share of pairs that keep the answer to (a, b){of}."),
        Column("other", float, f"Share of pairs with any other answer{of}."),
    )


SIZES = Table(
    analysis="steering",
    meaning="Answers after some frequencies of the first input were moved, at the last checkpoint.",
    key=("arm", "seed", "step", "chosen", "size"),
    columns=(
        *NETWORK,
        STEP,
        Column(
            "chosen",
            str,
            "Frequencies that are moved, by power in the embedding: strongest; weakest; others, random ones "
            f"that are not among as many strongest, of which values are means over {N_SETS} sets.",
        ),
        Column("size", int, "Number of frequencies that are moved."),
        Column(
            "frequency", int, "Frequency that the next smaller set has not; 0 for the empty and random ones."
        ),
        Column("is_key", bool, "True if this is a key frequency, by the rule logit_map."),
        *_answers(),
        Column(
            "low",
            float,
            "Lower end of the target's 95 % Wilson interval, pairs as independent.",
            missing=RANDOM,
        ),
        Column("high", float, "Upper end of this interval.", missing=RANDOM),
        Column("lowest", float, "Lowest target of the random sets.", missing=ONE_SET),
        Column("highest", float, "Highest target of the random sets.", missing=ONE_SET),
    ),
)
ONE_SEED = "the arm has one network"


def _mean(name: str, words: str) -> tuple[Column, ...]:
    return (
        Column(name, float, f"Share of pairs with {words} answer, mean over seeds."),
        Column(
            f"{name}_low", float, "Lower end of its 95 % interval over seeds, Student's.", missing=ONE_SEED
        ),
        Column(f"{name}_high", float, "Upper end of this interval.", missing=ONE_SEED),
    )


MEANS = Table(
    analysis="steering",
    part="means",
    meaning="Answers after some frequencies were moved, as means over an arm's seeds.",
    key=("arm", "chosen", "size"),
    columns=(
        ARM,
        ARM_ROLE,
        Column("chosen", str, "Frequencies that are moved, as in the main table."),
        Column("size", int, "Number of frequencies that are moved."),
        Column("n_seeds", int, "Number of networks."),
        *_mean("target", "the moved input's"),
        *_mean("own", "the old"),
    ),
)
STEPS = Table(
    analysis="steering",
    part="steps",
    meaning="Answers after the key frequencies, or all others, were moved, at every checkpoint.",
    key=("arm", "seed", "step", "chosen"),
    columns=(
        *NETWORK,
        STEP,
        Column(
            "chosen",
            str,
            "Frequencies that are moved: keys (key frequencies of the last checkpoint, by the rule "
            "logit_map), others (all others), all, or none.",
            source="DEFINITIONS.md, section 5",
        ),
        Column("size", int, "Number of these frequencies."),
        *_answers(),
    ),
)
ANALYSIS = Analysis(
    name="steering",
    answers="Do a few frequencies of the embedding carry an input, so that moving them moves the answer?",
    takes="networks on pairs of residues",
    cost="10 s",
    needs=("residues",),
    reads=(CHECKPOINTS,),
    tables=(SIZES, MEANS, STEPS),
)
"""Judged pairs are the test pairs; where there are none, or they are unknown, all pairs of the task."""
