"""Registry of the analyses."""

from typing import Any

from analyses.tables.origin import MEASURES_OF_PLUGINS
from analyses.tables.schema import Analysis
from training.schema.registry import Registry
from training.schema.validation import check_instance

NAMES = (
    *("grokking", "speed", "fourier", "phases", "logits", "stages", "lottery", "mechanism"),
    *("flow", "leakage", "progress", "ablation", "patching", "steering", "stitching", "events"),
    *("norms", "masks", "snapshots", "graph_props"),
    *("sweep", "compare"),
)
"""In the order in which a reader of a run needs them."""


def _check(entry: Any) -> None:
    """Raise a `ConfigError` unless an entry is an analysis; note a plug-in's code."""
    check_instance(entry, Analysis)
    if entry.measure is not None:
        MEASURES_OF_PLUGINS[entry.name] = entry.measure


ANALYSES: Registry[Analysis] = Registry(
    "analysis",
    {name: f"analyses.{name}.schema:ANALYSIS" for name in NAMES},
    check=_check,
)
