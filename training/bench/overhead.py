"""Overhead of training beside its steps: a sweep of many arms by one worker."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from training.bench.contestants import new_engine
from training.bench.timing import Spread, ratios
from training.execution.scheduling.launching import launch

if TYPE_CHECKING:
    from training.config.recipe import Recipe
    from training.config.settings import Setting

RECIPE = "modadd_fast"
ARMS, FEW = 64, 8
STEPS = 50
"""Of every arm, with the recipe's evaluations."""
SHORT_ROUNDS = 2
"""Rounds of a short bench: a sweep is seconds long, and the load changes meanwhile."""


def sweep_overhead(
    n_arms: int = ARMS,
    few: int = FEW,
    steps: int = STEPS,
    rounds: int = 1,
    launch: Callable[..., Any] = launch,
) -> dict[str, Any]:
    """Return the time of an arm in a sweep by one worker, beside bare steps of the engine.

    A sweep of `few` arms is timed too: the difference of both is the arms' alone, without the worker's start.

    Parameters
    ----------
    launch : callable
        Trains the arms, as `launching.launch`.

    Returns
    -------
    dict
        Milliseconds: `arm in the sweep`, `arm alone` (bare engine steps and evaluations of one network after
        another), `overhead per arm`, `start`; `stacked / alone`: engine steps of all arms in one batch
        against one by one; with `spread`.
    """
    recipe, setting = _recipe(steps)
    bare, stacked, many, fewer = [], [], [], []
    for _ in range(rounds):
        bare.append(_bare_seconds(setting, recipe.measure.eval_every, n_arms, steps))
        stacked.append(_stacked_seconds(setting, recipe.measure.eval_every, n_arms, steps))
        fewer.append(_sweep_seconds(recipe, few, launch))
        many.append(_sweep_seconds(recipe, n_arms, launch))
    per_arm = [(a - b) / (n_arms - few) for a, b in zip(many, fewer, strict=True)]
    over = [a - b for a, b in zip(per_arm, bare, strict=True)]
    start = [b - few * a for a, b in zip(per_arm, fewer, strict=True)]
    ms = {"arm in the sweep": per_arm, "arm alone": bare, "overhead per arm": over, "start": start}
    spreads = {name: Spread.of([1e3 * value for value in values]) for name, values in ms.items()}
    spreads["sweep / alone"] = ratios(per_arm, bare)
    spreads["stacked / alone"] = ratios(stacked, bare)
    return {
        "recipe": recipe.name,
        "arms": n_arms,
        "steps": steps,
        **{name: spread.median for name, spread in spreads.items()},
        "spread": {name: [spread.low, spread.high] for name, spread in spreads.items()},
    }


def _recipe(steps: int) -> tuple[Recipe, Setting]:
    """Return a recipe of one dense arm of so many steps, and its setting."""
    from training.config.recipe_files import read_recipe

    recipe, _ = read_recipe(RECIPE)
    name, dense = next(iter(recipe.arms.items()))
    recipe = replace(recipe, arms={name: replace(dense, min_steps=steps, max_steps=steps)})
    return recipe, recipe.setting(name)


def _sweep_seconds(recipe: Recipe, n_arms: int, launch: Callable[..., Any]) -> float:
    """Return the seconds of training so many seeds by one worker process."""
    from training.execution.experiment import Experiment

    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        sweep = Experiment(replace(recipe, seeds=tuple(range(n_arms))), "", out=folder, launch=launch)
        sweep.train("cpu", workers=1)
        return time.perf_counter() - begun


def _bare_seconds(setting: Setting, eval_every: int, n_arms: int, steps: int) -> float:
    """Return the mean seconds of an arm trained alone, without what training adds."""
    n_timed = min(n_arms, FEW)
    return sum(_run_seconds(setting, eval_every, 1, steps) for _ in range(n_timed)) / n_timed


def _stacked_seconds(setting: Setting, eval_every: int, n_arms: int, steps: int) -> float:
    """Return the seconds per arm of all arms in one engine, over a tenth of the steps."""
    part = max(steps // 10, eval_every)
    return _run_seconds(setting, eval_every, n_arms, part) / n_arms * steps / part


def _run_seconds(setting: Setting, eval_every: int, n_arms: int, steps: int) -> float:
    """Return the seconds of steps with evaluations between them."""
    engine = new_engine(setting, "cpu", n_arms)
    engine.run(1)
    engine.evaluate()
    begun = time.perf_counter()
    for _ in range(steps // eval_every):
        engine.run(eval_every)
        engine.evaluate()
    return time.perf_counter() - begun
