"""Rows of one network's events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analyses.events.key_frequencies import frequency_columns
from analyses.events.recovery import evaluations, recovery
from analyses.events.schema import CURVES, EVENTS
from analyses.loading.reference_arms import dense_reference
from analyses.tables.schema import Table
from training.inspection.trained_network import Network
from training.optimization.events.base import Event
from training.optimization.events.frequency_event import FrequencyEvent

WHOLE = tuple(column.name for column in EVENTS.columns if column.dtype is int and column.missing)


def network_tables(
    network: Network, by_name: Mapping[tuple[str, int], Network]
) -> dict[Table, pd.DataFrame] | None:
    """Return the tables of a network's events that acted; None if there are none.

    Parameters
    ----------
    by_name : mapping
        All measured networks by arm and seed.
    """
    recorded = (network.files.done() or {}).get("events", [])
    acted = [(i, record) for i, record in enumerate(recorded) if record["at"] is not None]
    if not acted:
        return None
    criterion = network.setting.stop_criterion
    metrics = network.metrics
    assert metrics is not None, "the gate leaves out networks without curves"
    curve = evaluations(metrics, criterion)
    about: dict[str, Any] = {"arm": network.arm, "arm_role": network.role, "seed": network.seed}
    judged: dict[str, Any] = {"judged_by": criterion.quantity, "level": criterion.level}
    rows, curves = [], []
    for i, record in acted:
        event = network.recipe.arms[network.arm].events[i]
        arm = reference_arm(network, event)
        reference = by_name.get((arm or "", network.seed))
        named = about | {"event": i, "name": record["name"]}
        changed = record.get("frequencies")
        rows.append(
            named
            | {"at": record["at"], "until": record["until"], "reference": arm}
            | judged
            | recovery(curve, record["at"], criterion)
            | frequency_columns(network, event, changed, reference)
        )
        curves.append(_beside(curve, criterion.test, reference, record["at"]).assign(**named, **judged))
    return {EVENTS: _with_whole_numbers(pd.DataFrame(rows)), CURVES: pd.concat(curves, ignore_index=True)}


def reference_arm(network: Network, event: Event) -> str | None:
    """Return the arm whose key frequencies an event takes, else the network's dense one."""
    named = event.keys_of if isinstance(event, FrequencyEvent) else None
    return named or dense_reference(network.recipe, network.arm)


def _beside(curve: pd.DataFrame, test: str, reference: Network | None, at: int) -> pd.DataFrame:
    """Return a test curve since an event beside the reference's, to the later end."""
    rows = curve[["step", test]].rename(columns={test: "test"})
    metrics = None if reference is None else reference.metrics
    if metrics is None or test not in metrics:
        rows = rows.assign(reference_test=float("nan"))
    else:
        other = metrics[["step", test]].rename(columns={test: "reference_test"})
        rows = rows.merge(other, on="step", how="outer")
    return rows.assign(since=rows["step"] - at)


def _with_whole_numbers(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows whose counts may be missing without becoming objects."""
    return rows.astype(dict.fromkeys(WHOLE, "float64"))
