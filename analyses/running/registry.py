"""Registry of the analyses."""

from analyses.tables.schema import Analysis
from training.schema.registry import Registry

NAMES = (
    *("grokking", "speed", "fourier", "phases", "logits", "stages", "lottery", "mechanism"),
    *("flow", "leakage", "progress", "norms", "masks", "snapshots", "graph_props"),
)
"""In the order in which a reader of a run needs them."""

ANALYSES: Registry[Analysis] = Registry(
    "analysis", {name: f"analyses.{name}.schema:ANALYSIS" for name in NAMES}
)
