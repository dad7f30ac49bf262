"""Tables of `analyses.flow`."""

from analyses.tables.columns import NETWORK, NEURON, STEP
from analyses.tables.schema import Analysis, Column, Table

DEVIATIONS = Table(
    analysis="flow",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        STEP,
        Column("contrast", str, "TODO"),
        Column("input_amplitude_median", float, "TODO", missing="TODO"),
        Column("input_amplitude_max", float, "TODO", missing="TODO"),
        Column("output_amplitude_median", float, "TODO", missing="TODO"),
        Column("output_amplitude_max", float, "TODO", missing="TODO"),
        Column("D_median", float, "TODO", missing="TODO"),
        Column("D_max", float, "TODO", missing="TODO"),
    ),
)
INVARIANTS = Table(
    analysis="flow",
    part="invariants",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        STEP,
        Column("course", str, "TODO"),
        Column("difference_median", float, "TODO", missing="TODO"),
        Column("difference_max", float, "TODO", missing="TODO"),
        Column("product_median", float, "TODO", missing="TODO"),
        Column("product_max", float, "TODO", missing="TODO"),
    ),
)
NETWORKS = Table(
    analysis="flow",
    part="networks",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        Column("blowup_time", float, "TODO"),
        Column("blowup_step", float, "TODO"),
    ),
)
NEURONS = Table(
    analysis="flow",
    part="neurons",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        STEP,
        NEURON,
        Column("frequency", int, "TODO"),
        Column("input_amplitude", float, "TODO"),
        Column("output_amplitude", float, "TODO"),
        Column("D", float, "TODO"),
        Column("flow_input_amplitude", float, "TODO", missing="TODO"),
        Column("flow_output_amplitude", float, "TODO", missing="TODO"),
        Column("flow_D", float, "TODO", missing="TODO"),
    ),
)

ANALYSIS = Analysis(
    name="flow",
    answers="TODO?",
    takes="TODO",
    cost="TODO",
    tables=(
        DEVIATIONS,
        INVARIANTS,
        NETWORKS,
        NEURONS,
    ),
)
