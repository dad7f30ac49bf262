"""Expected cost of every task in core-seconds: wall time × cores, as measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from figures.pipeline.freshness import Folder
from training.config import recipe_costs
from training.runs.atomic_files import read_record, write_json

MEASURED = Path(__file__).with_name("costs.json")
"""Costs of analyses and drawings that come with the package, by version ("full", "quick") and task."""
TRAININGS = recipe_costs.COSTS
"""Costs of trainings that come with the package, by version and recipe."""
GUESSES = {
    "full": {"training": 600.0, "drawing": 3.0, "": 20.0},
    "quick": {"training": 30.0, "drawing": 3.0, "": 6.0},
}
"""Cost of a task that was never measured, by the first word of its name; "" is any analysis."""


def expected_costs(folder: Folder) -> Mapping[str, float]:
    """Return measured costs by task, the package's before this folder's."""
    version = _version(folder)
    trainings = recipe_costs.read_training_costs(TRAININGS).get(version, {})
    return {
        **_read(folder.figures / "costs.json"),
        **_read(MEASURED).get(version, {}),
        **{f"training {recipe}": cost for recipe, cost in trainings.items()},
    }


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
    return sum(
        start.get("core_seconds", start.get("seconds", 0.0) * start.get("workers", 1)) for start in starts
    )


def publish(root: Path) -> Path:
    """Write a folder's costs into the package; return the file of drawings."""
    by_version = {version: dict(costs) for version, costs in _read(MEASURED).items()}
    trainings = recipe_costs.read_training_costs(TRAININGS)
    for folder in (Folder(root, quick=False), Folder(root, quick=True)):
        costs = _read(folder.figures / "costs.json")
        others = {task: cost for task, cost in costs.items() if not task.startswith("training ")}
        version = _version(folder)
        by_version[version] = dict(sorted({**by_version.get(version, {}), **others}.items()))
        for provenance in folder.runs.glob("*/provenance.json"):
            recipe = provenance.parent.name
            if seconds := training_cost(folder, recipe):
                trainings.setdefault(version, {})[recipe] = round(seconds, 1)
    write_json(MEASURED, by_version)
    recipe_costs.write_training_costs(trainings, TRAININGS)
    return MEASURED


def _version(folder: Folder) -> str:
    return "quick" if folder.quick else "full"


def _read(path: Path) -> dict:
    return read_record(path) or {}
