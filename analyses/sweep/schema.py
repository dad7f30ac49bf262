"""Tables of `analyses.sweep`."""

from analyses.grokking.schema import OUTCOMES
from analyses.speed.schema import ARMS, BOUND, STATISTICS
from analyses.tables.columns import ARM, ARM_ROLE, NETWORK
from analyses.tables.schema import METRICS, Analysis, Column, Table

SHARE = Column(
    "generalised",
    float,
    "Share of the trained networks that generalised.",
    unit="share",
    missing="no network of the arm is trained",
)
MEDIANS = tuple(ARMS[f"{time}_median{end}"] for time in ("t_mem", "t_gen") for end in ("", "_bound"))
"""Columns of median times and their bounds."""

SWEEP = Table(
    analysis="sweep",
    meaning="When every network of a sweep memorised and generalised.",
    key=("arm", "seed"),
    columns=(
        *NETWORK,
        *(OUTCOMES[name] for name in ("status", "t_mem", "t_gen", "t_mem_after", "t_gen_after", "test_acc")),
    ),
)
CELLS = Table(
    analysis="sweep",
    part="cells",
    meaning="Median times of every arm of a sweep over its seeds, with the ratio to its dense arm.",
    key=("arm",),
    columns=(
        ARM,
        ARM_ROLE,
        Column("family", str, "Words for the arms that differ only in the swept fields."),
        Column("x", str, "Field of the recipe along the map's x axis."),
        Column("y", str, "Field along the map's y axis.", missing="arms differ in one field only"),
        Column("panels", str, "Other swept fields, of which each combination of values has a panel."),
        ARMS["n"],
        Column(
            "n_skipped", int, "Number of networks that were skipped, as their source had not generalised."
        ),
        SHARE,
        *MEDIANS,
        ARMS["test_acc"],
        Column(
            "ratio",
            float,
            "Geometric mean over seeds of the t_gen of the arm's dense arm over that of the arm.",
            missing="the arm has no dense arm, or no pair of seeds gives a ratio or a bound",
            source=STATISTICS,
        ),
        Column("ratio_bound", str, f"Kind of the ratio: {BOUND}.", missing="there is no ratio"),
    ),
)

ANALYSIS = Analysis(
    name="sweep",
    answers="How does the time to generalise depend on the fields that a sweep varies?",
    takes="networks with a metrics.parquet, of a recipe whose arms differ in a field, as by a [grid]",
    cost="3 s for the 108 networks of modadd_sweep",
    needs=("curves",),
    reads=(METRICS,),
    tables=(SWEEP, CELLS),
)
