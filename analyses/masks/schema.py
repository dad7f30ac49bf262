"""Tables of `analyses.masks`."""

from analyses.tables.columns import NETWORK, STEP
from analyses.tables.schema import Analysis, Column, Table

DISTANCES = Table(
    analysis="masks",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        Column("spacing", str, "TODO"),
        Column("from_step", int, "TODO"),
        STEP,
        Column("layer", str, "TODO"),
        Column("distance", float, "TODO"),
        Column("chance", float, "TODO"),
        Column("velocity", float, "TODO"),
        Column("gain", float, "TODO", missing="TODO"),
        Column("gain_of", str, "TODO"),
    ),
)
DENSITY = Table(
    analysis="masks",
    part="density",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        STEP,
        Column("layer", str, "TODO"),
        Column("density", float, "TODO"),
    ),
)
FROZEN = Table(
    analysis="masks",
    part="frozen",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        Column("source", str, "TODO"),
        Column("from_step", int, "TODO"),
        Column("n_checkpoints", int, "TODO"),
        Column("n_kept", int, "TODO"),
        Column("n_changed", int, "TODO"),
    ),
)
OVERLAP = Table(
    analysis="masks",
    part="overlap",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        Column("arm_a", str, "TODO"),
        Column("seed_a", int, "TODO"),
        Column("arm_b", str, "TODO"),
        Column("seed_b", int, "TODO"),
        Column("layer", str, "TODO"),
        Column("overlap", float, "TODO"),
        Column("chance", float, "TODO"),
        Column("excess", float, "TODO", missing="TODO"),
        Column("z", float, "TODO", missing="TODO"),
        Column("flat_chance", float, "TODO"),
        Column("flat_excess", float, "TODO"),
    ),
)
PEAKS = Table(
    analysis="masks",
    part="peaks",
    meaning="TODO",
    key=(),  # TODO
    columns=(
        *NETWORK,
        Column("layer", str, "TODO"),
        Column("n_intervals", int, "TODO"),
        Column("peak_step", int, "TODO"),
        Column("peak_distance", float, "TODO"),
        Column("peak_velocity", float, "TODO"),
        Column("chance", float, "TODO"),
        Column("gain_of", str, "TODO"),
        Column("gain_step", int, "TODO", missing="TODO"),
        Column("gain", float, "TODO", missing="TODO"),
        Column("lag", int, "TODO", missing="TODO"),
        Column("holds", bool, "TODO", missing="TODO"),
        Column("spearman", float, "TODO", missing="TODO"),
        Column("velocity_half_step", int, "TODO", missing="TODO"),
        Column("gain_half_step", int, "TODO", missing="TODO"),
        Column("lead", int, "TODO", missing="TODO"),
    ),
)

ANALYSIS = Analysis(
    name="masks",
    answers="TODO?",
    takes="TODO",
    cost="TODO",
    tables=(
        DISTANCES,
        DENSITY,
        FROZEN,
        OVERLAP,
        PEAKS,
    ),
)
