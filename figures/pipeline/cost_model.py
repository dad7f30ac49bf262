"""What every task costs, in core-seconds: wall time by the cores that it holds, as measured before."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from figures.pipeline.freshness import Folder
from training.runs.atomic_files import read_record, write_json

MEASURED = Path(__file__).with_name("costs.json")
"""Costs that come with the package, of every version ("full", "quick"), by task."""
UNMEASURED = {
    "full": {"training": 600.0, "drawing": 3.0, "": 20.0},
    "quick": {"training": 30.0, "drawing": 3.0, "": 6.0},
}
"""What a task is taken to cost of which nothing is known, by its name's first word; "" is any analysis."""


def expected(folder: Folder) -> Mapping[str, float]:
    """The package's costs, completed by what tasks have cost in this folder."""
    return {**_read(folder.figures / "costs.json"), **_read(MEASURED).get(_version(folder), {})}


def cost(known: Mapping[str, float], folder: Folder, task: str) -> float:
    """What a task is expected to cost."""
    guesses = UNMEASURED[_version(folder)]
    return known.get(task) or guesses.get(task.partition(" ")[0]) or guesses[""]


def record(folder: Folder, task: str, core_seconds: float) -> None:
    """Keep what a task has cost in this folder."""
    path = folder.figures / "costs.json"
    write_json(path, dict(sorted({**_read(path), task: round(core_seconds, 1)}.items())))


def training_cost(folder: Folder, recipe: str) -> float:
    """What all starts of a training have cost together."""
    starts = folder.run(recipe).provenance() or []
    return sum(start.get("seconds", 0.0) * start.get("workers", 1) for start in starts)


def publish(root: Path) -> Path:
    """Write what a folder's tasks have cost into the package, and return the file."""
    known = {version: dict(costs) for version, costs in _read(MEASURED).items()}
    for folder in (Folder(root, quick=False), Folder(root, quick=True)):
        held = known.setdefault(_version(folder), {})
        held |= _read(folder.figures / "costs.json")
        for provenance in folder.runs.glob("*/provenance.json"):
            recipe = provenance.parent.name
            if seconds := training_cost(folder, recipe):
                held[f"training {recipe}"] = round(seconds, 1)
        known[_version(folder)] = dict(sorted(held.items()))
    write_json(MEASURED, known)
    return MEASURED


def _version(folder: Folder) -> str:
    return "quick" if folder.quick else "full"


def _read(path: Path) -> dict:
    return read_record(path) or {}
