"""Registry of the analyses."""

from functools import partial

from analyses.tables.schema import Analysis
from training.schema.registry import Registry
from training.schema.validation import check_instance

NAMES = (
    *("grokking", "speed", "fourier", "phases", "logits", "stages", "lottery", "mechanism"),
    *("flow", "leakage", "progress", "norms", "masks", "snapshots", "graph_props"),
)
"""In the order in which a reader of a run needs them."""

ANALYSES: Registry[Analysis] = Registry(
    "analysis",
    {name: f"analyses.{name}.schema:ANALYSIS" for name in NAMES},
    check=partial(check_instance, cls=Analysis),
)
