"""Tables of `analyses.ablation`."""

from analyses.tables.columns import FREQUENCY, NETWORK, STEP
from analyses.tables.schema import CHECKPOINTS, Analysis, Column, Table

COMPONENTS = {
    "frequency": "neurons of one frequency",
    "neuron": "single neurons, at the last checkpoint",
    "embedding": "one frequency of the embedding",
    "logits": "one frequency of the logits over classes",
    "head": "one attention head",
    "attention": "all heads together",
    "mlp": "all neurons together",
    "circuit": "sets of frequencies, at the last checkpoint",
}
"""What `--components` chooses among, in words."""
REMOVED_BY = ("mean", "zero", "resample")
"""Ways of removal, from the mildest."""

DEFINITIONS = "DEFINITIONS.md, section 6"
NO_SPLIT = "the training pairs are unknown"
NO_TEST = f"the task has no test pairs, or {NO_SPLIT}"
NOT_CHOSEN = "--components leaves it out"
NO_NEURON = f"no neuron has this frequency, or {NOT_CHOSEN}"


def _scores(part: str, words: str, missing: str) -> tuple[Column, ...]:
    needs = () if part == "all" else ("split",)
    return (
        Column(
            f"{part}_loss",
            float,
            f"Cross-entropy over the p residues' logits, on {words}.",
            unit="nats",
            missing=missing,
            needs=needs,
        ),
        Column(f"{part}_acc", float, f"Accuracy on {words}.", missing=missing, needs=needs),
        Column(
            f"{part}_margin",
            float,
            f"Logit of the right class less the largest other logit, mean over {words}.",
            unit="logits",
            missing=missing,
            needs=needs,
        ),
    )


def _increase(removal: str) -> Column:
    words = {"mean": "are at their mean", "zero": "are zero", "resample": "are those of other pairs"}[removal]
    return Column(
        f"by_{removal}",
        float,
        f"Importance: increase of the loss on the judged pairs if the neurons of this frequency {words}.",
        unit="nats",
        missing=NO_NEURON,
        source=DEFINITIONS,
    )


def _wave(name: str, what: str) -> Column:
    return Column(
        f"by_{name}",
        float,
        f"Increase of the loss on the judged pairs if {what} this frequency.",
        unit="nats",
        missing=f"{NOT_CHOSEN}; of a transformer's embedding also before the last checkpoint",
        source=DEFINITIONS,
    )


POWER = Column(
    "power",
    float,
    "Share of the embedding's variance at this frequency.",
    missing="all rows of the embedding are equal",
    source="Nanda et al., Sec. 4.1",
)

REMOVALS = Table(
    analysis="ablation",
    meaning="Loss, accuracy and margin with a component removed, and without removal.",
    key=("arm", "seed", "step", "component", "unit", "removal"),
    columns=(
        *NETWORK,
        STEP,
        Column(
            "component",
            str,
            "Component that is removed: frequency (neurons of one), neuron, embedding or logits (waves of "
            "one frequency), head, attention, mlp; network: nothing is.",
            source=DEFINITIONS,
        ),
        Column("unit", int, "Frequency, or index of the neuron or head; 0 where there is one."),
        Column(
            "removal",
            str,
            "Stand-in for the activations: mean over the part's pairs, zero, resample (those of other pairs "
            "of the part); alone: all other groups are at their mean; none.",
            source=DEFINITIONS,
        ),
        Column("n_neurons", int, "Number of neurons that are removed; of a group alone, that are kept."),
        *_scores("train", "the training pairs", NO_SPLIT),
        *_scores("test", "the other pairs", NO_TEST),
        *_scores("all", "all pairs of the task", ""),
    ),
)
FREQUENCIES = Table(
    analysis="ablation",
    part="frequencies",
    meaning="Importance of each frequency beside its power, at every checkpoint.",
    key=("arm", "seed", "step", "frequency"),
    columns=(
        *NETWORK,
        STEP,
        FREQUENCY,
        Column("n_neurons", int, "Number of neurons of this frequency."),
        POWER,
        *(_increase(removal) for removal in REMOVED_BY),
        _wave("embedding", "the embedding loses"),
        _wave("logits", "the logits lose"),
        Column(
            "alone_acc",
            float,
            "Accuracy on the judged pairs if all neurons of other frequencies are at their mean.",
            missing=NO_NEURON,
            source=DEFINITIONS,
        ),
    ),
)
AGREEMENT = Table(
    analysis="ablation",
    part="agreement",
    meaning="Agreement of the frequencies' importance and power at every checkpoint.",
    key=("arm", "seed", "step"),
    columns=(
        *NETWORK,
        STEP,
        Column("n_groups", int, "Number of frequencies that some neuron has."),
        Column(
            "neurons_rank",
            float,
            "Rank correlation over frequencies of power and importance of their neurons, by mean.",
            missing="fewer than three frequencies have neurons, one of both is constant, or not chosen",
        ),
        Column(
            "embedding_rank",
            float,
            "Rank correlation over all frequencies of power and importance in the embedding.",
            missing=f"one of both is constant, or {NOT_CHOSEN}; of a transformer before the last checkpoint",
        ),
        Column(
            "zero_excess",
            float,
            "Mean over frequencies of importance by zero less importance by mean: what zero overstates.",
            unit="nats",
            missing=NO_NEURON,
        ),
    ),
)


