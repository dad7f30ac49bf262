"""Tables of `analyses.fourier`."""

from analyses.tables.columns import FREQUENCY, MAP, N_TIED, NETWORK, NEURON, STEP, key_frequency_table
from analyses.tables.schema import Analysis, Column, Table

SPECTRA_SOURCE = "DEFINITIONS.md, section 5"
ENTROPY = Column(
    "entropy",
    float,
    "Shannon entropy of the amplitude shares over all frequencies: 0 for a pure cosine.",
    unit="nats",
    missing="the neuron is dead: all its weights are equal",
    source=SPECTRA_SOURCE,
)
ENTROPY_PAPER = Column(
    "entropy_paper",
    float,
    "Entropy as the published code computes it: cross-entropy of the shares with their softmax.",
    unit="nats",
    missing="the neuron is dead; or p = 3, whose only frequency the published code leaves out",
    source="Minegishi et al., published code",
)
IPR_FREQUENCY = Column(
    "ipr_frequency",
    float,
    "Inverse participation ratio over frequencies: 1 for a pure cosine, about 2/(K+1) for noise.",
    missing="the neuron is dead",
    source=SPECTRA_SOURCE,
)
IPR_BASIS = Column(
    "ipr_basis",
    float,
    "Inverse participation ratio over the p Fourier coefficients: a pure cosine has 3/4 on average.",
    missing="the neuron is dead",
    source=SPECTRA_SOURCE,
)
GINI = Column(
    "gini",
    float,
    "Gini coefficient of the squared amplitudes over frequencies: 0 if all are equal.",
    missing="the neuron is dead",
    source=SPECTRA_SOURCE,
)
ENERGY_SHARE = Column(
    "energy_share",
    float,
    "Share of the squared amplitudes at the neuron's frequency.",
    missing="the neuron is dead",
    source=SPECTRA_SOURCE,
)
CONCENTRATION = (ENTROPY, ENTROPY_PAPER, IPR_FREQUENCY, IPR_BASIS, GINI, ENERGY_SHARE)

MEANS = Table(
    analysis="fourier",
    meaning="Concentration of the neurons' spectra at every checkpoint, as means over living neurons.",
    version=2,
    key=("arm", "seed", "step", "map"),
    columns=(
        *NETWORK,
        STEP,
        MAP,
        *CONCENTRATION,
        Column("n_frequencies", int, "Number of different frequencies that neurons have."),
        Column("n_dead", int, "Number of dead neurons: all their weights are equal."),
        N_TIED,
    ),
)
NEURONS = Table(
    analysis="fourier",
    part="neurons",
    version=2,
    meaning="Every neuron's strongest frequency and concentration at every checkpoint.",
    key=("arm", "seed", "step", "map", "neuron"),
    columns=(
        *NETWORK,
        STEP,
        MAP,
        NEURON,
        Column(
            "frequency",
            int,
            "Frequency of largest amplitude, from 1; 0 for a dead neuron.",
            unit="cycles per p residues",
            source=SPECTRA_SOURCE,
        ),
        Column("amplitude", float, "Amplitude at that frequency.", source=SPECTRA_SOURCE),
        Column(
            "phase",
            float,
            "Phase at that frequency.",
            unit="radians",
            missing="the neuron is dead",
            source=SPECTRA_SOURCE,
        ),
        *CONCENTRATION,
    ),
)
SPECTRA = Table(
    analysis="fourier",
    part="spectra",
    meaning="Share of a weight matrix's variance over residues at each frequency, at every checkpoint.",
    key=("arm", "seed", "step", "weight", "frequency"),
    columns=(
        *NETWORK,
        STEP,
        Column("weight", str, "Weight matrix with a row per residue, or a map of the neurons."),
        FREQUENCY,
        Column("share", float, "Share of the variance over residues.", source="Nanda et al., Sec. 4.1"),
    ),
)
KEY_FREQUENCIES = key_frequency_table("fourier", "at the last checkpoint")
PAIRS = Table(
    analysis="fourier",
    part="pairs",
    meaning="Variance of the last network's logits and neurons over both inputs, by frequency over each.",
    key=("arm", "seed", "step", "of", "over_a", "over_b"),
    columns=(
        *NETWORK,
        STEP,
        Column("of", str, "Quantity: logits or neurons."),
        Column(
            "over_a", int, "Frequency over the first input; 0 is the constant.", unit="cycles per p residues"
        ),
        Column("over_b", int, "Frequency over the second input.", unit="cycles per p residues"),
        Column("share", float, "Share of the variance.", source="Nanda et al., Sec. 4.1"),
    ),
)
INPUT_WEIGHTS = Table(
    analysis="fourier",
    part="input_weights",
    meaning="Input weights of every neuron at the first and last checkpoint, with their cosine.",
    key=("arm", "seed", "step", "neuron", "residue"),
    columns=(
        *NETWORK,
        STEP,
        NEURON,
        Column("residue", int, "Residue, from 0 to p − 1."),
        Column("turned", int, "Last frequency × residue mod p: in this order the last cosine turns once."),
        Column("weight", float, "Input weight of the neuron for this residue."),
        Column("fit", float, "Cosine at the neuron's frequency at this step, plus its mean."),
    ),
)

ANALYSIS = Analysis(
    name="fourier",
    answers="How periodic are each neuron's weights, and how early do they become so?",
    takes="networks of a task over residues mod p",
    cost="3 s",
    tables=(MEANS, NEURONS, SPECTRA, KEY_FREQUENCIES, PAIRS, INPUT_WEIGHTS),
)
