"""Comparison of a recipe's engine with the network as written and the floor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from training.bench.contestants import (
    WARM_UP_SECONDS,
    WARM_UP_STEPS,
    contestants,
    first_setting,
    new_engine,
    warm_up,
)
from training.bench.timing import Spread, ratios, seconds_per_step

if TYPE_CHECKING:
    from training.config.recipe import Recipe

SECONDS = 0.1
"""Time of a contestant in a round."""


def measure(
    recipe: Recipe,
    device: str,
    n_arms: int,
    rounds: int,
    *,
    seconds: float = SECONDS,
    warm_up_steps: int = WARM_UP_STEPS,
    warm_up_seconds: float = WARM_UP_SECONDS,
) -> dict[str, Any]:
    """Return milliseconds per step and arm, and their ratios.

    Returns
    -------
    dict
        Medians over rounds by name; `spread` has the quartiles of each, or the range for fewer than five
        rounds. Ratios are taken round by round.
    """
    setting = first_setting(recipe)
    engine = new_engine(setting, device, n_arms)
    warm_up(engine, warm_up_steps, warm_up_seconds)
    begun = engine.step
    took = seconds_per_step(contestants(recipe, engine), rounds, seconds, device)
    spreads = _spreads(took, recipe.measure.eval_every)
    return {
        "recipe": recipe.name,
        "model": setting.model.name,
        **{name: spread.median for name, spread in spreads.items()},
        "warm-up steps": begun,
        "rounds": rounds,
        "spread": {name: [spread.low, spread.high] for name, spread in spreads.items()},
    }


def _spreads(took: dict[str, list[float]], steps_between: int) -> dict[str, Spread]:
    """Return the spread of every time and ratio by name."""
    alone, evaluated = took["as written, step alone"], took["as written"]
    by_schedule = [
        step + (whole - step) / steps_between for step, whole in zip(alone, evaluated, strict=True)
    ]
    ms = {name: Spread.of([1e3 * value for value in values]) for name, values in took.items()}
    return {
        **{name: ms[name] for name in ("as written", "engine", "floor")},
        "as used": ratios(evaluated, took["engine"]),
        "equal evaluations": ratios(by_schedule, took["engine"]),
        "no evaluation": ratios(alone, took["engine, step alone"]),
        "engine / floor": ratios(took["engine"], took["floor"]),
    }
