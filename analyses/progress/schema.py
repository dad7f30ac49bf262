"""Tables of `analyses.progress`."""

from analyses.tables.columns import FREQUENCY, NETWORK, STEP, key_frequency_table
from analyses.tables.schema import Analysis, Column, Table

RESTRICTED = {
    "restricted_sum2": "waves of a + b",
    "restricted_block4": "products of waves",
    "restricted_block8": "products and single waves",
    "restricted_neuron_sum2": "waves of a + b in neurons",
}
"""Printed name of what each restricted loss keeps of the logits, by its column."""
RULES = ("embedding_norm", "logit_map", "neuron_cluster")
"""Rules for key frequencies, `--rule`."""

DEFINITIONS = "DEFINITIONS.md, section 5"
NO_SUM = "the label is no sum or difference of the two inputs mod p, over all ordered pairs"
NO_EMBEDDING = "all rows of the embedding are equal"
NOT_FALLING = "the test loss never falls below its highest value"


def _loss(name: str, meaning: str, missing: str = "", source: str = DEFINITIONS) -> Column:
    return Column(name, float, meaning, unit="nats", missing=missing, source=source)


LOSSES = (
    _loss("train_loss", "Cross-entropy on the training pairs.", source=""),
    _loss("test_loss", "Cross-entropy on the other pairs.", "the task has no test pairs", source=""),
    _loss("all_loss", "Cross-entropy on all pairs of the task.", source=""),
    Column(
        "trig_r2",
        float,
        "Share of the logits' variance that cosines of label − class explain, at the key frequencies.",
        missing="the logits do not vary over classes",
        source=DEFINITIONS,
    ),
    _loss("trig_loss", "Cross-entropy of these fitted cosines."),
    _loss(
        "restricted_sum2",
        "Loss on all pairs if logits keep only cos and sin of ω(a + b), for the key frequencies.",
        NO_SUM,
    ),
    _loss(
        "restricted_neuron_sum2",
        "Loss on all pairs if neurons keep only cos and sin of ω(a + b), for the key frequencies.",
        NO_SUM,
    ),
    _loss("restricted_sum2_own", "Value of restricted_sum2 by the checkpoint's own key frequencies.", NO_SUM),
    _loss(
        "excluded",
        "Loss on the training pairs if logits lose cos and sin of ω(a + b), for all key frequencies.",
        NO_SUM,
    ),
    _loss("excluded_own", "Value of excluded by the checkpoint's own key frequencies.", NO_SUM),
    Column(
        "distance_irrelevance",
        float,
        "How little the right logit depends on a − b: near 1 for the Clock, low for the Pizza.",
        missing=f"{NO_SUM}; or the right logit is constant",
        source="Zhong et al.; DEFINITIONS.md, section 5",
    ),
    _loss(
        "restricted_block4",
        "Loss on all pairs if logits keep products of cos or sin of ωa and of ωb, for each key frequency.",
    ),
    _loss(
        "restricted_block8",
        "Loss on all pairs if logits keep these products, and cos and sin of ωa and of ωb alone.",
    ),
)
EMBEDDING = (
    Column(
        "key_share",
        float,
        "Share of the embedding's variance at the key frequencies.",
        missing=NO_EMBEDDING,
        source="Nanda et al., Sec. 4.1",
    ),
    Column(
        "gini_embedding",
        float,
        "Gini coefficient of the embedding's norms over frequencies: 0 if all are equal.",
        source=DEFINITIONS,
    ),
    Column(
        "gini_logit_map",
        float,
        "Gini coefficient of the neuron–logit map's norms over frequencies.",
        source=DEFINITIONS,
    ),
    Column("l2", float, "L2 norm of all weights.", unit="units of the weights"),
    Column(
        "ffd",
        float,
        "Fourier frequency density: share of cosines and sines whose norm exceeds half of the largest.",
        missing=NO_EMBEDDING,
        source="Furuta et al.; DEFINITIONS.md, section 5",
    ),
    Column(
        "fcr",
        float,
        "Fourier coefficient ratio: smaller over larger norm of cosine and sine, mean over frequencies.",
        missing=NO_EMBEDDING,
        source="Furuta et al.; DEFINITIONS.md, section 5",
    ),
    Column(
        "gradient_symmetricity",
        float,
        "Cosine of a logit's gradients by the two embeddings; 1 by construction where they are added.",
        missing="all drawn gradients are 0",
        source="Zhong et al.; DEFINITIONS.md, section 5",
    ),
    Column(
        "circularity",
        float,
        "Share of one frequency in each principal component of the embedding, mean over the first four.",
        missing=f"{NO_EMBEDDING}; or p = 3, which has two components",
        source="Zhong et al.; DEFINITIONS.md, section 5",
    ),
)