def _set_scores(words: str, what: str, missing: str = "") -> tuple[Column, ...]:
    return (
        Column(f"{words}_loss", float, f"Loss on the judged pairs {what}.", unit="nats", missing=missing),
        Column(f"{words}_acc", float, f"Accuracy on the judged pairs {what}.", missing=missing),
        Column(f"{words}_margin", float, f"Margin on the judged pairs {what}.", "logits", missing=missing),
    )


def _shares(of: str, missing: str) -> tuple[Column, ...]:
    words = {
        "faithfulness": f"Share of the margin between no group and all groups that the {of} alone has.",
        "completeness": f"Share of this margin that the network loses without the {of}.",
    }
    return tuple(
        Column(name, float, meaning, missing=missing, source=DEFINITIONS) for name, meaning in words.items()
    )


CIRCUITS = Table(
    analysis="ablation",
    part="circuits",
    meaning="Sets of frequencies kept alone, and left out, of the last checkpoint.",
    key=("arm", "seed", "step", "order", "size"),
    columns=(
        *NETWORK,
        STEP,
        Column(
            "order",
            str,
            "Order in which frequencies are added: greedy, by the lowest training loss; or random, of which "
            "values are means over 20 orders.",
        ),
        Column("size", int, "Number of frequencies in the set."),
        Column("frequency", int, "Frequency added last; 0 for the empty set and for random orders."),
        Column("n_neurons", float, "Number of neurons of the set."),
        *_set_scores("kept", "if only the set's neurons vary, all other groups at their mean"),
        Column("kept_acc_low", float, "Lowest accuracy of the set kept alone over the orders."),
        Column("kept_acc_high", float, "Highest accuracy of the set kept alone over the orders."),
        *_set_scores("without", "if the set's neurons are at their mean", "the order is random"),
        Column(
            "single_sum",
            float,
            "Sum over the set of each frequency's own importance, by mean; without_loss has that of the set.",
            unit="nats",
            missing="the order is random",
        ),
    ),
)
SETS = Table(
    analysis="ablation",
    part="sets",
    meaning="Greedy sets of frequencies kept alone and left out, by every way of removal; last checkpoint.",
    key=("arm", "seed", "step", "removal", "size"),
    columns=(
        *NETWORK,
        STEP,
        Column(
            "removal", str, "Stand-in for removed neurons: mean, zero, or resample (those of other pairs)."
        ),
        Column("size", int, "Number of frequencies in the set."),
        Column("frequency", int, "Frequency added last, in the greedy order by mean; 0 for the empty set."),
        Column("n_neurons", int, "Number of neurons of the set."),
        *_set_scores("kept", "if all groups of neurons outside the set are removed"),
        *_set_scores("without", "if the set's neurons are removed"),
        Column(
            "single_sum",
            float,
            "Sum over the set of each frequency's own importance; without_loss has that of the set.",
            unit="nats",
        ),
        *_shares("set", "there is no such margin"),
    ),
)
NETWORKS = Table(
    analysis="ablation",
    part="networks",
    meaning="Smallest circuit of each network, and what is outside it.",
    key=("arm", "seed"),
    columns=(
        *NETWORK,
        STEP,
        Column("n_groups", int, "Number of frequencies that some neuron has."),
        Column(
            "smallest_greedy",
            int,
            "Smallest number of frequencies that keeps an accuracy of .95 on the judged pairs, greedy order.",
            missing="the network itself is below .95, or no set reaches it",
        ),
        Column(
            "smallest_random",
            int,
            "Smallest number at which the mean accuracy over random orders is .95.",
            missing="the network itself is below .95, or no set reaches it",
        ),
        Column(
            "circuit_neurons",
            int,
            "Number of neurons of the smallest greedy circuit.",
            missing="there is no such circuit",
        ),
        *_shares("circuit", "there is no such circuit"),
        Column(
            "outside_single",
            float,
            "Sum of the importances, one by one, of the frequencies outside the circuit, by mean.",
            unit="nats",
            missing="there is no such circuit",
        ),
        Column(
            "outside_together",
            float,
            "Importance of all of them left out together.",
            unit="nats",
            missing="there is no such circuit",
        ),
    ),
)

ANALYSIS = Analysis(
    name="ablation",
    answers="Which neurons, heads and frequencies does a network need, alone and together?",
    takes="networks on pairs of residues",
    cost="30 s",
    needs=("residues",),
    reads=(CHECKPOINTS,),
    tables=(REMOVALS, FREQUENCIES, AGREEMENT, CIRCUITS, NETWORKS, SETS),
)
"""Judged pairs are the test pairs; where there are none, or they are unknown, all pairs of the task."""
