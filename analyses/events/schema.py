"""Tables of `analyses.events`."""

from analyses.tables.columns import NETWORK
from analyses.tables.schema import CHECKPOINTS, METRICS, Analysis, Column, Table

TERMS = "DEFINITIONS.md, section 1"
RULE = "DEFINITIONS.md, section 5"
NO_TEST_SET = "there is no test set"
NO_CLASSES = "the task has no classes"
NO_FREQUENCIES = "the event is on no frequencies"
NO_RESIDUES = "the task is not on residues mod p, or no weight has an axis of residues"
NO_REFERENCE = f"{NO_RESIDUES}, or the reference is not among the chosen networks"
NEVER_FELL = "the test examples did not meet the level before the event, or met it ever after"
MET_BEFORE = "the test examples met the level before the event, or there are none"

EVENT = Column("event", int, "Number of the event in the arm's list, from 0.")
NAME = Column("name", str, "Name of the event, as in the recipe.")
JUDGED_BY = Column("judged_by", str, "Quantity that the level is about: accuracy or loss.", source=TERMS)


def _scores(when: str, words: str) -> tuple[Column, ...]:
    def column(part: str, score: str, missing: str) -> Column:
        meaning = f"{'Mean loss' if score == 'loss' else 'Accuracy'} on the {part} examples {words}."
        unit = "nats" if score == "loss" else "share"
        return Column(f"{part}_{score}_{when}", float, meaning, unit=unit, missing=missing)

    none_there = "there is no such evaluation"
    return (
        column("train", "acc", f"{NO_CLASSES}, or {none_there}"),
        column("test", "acc", f"{NO_CLASSES}, {NO_TEST_SET}, or {none_there}"),
        column("train", "loss", none_there),
        column("test", "loss", f"{NO_TEST_SET}, or {none_there}"),
    )


EVENTS = Table(
    analysis="events",
    meaning="What every event that acted changed: accuracy before and after, and key frequencies at the end.",
    key=("arm", "seed", "event"),
    columns=(
        *NETWORK,
        EVENT,
        NAME,
        Column("at", int, "Updates that were done when the event began.", unit="steps"),
        Column(
            "until",
            int,
            "Last update for which the event lasted; of one that acts once, the next.",
            unit="steps",
        ),
        Column("steps", int, "Last evaluated step of the training.", unit="steps"),
        *_scores("before", "at the last evaluation that does not show the event"),
        *_scores("after", "at the first evaluation after it began"),
        Column(
            "lowest_test_acc",
            float,
            "Lowest accuracy on the test examples after the event began, until the end of the training.",
            unit="share",
            missing=f"{NO_CLASSES}, or {NO_TEST_SET}",
        ),
        *_scores("end", "at the last evaluation"),
        JUDGED_BY,
        Column(
            "level",
            float,
            "Level that the test examples have to meet: measure.stop_threshold, or the task's loss.",
            source=TERMS,
        ),
        Column(
            "fell_after",
            int,
            "Steps from the event's begin to the first evaluation at which the test examples no longer meet "
            "the level.",
            unit="steps",
            missing=NEVER_FELL,
        ),
        Column(
            "back_after",
            int,
            "Steps from the event's begin to the first evaluation at which they meet it again, or a bound.",
            unit="steps",
            missing=NEVER_FELL,
        ),
        Column(
            "back_bound",
            str,
            "Relation of the number of steps to `back_after`: =, or > (not back by the end of the training).",
            missing=NEVER_FELL,
        ),
        Column(
            "met_after",
            int,
            "Steps from the event's begin to the first evaluation at which they meet it, or a bound.",
            unit="steps",
            missing=MET_BEFORE,
        ),
        Column(
            "met_bound",
            str,
            "Relation of the number of steps to `met_after`: =, or > (not met by the end of the training).",
            missing=MET_BEFORE,
        ),
        Column("n_frequencies", int, "Number of frequencies that the event changes.", missing=NO_FREQUENCIES),
        Column(
            "n_again",
            int,
            "Number of these that are key frequencies at the last checkpoint: of a norm of at least half of "
            "the largest, in one of the event's weights or more.",
            missing=NO_FREQUENCIES,
            source=RULE,
        ),
        Column(
            "n_again_logit",
            int,
            "Number of these that are key frequencies at the last checkpoint by the rule logit_map.",
            missing=f"{NO_FREQUENCIES}, or the model has no neurons that write to residues",
            source=RULE,
        ),
        Column(
            "n_keys",
            int,
            "Number of all key frequencies at the last checkpoint, in the weights of the event, or in all "
            "weights with an axis of residues.",
            missing=NO_RESIDUES,
            source=RULE,
        ),
        Column(
            "reference",
            str,
            "Arm of the same seed that is compared: the one whose key frequencies the event takes, else the "
            "dense one.",
            missing="there is no such arm",
        ),
        Column(
            "n_reference_keys",
            int,
            "Number of key frequencies of that arm at its last checkpoint, in the same weights.",
            missing=NO_REFERENCE,
        ),
        Column("n_shared", int, "Number of key frequencies that both have.", missing=NO_REFERENCE),
    ),
)
CURVES = Table(
    analysis="events",
    part="curves",
    meaning="Test examples at every evaluation of a network with events, and of its reference.",
    key=("arm", "seed", "event", "step"),
    columns=(
        *NETWORK,
        EVENT,
        NAME,
        Column("step", int, "Step of the evaluation.", unit="steps"),
        Column("since", int, "Steps since the event began; below 0 before it.", unit="steps"),
        Column(
            "test",
            float,
            "Quantity in `judged_by`, on the test examples.",
            missing=f"{NO_TEST_SET}, or the network has ended",
        ),
        Column(
            "reference_test",
            float,
            "The same of the reference at this step.",
            missing=f"{NO_TEST_SET}, the reference has ended, or is not among the chosen networks",
        ),
        JUDGED_BY,
        Column("level", float, "Level that the test examples have to meet.", source=TERMS),
    ),
)
ANALYSIS = Analysis(
    name="events",
    answers="What did each event in the middle of a training change, and was it undone?",
    takes="networks of arms with events that have acted, beside the arms that they are compared with",
    cost="2 s",
    needs=("curves",),
    reads=(METRICS, CHECKPOINTS),
    tables=(EVENTS, CURVES),
)
