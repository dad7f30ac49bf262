"""Tables of `analyses.stitching`."""

from analyses.tables.columns import NETWORK, STEP, role_column
from analyses.tables.schema import CHECKPOINTS, MASK, Analysis, Column, Table

PLACES = {
    "place": "neuron i at place i",
    "permuted": "neurons at random places",
    "wave": "matched by frequency and phase",
    "spectrum": "matched by frequency alone",
}
"""Ways to give a neuron to each place of the output map, in words."""

ALIKE = ("itself", "shared")
"""Values of `start` for which neuron i is read at place i."""
OTHER_SEED = "other seed"
"""Value of `start` for networks of two seeds."""

EARLY = 100
"""Step whose nearest checkpoint is shown beside the last one."""

DEFINITIONS = "DEFINITIONS.md, section 6"
NO_SPLIT = "the training examples are unknown"


def _scores(part: str, words: str, missing: str) -> tuple[Column, ...]:
    needs = () if part == "all" else ("split",)
    loss = f"Cross-entropy of the stitched logits on {words}."
    return (
        Column(f"{part}_loss", float, loss, unit="nats", missing=missing, needs=needs),
        Column(f"{part}_acc", float, f"Their accuracy on {words}.", missing=missing, needs=needs),
    )


STITCHING = Table(
    analysis="stitching",
    meaning="Loss and accuracy of one network's neurons read by another's output map.",
    key=("arm", "seed", "step", "reader", "reader_seed", "reader_step", "places", "neurons"),
    columns=(
        *NETWORK,
        STEP,
        Column("reader", str, "Arm whose output map reads the neurons; of the arm itself, too."),
        role_column("reader"),
        Column("reader_seed", int, "Seed of that network."),
        Column(
            "reader_step",
            int,
            "Step of the output map: that network's last checkpoint, or the step of the neurons.",
            unit="steps",
        ),
        Column(
            "start",
            str,
            "How both networks began: itself (they are one), shared (with the same weights, pruned ones "
            "aside), unlike (one seed, but other weights or numbers of neurons), other seed.",
        ),
        Column(
            "places",
            str,
            "How each place of the output map gets its neuron: place (by index), permuted (at random), wave "
            "(assignment of largest total correlation with the reader's neurons: of input maps, so by "
            "frequency and phase; of activations in an mlp), spectrum (by amplitude spectra of input maps, "
            "whatever the phases).",
            source=DEFINITIONS,
        ),
        Column(
            "neurons",
            str,
            "Neurons that vary: all, or kept (those that a mask leaves a path from input to output, its own "
            "of a pruned arm, else that of the first ticket; the others are at their mean).",
            source=DEFINITIONS,
        ),
        Column("n_neurons", int, "Number of neurons that are read and vary."),
        Column(
            "similarity",
            float,
            "Mean correlation of these neurons with the reader's own in their places, over those that vary "
            "in both: of input maps (frequency and phase), in an mlp of activations.",
            missing="no neuron varies in both",
        ),
        *_scores("train", "the training examples", NO_SPLIT),
        *_scores("test", "the other examples", f"the task has no test examples, or {NO_SPLIT}"),
        *_scores("all", "all examples of the task", ""),
    ),
)

ANALYSIS = Analysis(
    name="stitching",
    answers="Do a network's neurons work under another network's output map?",
    takes="networks whose logits are their neurons times an output map",
    cost="15 s",
    needs=("classes", "neurons"),
    reads=(CHECKPOINTS, MASK),
    tables=(STITCHING,),
)
"""Networks of one seed that began with the same weights are stitched by place; others are matched."""
