"""Expected cost of every task in core-seconds: wall time × cores, as measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from figures.pipeline.freshness import Folder
from training.runs.atomic_files import read_record, write_json

MEASURED = Path(__file__).with_name("costs.json")
"""Costs that come with the package, by version ("full", "quick") and task."""
GUESSES = {
    "full": {"training": 600.0, "drawing": 3.0, "": 20.0},
    "quick": {"training": 30.0, "drawing": 3.0, "": 6.0},
}
"""Cost of a task that was never measured, by the first word of its name; "" is any analysis."""


def expected_costs(folder: Folder) -> Mapping[str, float]:
    """Return the measured costs by task: the package's, and this folder's where it has none."""
    return {**_read(folder.figures / "costs.json"), **_read(MEASURED).get(_version(folder), {})}


def expected_cost(measured: Mapping[str, float], folder: Folder, task: str) -> float:
    """Return the cost of a task, guessed if it was never measured."""
    guesses = GUESSES[_version(folder)]
    return measured.get(task) or guesses.get(task.partition(" ")[0]) or guesses[""]


def record(folder: Folder, task: str, core_seconds: float) -> None:
    """Save the cost of a task in this folder."""
    path = folder.figures / "costs.json"
    write_json(path, dict(sorted({**_read(path), task: round(core_seconds, 1)}.items())))


def training_cost(folder: Folder, recipe: str) -> float:
    """Return the cost of all starts of a training together."""
    starts = folder.run(recipe).provenance() or []
    return sum(start.get("seconds", 0.0) * start.get("workers", 1) for start in starts)


def publish(root: Path) -> Path:
    """Write the costs of a folder's tasks into the package, and return the file."""
    by_version = {version: dict(costs) for version, costs in _read(MEASURED).items()}
    for folder in (Folder(root, quick=False), Folder(root, quick=True)):
        costs = by_version.setdefault(_version(folder), {})
        costs |= _read(folder.figures / "costs.json")
        for provenance in folder.runs.glob("*/provenance.json"):
            recipe = provenance.parent.name
            if seconds := training_cost(folder, recipe):
                costs[f"training {recipe}"] = round(seconds, 1)
        by_version[_version(folder)] = dict(sorted(costs.items()))
    write_json(MEASURED, by_version)
    return MEASURED


def _version(folder: Folder) -> str:
    return "quick" if folder.quick else "full"


def _read(path: Path) -> dict:
    return read_record(path) or {}
