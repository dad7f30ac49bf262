"""Tables of `analyses.snapshots`."""

from analyses.tables.columns import FREQUENCY, MAP, NETWORK, NEURON, STEP
from analyses.tables.schema import Analysis, Column, Table

SPECTRA_SOURCE = "DEFINITIONS.md, section 5"
NO_METRICS = "the network has no recorded metrics"
WEIGHT_UNIT = "units of the weights"

MOMENTS = Table(
    analysis="snapshots",
    meaning="Accuracy and cosine fit of every network at a few landmark checkpoints.",
    key=("arm", "seed", "moment"),
    columns=(
        *NETWORK,
        Column(
            "moment",
            str,
            "Landmark: start, memorised, between (geometric mean of t_mem and t_gen), generalised or end.",
            source="DEFINITIONS.md, section 1",
        ),
        STEP,
        Column("train_acc", float, "Accuracy on the training set.", missing=NO_METRICS),
        Column("test_acc", float, "Accuracy on the test set.", missing=f"no test set, or {NO_METRICS}"),
        Column(
            "input_fit",
            float,
            "Share of the variance of input weights at the neuron's strongest frequency, mean over neurons.",
            missing="all neurons are dead",
            source=SPECTRA_SOURCE,
        ),
        Column(
            "output_fit",
            float,
            "Share of the variance of output weights at the neuron's strongest frequency, mean over neurons.",
            missing="all neurons are dead",
            source=SPECTRA_SOURCE,
        ),
    ),
)
ACCURACY = Table(
    analysis="snapshots",
    part="accuracy",
    meaning="Accuracy of every network with metrics, at about logarithmically spaced evaluations.",
    key=("arm", "seed", "step"),
    columns=(
        *NETWORK,
        Column("step", int, "Step of the evaluation.", unit="steps"),
        Column("train_acc", float, "Accuracy on the training set."),
        Column("test_acc", float, "Accuracy on the test set.", missing="no test set"),
    ),
)
MAPS = Table(
    analysis="snapshots",
    part="maps",
    meaning="Weights of all neurons at the landmarks, and of the followed neurons at up to 40 checkpoints.",
    key=("arm", "seed", "map", "step", "neuron"),
    columns=(*NETWORK, MAP, STEP, NEURON),
    numbered=Column("residue", float, "Weight of the neuron for this residue.", unit=WEIGHT_UNIT),
)
MATRICES = Table(
    analysis="snapshots",
    part="matrices",
    meaning="Every weight of every matrix at the last checkpoint, and the mask.",
    key=("arm", "seed", "layer", "row", "column"),
    columns=(
        *NETWORK,
        Column("layer", str, "Name of the weight matrix, with the head's number if there are several."),
        Column("row", int, "Index of the source unit, from 0."),
        Column("column", int, "Index of the target unit, from 0."),
        Column("weight", float, "Weight; 0 if it is pruned.", unit=WEIGHT_UNIT),
        Column("kept", bool, "True if the mask keeps the weight; always true in a network without a mask."),
    ),
)
NEURONS = Table(
    analysis="snapshots",
    part="neurons",
    meaning="Cosine of each neuron's last frequency in its weights, at the landmarks.",
    key=("arm", "seed", "map", "step", "neuron"),
    columns=(
        *NETWORK,
        MAP,
        STEP,
        NEURON,
        Column(
            "place",
            int,
            "Rank by frequency, then phase, of the last input weights, from 0; dead neurons are last.",
        ),
        Column(
            "followed",
            bool,
            "True for at most 64 neurons, evenly spaced in this order: other checkpoints have only these.",
        ),
        Column(
            "frequency",
            int,
            "Strongest frequency of the last weights of this map; 0 for a dead neuron.",
            unit="cycles per p residues",
            source=SPECTRA_SOURCE,
        ),
        Column(
            "amplitude",
            float,
            "Amplitude at it; at frequency 1 for a dead neuron.",
            unit=WEIGHT_UNIT,
            source=SPECTRA_SOURCE,
        ),
        Column(
            "phase",
            float,
            "Phase at it.",
            unit="radians",
            missing="the neuron's weights are all equal",
            source=SPECTRA_SOURCE,
        ),
        Column("constant", float, "Mean weight over residues.", unit=WEIGHT_UNIT),
        Column(
            "share",
            float,
            "Share of the weights' variance over residues that this cosine explains.",
            missing="the neuron is dead",
            source=SPECTRA_SOURCE,
        ),
    ),
)
SPECTRA = Table(
    analysis="snapshots",
    part="spectra",
    meaning="Amplitude spectrum of the weights, of the neurons and checkpoints of `snapshots_maps`.",
    key=("arm", "seed", "map", "step", "neuron"),
    columns=(*NETWORK, MAP, STEP, NEURON),
    numbered=Column(
        "frequency", float, "Amplitude at this frequency.", unit=WEIGHT_UNIT, source=SPECTRA_SOURCE
    ),
)
WAVES = Table(
    analysis="snapshots",
    part="waves",
    meaning="Weights of the neurons over residues through training, of every network, for the explorer.",
    key=("arm", "seed", "map", "step", "neuron"),
    columns=(*NETWORK, MAP, STEP, NEURON),
    numbered=Column("residue", float, "Weight of the neuron for this residue.", unit=WEIGHT_UNIT),
)
PAIRS = Table(
    analysis="snapshots",
    part="pairs",
    meaning="Examples of every network's task; with attention, also margins and attention on all pairs.",
    key=("arm", "seed", "quantity", "step", "a"),
    columns=(
        *NETWORK,
        Column(
            "quantity",
            str,
            "What the row holds. label: class of the pair; trained: 1 for a training pair, 0 for a test one; "
            "margin: logit of the right class less the largest other; attention 0, …: attention of a head to "
            "a, from the last position.",
        ),
        Column(
            "step",
            int,
            "Step of the checkpoint; label and trained, which have none, are at the first.",
            "steps",
        ),
        Column("a", int, "First residue of the pair."),
    ),
    numbered=Column(
        "second residue",
        float,
        "Value for the pair of a and this residue.",
        missing="the task has no such example, or its training pairs are unknown",
    ),
)
CIRCLES = Table(
    analysis="snapshots",
    part="circles",
    meaning="Embedding of the residues in the plane of each of its strongest frequencies, through training.",
    key=("arm", "seed", "step", "frequency", "axis"),
    columns=(
        *NETWORK,
        STEP,
        FREQUENCY,
        Column(
            "axis", str, "Direction of the embedding that this wave of the residues, cosine or sine, has."
        ),
    ),
    numbered=Column(
        "residue",
        float,
        "Place of the residue's embedding along this direction, of unit length.",
        unit=WEIGHT_UNIT,
        source=SPECTRA_SOURCE,
    ),
)
MASK_GRAPHS = Table(
    analysis="snapshots",
    part="mask_graphs",
    meaning="Units of every layer that share more kept weights than chance, in the mask and in random ones.",
    key=("arm", "seed", "layer", "kind", "place"),
    columns=(
        *NETWORK,
        Column("layer", str, "Name of the weight matrix, with the head's number if there are several."),
        Column(
            "kind",
            str,
            "mask: the network's own; density, degree: a random one of equal density, or of equal degrees.",
        ),
        Column(
            "place",
            int,
            "Place of the unit around the circle, from 0: at most 128 evenly spaced ones, neurons by their "
            "last frequency.",
        ),
        Column(
            "unit",
            int,
            "Index of the unit: a neuron in weights into or out of neurons, a residue in W_E, otherwise a "
            "target.",
        ),
    ),
    numbered=Column(
        "place of another unit",
        float,
        "Number of connections that both keep if it is more than chance (hypergeometric, p < .01 over all "
        "pairs, Bonferroni), otherwise 0.",
        missing="the layer has fewer units",
        source="DEFINITIONS.md, section 7; Tumminello et al. 2011",
    ),
)

ANALYSIS = Analysis(
    name="snapshots",
    answers="What do the weights and masks look like at the start, in between and at the end?",
    takes="networks of a task over residues mod p; pictures are of one seed",
    cost="4 s",
    needs=("residues",),
    tables=(MOMENTS, ACCURACY, MAPS, MATRICES, NEURONS, SPECTRA, WAVES, PAIRS, CIRCLES, MASK_GRAPHS),
)
