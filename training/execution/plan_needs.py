"""Time, memory and disk of a plan, said before anything is trained."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.execution.time_estimate import TimeNeed, estimated_time, network_seconds, time_text
from training.inspection.resource_estimate import Need, bytes_text, estimated_need

if TYPE_CHECKING:
    from training.config.recipe import Recipe
    from training.execution.experiment import Experiment

GPU_FILE = Path("/dev/nvidia0")
"""Exists where a CUDA device is likely: a plan does not load torch to look."""


@dataclass(frozen=True)
class PlanNeeds:
    """Needs of the networks that a plan would train."""

    rows: Sequence[Mapping[str, Any]]
    """Those of the plan, each with `expected_seconds`, `memory_bytes`, `disk_bytes`, `files` and `inodes`."""
    time: TimeNeed
    resources: Need

    def lines(self) -> list[str]:
        """Return both in words; nothing to say of a plan that trains nothing."""
        takes = [f"takes {self.time.text()}"] if self.resources.networks else []
        return [*takes, f"needs {self.resources.text()}"]

    def cells(self) -> dict[str, float]:
        """Return the columns of a recipe in a collection's table."""
        return {
            "minutes": round(self.time.seconds / 60, 1),
            "most minutes": round(self.time.most / 60, 1),
            "memory (MiB)": round(self.resources.memory / 2**20),
            "disk (MiB)": round(self.resources.disk / 2**20, 1),
        }


def plan_needs(
    experiment: Experiment, rows: Sequence[Mapping[str, Any]], device: str, workers: int
) -> PlanNeeds:
    """Return what training a plan's networks needs on a device.

    Parameters
    ----------
    rows : sequence of mapping
        `experiment.plan()`.
    """
    from training.execution.plan import TRAINED

    recipe = experiment.recipe
    networks = [(row["arm"], row["seed"]) for row in rows if row["todo"] in TRAINED]
    time = estimated_time(
        recipe,
        experiment.run,
        networks,
        device=likely_device(device),
        workers=workers,
        bases=tuple(experiment.bases or ()),
    )
    todo = set(networks)
    shared = time.seconds / max(sum(network_seconds(recipe, arm) for arm, _ in networks), 1e-9)
    annotated = [
        {**row, **_network_needs(recipe, row["arm"], shared if (row["arm"], row["seed"]) in todo else None)}
        for row in rows
    ]
    return PlanNeeds(annotated, time, estimated_need(recipe, [arm for arm, _ in networks]))


def likely_device(device: str) -> str:
    """Return `cuda` or `cpu` for `auto`, without loading torch."""
    if device != "auto":
        return device
    return "cuda" if GPU_FILE.exists() and os.environ.get("CUDA_VISIBLE_DEVICES") != "" else "cpu"


def sum_line(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the sum over a collection's recipes; empty unless their rows have `PlanNeeds.cells`.

    Examples
    --------
    >>> cells = {"minutes": 90.0, "most minutes": 200.0, "memory (MiB)": 512, "disk (MiB)": 2048.0}
    >>> sum_line([cells, cells])
    'All: about 3.0 hours, at most about 6.7 hours; 512.0 MiB of memory per worker, 4.0 GiB of disk.'
    """
    if not any("minutes" in row for row in rows):
        return ""
    seconds, most = (60 * sum(row.get(name, 0) for row in rows) for name in ("minutes", "most minutes"))
    bound = f", at most about {time_text(most)}" if most > 1.05 * seconds else ""
    memory = bytes_text(int(2**20 * max(row.get("memory (MiB)", 0) for row in rows)))
    disk = bytes_text(int(2**20 * sum(row.get("disk (MiB)", 0) for row in rows)))
    return f"All: about {time_text(seconds)}{bound}; {memory} of memory per worker, {disk} of disk."


def _network_needs(recipe: Recipe, arm: str, share: float | None) -> dict[str, Any]:
    """Return a network's columns; zeros if it is not trained."""
    if share is None:
        return {"expected_seconds": 0.0, "memory_bytes": 0, "disk_bytes": 0, "files": 0, "inodes": 0}
    need = estimated_need(recipe, [arm])
    seconds = round(share * network_seconds(recipe, arm), 2)
    of_disk = {"disk_bytes": need.disk, "files": need.files, "inodes": need.files + 1}  # and its folder
    return {"expected_seconds": seconds, "memory_bytes": need.memory, **of_disk}
