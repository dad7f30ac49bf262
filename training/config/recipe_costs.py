"""Measured training costs of the package's recipes, in core-seconds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from training.config.recipe import Recipe
from training.config.recipe_files import RECIPES
from training.runs.atomic_files import read_record, write_json

COSTS = RECIPES / "costs.json"
"""Core-seconds (wall time × cores) by version ("full", "quick") and recipe."""
CORES = 2
"""Cores of the machine that the costs were measured on."""


def read_training_costs(path: Path = COSTS) -> dict[str, dict[str, float]]:
    """Return core-seconds by version and recipe."""
    return read_record(path) or {}


def write_training_costs(costs: Mapping[str, Mapping[str, float]], path: Path = COSTS) -> None:
    """Write core-seconds by version and recipe, recipes sorted."""
    write_json(path, {version: dict(sorted(by_recipe.items())) for version, by_recipe in costs.items()})


def training_minutes(recipe: Recipe, core_seconds: float, cores: int = CORES) -> float:
    """Return the minutes that a training takes on this many cores.

    Arms that wait for no other can be trained side by side; more cores than those are of no use.
    """
    n_independent = sum(arm.source is None for arm in recipe.arms.values()) * len(recipe.seeds)
    return core_seconds / min(cores, n_independent) / 60
