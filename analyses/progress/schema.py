"""Tables of `analyses.progress`."""

from analyses.tables.columns import NETWORK, STEP
from analyses.tables.schema import Analysis, Column, Table

MEASURES = Table(
    analysis="progress",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        STEP,
        Column("train_loss", float, "TODO"),
        Column("test_loss", float, "TODO", missing="TODO"),
        Column("all_loss", float, "TODO"),
        Column("trig_r2", float, "TODO"),
        Column("trig_loss", float, "TODO"),
        Column("restricted_sum2", float, "TODO", missing="TODO"),
        Column("restricted_neuron_sum2", float, "TODO", missing="TODO"),
        Column("restricted_sum2_own", float, "TODO", missing="TODO"),
        Column("excluded", float, "TODO", missing="TODO"),
        Column("excluded_own", float, "TODO", missing="TODO"),
        Column("distance_irrelevance", float, "TODO", missing="TODO"),
        Column("restricted_block4", float, "TODO"),
        Column("restricted_block8", float, "TODO"),
        Column("key_share", float, "TODO"),
        Column("gini_embedding", float, "TODO"),
        Column("gini_logit_map", float, "TODO"),
        Column("l2", float, "TODO"),
        Column("ffd", float, "TODO"),
        Column("fcr", float, "TODO"),
        Column("gradient_symmetricity", float, "TODO"),
        Column("circularity", float, "TODO"),
        Column("n_embedding_norm", float, "TODO"),
        Column("found_embedding_norm", float, "TODO"),
        Column("n_logit_map", float, "TODO"),
        Column("found_logit_map", float, "TODO"),
        Column("n_neuron_cluster", float, "TODO"),
        Column("found_neuron_cluster", float, "TODO", missing="TODO"),
        Column("attention_share", float, "TODO", missing="TODO"),
    ),
)
FREQUENCIES = Table(
    analysis="progress",
    part="frequencies",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        STEP,
        Column("frequency", int, "TODO"),
        Column("excluded", float, "TODO", missing="TODO"),
        Column("trig_amplitude", float, "TODO"),
        Column("share", float, "TODO"),
    ),
)
HEADS = Table(
    analysis="progress",
    part="heads",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        STEP,
        Column("head", int, "TODO"),
        Column("frequency", int, "TODO"),
        Column("share", float, "TODO"),
    ),
)
KEY_FREQUENCIES = Table(
    analysis="progress",
    part="key_frequencies",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        STEP,
        Column("rule", str, "TODO"),
        Column("frequency", int, "TODO"),
    ),
)
PHASES = Table(
    analysis="progress",
    part="phases",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        Column("memorised", float, "TODO", missing="TODO"),
        Column("clean_up_from", int, "TODO", missing="TODO"),
        Column("clean_up_to", int, "TODO", missing="TODO"),
    ),
)

ANALYSIS = Analysis(
    name="progress",
    answers="TODO?",
    takes="TODO",
    cost="TODO",
    tables=(
        MEASURES,
        FREQUENCIES,
        HEADS,
        KEY_FREQUENCIES,
        PHASES,
    ),
)
