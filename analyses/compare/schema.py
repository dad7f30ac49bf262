"""Tables of `analyses.compare`."""

from analyses.grokking.schema import OUTCOMES
from analyses.speed.schema import ARMS
from analyses.sweep.schema import MEDIANS, SHARE
from analyses.tables.columns import ARM, ARM_ROLE, NETWORK
from analyses.tables.schema import METRICS, Analysis, Column, Table

RUN = Column("run", str, "Folder of the run.")

COMPARE = Table(
    analysis="compare",
    meaning="Arms of several runs: median times over seeds, and test accuracy.",
    key=("run", "arm"),
    columns=(RUN, ARM, ARM_ROLE, ARMS["n"], SHARE, *MEDIANS, ARMS["test_acc"]),
)
NETWORKS = Table(
    analysis="compare",
    part="networks",
    meaning="When every network of these arms memorised and generalised.",
    key=("run", "arm", "seed"),
    columns=(
        RUN,
        *NETWORK,
        *(OUTCOMES[name] for name in ("status", "t_mem", "t_gen", "t_mem_after", "t_gen_after", "test_acc")),
    ),
)

ANALYSIS = Analysis(
    name="compare",
    answers="When do the arms of several runs generalise, side by side?",
    takes="two runs or more, whose networks have a metrics.parquet and are judged alike",
    cost="2 s",
    needs=("curves",),
    reads=(METRICS,),
    tables=(COMPARE, NETWORKS),
    of_several_runs=True,
)
