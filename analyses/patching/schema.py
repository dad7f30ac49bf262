"""Tables of `analyses.patching`."""

from analyses.tables.columns import NETWORK, STEP
from analyses.tables.schema import CHECKPOINTS, Analysis, Column, Table

MOST_ATTRIBUTED = 2000
"""Largest number of judged pairs over which attributions are averaged."""

DEFINITIONS = "DEFINITIONS.md, section 6"
UNTOLD = "clean runs do not prefer their answer: the interval of clean less corrupted is not above 0"


N_NEURONS = Column("n_neurons", int, "Number of neurons of the row; 0 where it is not of neurons.")
IS_KEY = Column(
    "is_key",
    bool,
    "True for neurons of a key frequency of the last checkpoint, by the rule logit_map.",
    source="DEFINITIONS.md, section 5",
)


def _difference(name: str, run: str) -> Column:
    words = f"Logit of the clean answer less that of the corrupted, mean over pairs, {run}."
    return Column(name, float, words, unit="logits")


PATCHES = Table(
    analysis="patching",
    meaning="Logit difference that activations bring into the run of another pair, at every checkpoint.",
    key=("arm", "seed", "step", "site", "unit"),
    columns=(
        *NETWORK,
        STEP,
        Column(
            "site",
            str,
            "Site that is patched, of a transformer at its last position: input, head, attention, stream "
            "(before the neurons), neurons, frequency (neurons of one at the last checkpoint), rest (of no "
            "key frequency), neuron (at the last checkpoint), output (after the neurons).",
            source=DEFINITIONS,
        ),
        Column(
            "unit",
            int,
            "Frequency, position (0 is a, 1 is b), or index of head or neuron; 0 where there is one.",
        ),
        Column("hook", str, "Hook point of `load_hooked` where this site is patched."),
        N_NEURONS,
        IS_KEY,
        Column(
            "recovered",
            float,
            "Share of the logit difference that is recovered: 0 as the corrupted run, 1 as the clean run; "
            "ratio of means over the pairs, so that shares of neurons sum to that of all neurons.",
            missing=UNTOLD,
            source=DEFINITIONS,
        ),
        Column(
            "low",
            float,
            "Lower end of the share's 95 % interval over pairs (Student, linearized ratio).",
            missing=UNTOLD,
        ),
        Column("high", float, "Upper end of this interval.", missing=UNTOLD),
        _difference("patched_difference", "of the patched run"),
        _difference("corrupted_difference", "of the corrupted run"),
        _difference("clean_difference", "of the clean run"),
        Column("answers_clean", float, "Share of patched runs that give the clean answer."),
        Column("answers_corrupted", float, "Share of patched runs that give the corrupted answer."),
    ),
)


def _logit(name: str, classes: str, missing: str = "") -> Column:
    words = f"What the part adds to {classes}, mean over judged pairs, at most {MOST_ATTRIBUTED} of them."
    return Column(name, float, words, unit="logits", missing=missing, source=DEFINITIONS)


ATTRIBUTION = Table(
    analysis="patching",
    part="attribution",
    meaning="What frequencies and neurons add to the right logit and to wrong ones, at every checkpoint.",
    key=("arm", "seed", "step", "component", "unit"),
    columns=(
        *NETWORK,
        STEP,
        Column(
            "component",
            str,
            "Part of the logits: frequency (neurons of one at the last checkpoint), rest (neurons without "
            "one), around (what does not pass the neurons), neuron (at the last checkpoint), network (all).",
        ),
        Column("unit", int, "Frequency, or index of the neuron; 0 where there is one."),
        N_NEURONS,
        IS_KEY,
        _logit("right", "the logit of the right answer"),
        _logit(
            "ghost",
            "a ghost's logit, an answer to (a, a) or (b, b) that is wrong here",
            "the task has no pairs (a, a)",
        ),
        _logit(
            "neighbor",
            "the logits c ± r beside the right answer c, r the distance that the frequency tells apart least",
            "the part has no frequency",
        ),
        _logit("mean", "the mean of all logits"),
    ),
)

ANALYSIS = Analysis(
    name="patching",
    answers="Which activations carry the answer from one pair to another, and what adds to its logit?",
    takes="networks on pairs of residues",
    cost="10 s",
    needs=("residues",),
    reads=(CHECKPOINTS,),
    tables=(PATCHES, ATTRIBUTION),
)
"""Judged pairs are the test pairs; where there are none, or they are unknown, all pairs of the task."""