def _recovered(rule: str) -> tuple[Column, Column]:
    return (
        Column(
            f"n_{rule}",
            int,
            f"Number of the checkpoint's own key frequencies, by {rule}.",
            source=DEFINITIONS,
        ),
        Column(
            f"found_{rule}",
            float,
            f"Share of the final network's key frequencies that are among them, by {rule}.",
            missing="the final network has no key frequency by this rule",
        ),
    )


MEASURES = Table(
    analysis="progress",
    meaning="Progress measures at every checkpoint, by the key frequencies of the final network.",
    version=2,
    key=("arm", "seed", "step"),
    columns=(
        *NETWORK,
        STEP,
        Column(
            "operation", str, "Operation of the task, such as add or mul.", source="DEFINITIONS.md, section 2"
        ),
        *LOSSES,
        *EMBEDDING,
        *(column for rule in RULES for column in _recovered(rule)),
        Column(
            "attention_share",
            float,
            "Share of one frequency in each head's attention, mean over heads.",
            missing="the network has no attention, or it never varies",
            source="Nanda et al., Sec. 4.3",
        ),
    ),
)
FREQUENCIES = Table(
    analysis="progress",
    part="frequencies",
    meaning="Each key frequency of the final network at every checkpoint.",
    version=2,
    key=("arm", "seed", "step", "frequency"),
    columns=(
        *NETWORK,
        STEP,
        FREQUENCY,
        _loss(
            "excluded",
            "Loss on the training pairs if logits lose cos and sin of ω(a + b) for this frequency.",
            NO_SUM,
        ),
        Column(
            "trig_amplitude",
            float,
            "Amplitude of the cosine of label − class at this frequency, fitted to the logits.",
            unit="logits",
            source=DEFINITIONS,
        ),
        Column(
            "share",
            float,
            "Share of the embedding's variance at this frequency.",
            missing=NO_EMBEDDING,
            source="Nanda et al., Sec. 4.1",
        ),
    ),
)
HEADS = Table(
    analysis="progress",
    part="heads",
    meaning="Strongest frequency of each attention head at every checkpoint.",
    key=("arm", "seed", "step", "head"),
    columns=(
        *NETWORK,
        STEP,
        Column("head", int, "Index of the head."),
        Column(
            "frequency",
            int,
            "Frequency of largest share in the head's attention, from 1; 0 if attention never varies.",
            unit="cycles per p residues",
        ),
        Column(
            "share",
            float,
            "Share of the attention's variance over pairs at this frequency.",
            missing="attention never varies",
            source="Nanda et al., Sec. 4.3",
        ),
    ),
)
KEY_FREQUENCIES = key_frequency_table("progress", "at every checkpoint")
PHASES = Table(
    analysis="progress",
    part="phases",
    meaning="Ends of each network's phases: memorization, circuit formation, clean-up.",
    version=2,
    key=("arm", "seed"),
    columns=(
        *NETWORK,
        Column(
            "memorised",
            int,
            "End of memorization: the step of lowest excluded loss.",
            unit="steps",
            missing=NO_SUM,
            source="Nanda et al., Sec. 5; read off by eye there",
        ),
        Column(
            "clean_up_from",
            int,
            "Start of clean-up: a tenth of the test loss' fall from its highest value is done, in log loss.",
            unit="steps",
            missing=f"no test pairs, or {NOT_FALLING}",
        ),
        Column(
            "clean_up_to",
            int,
            "End of clean-up: nine tenths of this fall are done.",
            unit="steps",
            missing=f"no test pairs, or {NOT_FALLING}",
        ),
    ),
)

ANALYSIS = Analysis(
    name="progress",
    answers="How far has a network's circuit formed at every checkpoint, before its test loss shows it?",
    takes="networks of a task over residues mod p",
    cost="20 s",
    tables=(MEASURES, FREQUENCIES, HEADS, KEY_FREQUENCIES, PHASES),
)
