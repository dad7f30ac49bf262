"""Tables of `analyses.snapshots`."""

from analyses.tables.columns import NETWORK, NEURON, STEP
from analyses.tables.schema import Analysis, Column, Table

MOMENTS = Table(
    analysis="snapshots",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        Column("moment", str, "TODO"),
        STEP,
        Column("train_acc", float, "TODO", missing="TODO"),
        Column("test_acc", float, "TODO", missing="TODO"),
        Column("input_fit", float, "TODO"),
        Column("output_fit", float, "TODO"),
    ),
)
ACCURACY = Table(
    analysis="snapshots",
    part="accuracy",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        STEP,
        Column("train_acc", float, "TODO"),
        Column("test_acc", float, "TODO", missing="TODO"),
    ),
)
MAPS = Table(
    analysis="snapshots",
    part="maps",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        Column("map", str, "TODO"),
        STEP,
        NEURON,
    ),
    numbered=Column("66", float, "TODO"),
)
MATRICES = Table(
    analysis="snapshots",
    part="matrices",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        Column("layer", str, "TODO"),
        Column("row", int, "TODO"),
        Column("column", int, "TODO"),
        Column("weight", float, "TODO"),
        Column("kept", bool, "TODO"),
    ),
)
NEURONS = Table(
    analysis="snapshots",
    part="neurons",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        Column("map", str, "TODO"),
        STEP,
        NEURON,
        Column("place", int, "TODO"),
        Column("followed", bool, "TODO"),
        Column("frequency", int, "TODO"),
        Column("amplitude", float, "TODO"),
        Column("phase", float, "TODO", missing="TODO"),
        Column("constant", float, "TODO"),
        Column("share", float, "TODO", missing="TODO"),
    ),
)
SPECTRA = Table(
    analysis="snapshots",
    part="spectra",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        Column("map", str, "TODO"),
        STEP,
        NEURON,
    ),
    numbered=Column("33", float, "TODO"),
)

ANALYSIS = Analysis(
    name="snapshots",
    answers="TODO?",
    takes="TODO",
    cost="TODO",
    tables=(
        MOMENTS,
        ACCURACY,
        MAPS,
        MATRICES,
        NEURONS,
        SPECTRA,
    ),
)
