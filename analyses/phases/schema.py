"""Tables of `analyses.phases`."""

from analyses.tables.columns import NETWORK, NEURON, STEP
from analyses.tables.schema import Analysis, Column, Table

MEANS = Table(
    analysis="phases",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        STEP,
        Column("mean_abs_sin", float, "TODO"),
        Column("mean_cos", float, "TODO"),
        Column("weighted_cos", float, "TODO"),
        Column("mean_abs_sin_at_final", float, "TODO"),
        Column("mean_cos_at_final", float, "TODO"),
        Column("weighted_cos_at_final", float, "TODO"),
        Column("same_frequency", float, "TODO"),
        Column("same_frequency_chance", float, "TODO"),
        Column("R_1", float, "TODO"),
        Column("R_2", float, "TODO"),
        Column("R_3", float, "TODO"),
        Column("R_4", float, "TODO"),
        Column("rayleigh", float, "TODO"),
        Column("n_frequencies", int, "TODO"),
        Column("chi2", float, "TODO"),
        Column("chi2_p_value", float, "TODO"),
        Column("cv_input_amplitude", float, "TODO"),
        Column("cv_output_amplitude", float, "TODO"),
        Column("n_dead", int, "TODO"),
    ),
)
GROUPS = Table(
    analysis="phases",
    part="groups",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        STEP,
        Column("frequency", int, "TODO"),
        Column("R_1", float, "TODO"),
        Column("R_2", float, "TODO"),
        Column("R_3", float, "TODO"),
        Column("R_4", float, "TODO"),
        Column("rayleigh", float, "TODO"),
        Column("n_neurons", int, "TODO"),
    ),
)
NEURONS = Table(
    analysis="phases",
    part="neurons",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        STEP,
        NEURON,
        Column("frequency", int, "TODO"),
        Column("output_frequency", int, "TODO"),
        Column("D", float, "TODO", missing="TODO"),
        Column("input_phase", float, "TODO", missing="TODO"),
        Column("output_phase", float, "TODO", missing="TODO"),
        Column("input_amplitude", float, "TODO", missing="TODO"),
        Column("output_amplitude", float, "TODO", missing="TODO"),
    ),
)

ANALYSIS = Analysis(
    name="phases",
    answers="TODO?",
    takes="TODO",
    cost="TODO",
    tables=(
        MEANS,
        GROUPS,
        NEURONS,
    ),
)
