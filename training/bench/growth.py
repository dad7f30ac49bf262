"""Growth of times with size: exponents fitted on log–log axes."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.bench.contestants import STEPS_ALONE, new_engine, warm_up
from training.bench.timing import Contestant, seconds_per_step, timed

if TYPE_CHECKING:
    from training.config.recipe import Recipe
    from training.config.settings import Setting

RESIDUES = (31, 43, 61, 89)
"""Moduli p; every one is odd, as the papers' are."""
WIDTHS = (0.5, 1.0, 2.0, 4.0)
"""Factors of the neurons of a hidden layer."""
ARMS = (1, 2, 4, 8)
CHECKPOINTS = (25, 50, 100, 200)
WARM_UP = 20
"""Steps before a size is timed."""


def exponent(sizes: Sequence[float], times: Sequence[float]) -> dict[str, float]:
    """Return the slope of log time over log size, with its 95 % interval.

    The interval is Student's, from the residuals of the line: a curve that is no power widens it.

    Examples
    --------
    >>> fit = exponent([1.0, 2.0, 4.0, 8.0], [3.0, 12.0, 48.0, 192.0])
    >>> round(fit["exponent"], 6), round(fit["low"], 6), round(fit["high"], 6)
    (2.0, 2.0, 2.0)
    """
    from scipy import stats

    fit = stats.linregress([math.log(size) for size in sizes], [math.log(t) for t in times])
    half = float(stats.t.ppf(0.975, len(sizes) - 2) * fit.stderr)
    slope = float(fit.slope)
    return {"exponent": slope, "low": slope - half, "high": slope + half}


def growth(
    recipe: Recipe, setting: Setting, device: str, rounds: int, seconds: float
) -> list[dict[str, Any]]:
    """Return an exponent per quantity of one model: a row each.

    The step is the engine's, without evaluations. Quantities that a task or model does not have are left out.
    """
    rows = []
    for quantity, settings in sizes_of(setting).items():
        contestants = {size: _steps(varied, device, 1) for size, varied in settings.items()}
        rows.append(_row(recipe, setting, quantity, "a step", contestants, rounds, seconds, device))
    by_arms = {float(n): _steps(setting, device, n) for n in ARMS}
    rows.append(_row(recipe, setting, "arms", "a step of all arms", by_arms, rounds, seconds, device))
    return [*rows, *_checkpoint_rows(recipe, setting, rounds)]


def sizes_of(setting: Setting) -> dict[str, dict[float, Setting]]:
    """Return settings by quantity and size."""
    sizes: dict[str, dict[float, Setting]] = {}
    if setting.task.gives == "tokens":
        _, fixed = _wider(setting, 1.0)  # a width by default may follow p
        sizes["p"] = {float(p): replace(fixed, task=replace(setting.task, p=p)) for p in RESIDUES}  # type: ignore[call-arg]
    sizes["width"] = dict(_wider(setting, factor) for factor in WIDTHS)
    return sizes


def _wider(setting: Setting, factor: float) -> tuple[float, Setting]:
    """Return the neurons of a hidden layer times a factor, and the setting that has them."""
    model: Any = setting.model
    if hasattr(model, "widths"):
        widths = tuple(round(width * factor) for width in model.widths)
        return float(max(widths)), replace(setting, model=replace(model, widths=widths))
    shapes = setting.shapes()
    d_mlp = next(shape[-1] for name, shape in shapes.items() if name.endswith("W_in"))
    return float(round(d_mlp * factor)), replace(setting, model=replace(model, d_mlp=round(d_mlp * factor)))


def _steps(setting: Setting, device: str, n_arms: int) -> Contestant:
    engine = new_engine(setting, device, n_arms)
    warm_up(engine, WARM_UP, 1.0)
    return Contestant(lambda: engine.run(STEPS_ALONE), STEPS_ALONE)


def _row(
    recipe: Recipe,
    setting: Setting,
    quantity: str,
    of: str,
    contestants: Mapping[float, Contestant],
    rounds: int,
    seconds: float,
    device: str,
) -> dict[str, Any]:
    named = {str(size): contestant for size, contestant in contestants.items()}
    took = seconds_per_step(named, rounds, seconds, device)
    return _fitted(recipe, setting, quantity, of, {size: took[str(size)] for size in contestants})


def _fitted(
    recipe: Recipe, setting: Setting, quantity: str, of: str, took: Mapping[float, Sequence[float]]
) -> dict[str, Any]:
    """Return a row with the exponent over all rounds of all sizes."""
    points = [(size, value) for size, values in took.items() for value in values]
    about = {"recipe": recipe.name, "model": setting.model.name, "time of": of, "grows with": quantity}
    return about | {"sizes": list(took), **exponent(*zip(*points, strict=True))}


def _checkpoint_rows(recipe: Recipe, setting: Setting, rounds: int) -> list[dict[str, Any]]:
    """Return the exponents of writing and of reading checkpoints."""
    import numpy as np

    from training.runs.arm_directory import ArmDir

    weights = {name: w.numpy() for name, w in setting.initial_weights(0).items()}
    took: dict[str, dict[float, list[float]]] = {"writing": {}, "reading": {}}
    with tempfile.TemporaryDirectory() as folder:
        for n in CHECKPOINTS:
            files, steps = ArmDir(Path(folder), "dense", n), np.arange(n)
            stacked = {name: np.repeat(w[None], n, axis=0) for name, w in weights.items()}
            calls: dict[str, Callable[[], object]] = {
                "writing": partial(files.write_checkpoints, steps, stacked),
                "reading": files.checkpoints,
            }
            for name, call in calls.items():
                call()
                took[name][float(n)] = [timed(call, 0.0) for _ in range(rounds)]
    return [_fitted(recipe, setting, "checkpoints", name, by_size) for name, by_size in took.items()]
