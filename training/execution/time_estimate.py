"""Time that a training takes, estimated before it starts.

The operations of a step give a guess. What was measured corrects it: this run's own networks, the measured
cost of the packaged recipe, or networks of the same model in other runs of the folder, in this order.

Seconds are core-seconds (wall time × workers) until the end, where they are shared out to the workers.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from training.config.recipe import Recipe
from training.config.recipe_costs import read_training_costs
from training.config.recipe_files import read_recipe, recipe_names
from training.config.settings import Setting
from training.inspection.resource_estimate import FLOAT, FOLDED, example_sizes
from training.optimization.parametrizations.registry import PARAMETRIZATIONS
from training.runs.run_directory import RunDir

OPERATIONS_PER_SECOND = 6e10
"""Of one core's matrix products, in single precision."""
BYTES_PER_SECOND = 2e10
"""Of one core's passes over arrays."""
STEP_SECONDS = 1e-4
"""Of a step's calls, whatever its sizes."""
NETWORK_SECONDS = 0.1
"""Of a network's files, whatever its steps."""
SCORES_FACTOR = 4
"""Cost of choosing weights by scores, beside the step."""
GPU_STEP_SECONDS, GPU_FASTER = 1e-3, 50
"""Seconds of a step on a GPU however small, and how many cores a full one replaces."""
GUESSED = "guessed from the operations of a step: good to a factor of about 3"
GUESSED_GPU = "guessed from the operations of a step on a GPU, not measured: good to a factor of about 10"


@dataclass(frozen=True)
class TimeNeed:
    """Seconds that a training takes on this device, and where they come from.

    Examples
    --------
    >>> TimeNeed(90.0, 5400.0, "by the measured cost of this recipe").text()
    'about 1.5 minutes, at most about 1.5 hours, by the measured cost of this recipe'
    """

    seconds: float
    """Expected wall time."""
    most: float
    """Wall time if no network ends before its `max_steps`."""
    source: str

    def text(self) -> str:
        """Return the time in words; the most only where networks may end early."""
        most = f", at most about {time_text(self.most)}" if self.most > 1.05 * self.seconds else ""
        return f"about {time_text(self.seconds)}{most}, {self.source}"


def time_text(seconds: float) -> str:
    """Return seconds for people.

    Examples
    --------
    >>> time_text(12.3), time_text(150.0), time_text(9000.0)
    ('12 seconds', '2.5 minutes', '2.5 hours')
    """
    if seconds < 90:
        return f"{max(seconds, 1):.0f} seconds"
    return f"{seconds / 60:.1f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"


def estimated_time(
    recipe: Recipe,
    run: RunDir,
    networks: Sequence[tuple[str, int]],
    *,
    device: str = "cpu",
    workers: int = 1,
    bases: Collection[str] = (),
) -> TimeNeed:
    """Return the time that training these networks takes.

    Parameters
    ----------
    networks : sequence of (str, int)
        Arm and seed of each network to be trained.
    workers : int
        Worker processes on a CPU.
    bases : collection of str
        Recipes that this one was made from.
    """
    guess = sum(network_seconds(recipe, arm) for arm, _ in networks)
    if device != "cpu":
        seconds = _gpu_seconds(recipe, networks, guess)
        return TimeNeed(seconds, seconds, GUESSED_GPU)
    share = min(workers, max(1, _independent(recipe, networks)))
    expected, most, source = _measured_factors(recipe, run, bases)
    return TimeNeed(guess * expected / share, guess * max(expected, most) / share, source)


def network_seconds(recipe: Recipe, arm: str, steps: int | None = None) -> float:
    """Return the guessed core-seconds of one network, by default of its `max_steps`."""
    settings = recipe.arms[arm]
    steps = settings.max_steps if steps is None else steps
    return NETWORK_SECONDS + steps * step_seconds(
        recipe.setting(arm), recipe.measure.eval_every, settings.form
    )


def step_seconds(setting: Setting, eval_every: int, form: str = "weights") -> float:
    """Return the guessed core-seconds of one step with its share of an evaluation."""
    n_train, n = example_sizes(setting)
    shapes = {name: shape for name, shape in setting.shapes().items() if len(shape) > 1}
    n_weights = sum(math.prod(shape) for shape in shapes.values())
    n_outputs, per_example, held = setting.task.n_outputs, n_weights, sum(s[-1] for s in shapes.values())
    by_row = 0
    if setting.model.name in FOLDED:
        hidden = next(shape[-1] for name, shape in shapes.items() if name.endswith("W_in"))
        _, *inner, _ = shapes.values()  # computed once per residue
        by_row = n_outputs * sum(math.prod(shape) for shape in inner)
        per_example, held = hidden * n_outputs, hidden + n_outputs
    examples = 3 * n_train + n / eval_every
    products = 2 * (per_example * examples + 3 * by_row)
    arrays = FLOAT * (held * 2 * examples + 10 * n_weights)
    seconds = STEP_SECONDS + products / OPERATIONS_PER_SECOND + arrays / BYTES_PER_SECOND
    return seconds * (SCORES_FACTOR if PARAMETRIZATIONS[form].trains_scores else 1)


def _gpu_seconds(recipe: Recipe, networks: Sequence[tuple[str, int]], guess: float) -> float:
    """Return the wall time on a GPU: the longest chain of steps, or all arithmetic if that takes longer."""
    arms = {arm for arm, _ in networks}
    chains = [
        sum(recipe.arms[name].max_steps for name in recipe.lineage(arm) if name in arms) for arm in arms
    ]
    return max(GPU_STEP_SECONDS * max(chains, default=0), guess / GPU_FASTER)


def _independent(recipe: Recipe, networks: Sequence[tuple[str, int]]) -> int:
    """Return the number of networks that wait for no other of them."""
    there = set(networks)
    return sum(
        not any((read, seed) in there for read in recipe.arms[arm].arms_read) for arm, seed in networks
    )


def _measured_factors(recipe: Recipe, run: RunDir, bases: Collection[str]) -> tuple[float, float, str]:
    """Return what corrects the guess (expected, without early ends), and the source in words."""
    models = {recipe.setting(arm).model.name for arm in recipe.arms}
    if (measured := _run_factors(run, models)) is not None:
        return *measured, "by the networks that this run has trained"
    if (of_recipe := _recipe_factors(recipe, bases)) is not None:
        return of_recipe
    for other in run.siblings():
        if (measured := _run_factors(other, models)) is not None:
            return *measured, f"by the networks of this model that {other.path} has trained"
    return 1.0, 1.0, GUESSED


def _recipe_factors(recipe: Recipe, bases: Collection[str]) -> tuple[float, float, str] | None:
    """Return the factors by the measured cost of the packaged recipe; None if it has none."""
    quick = recipe.note.startswith("quick:")
    costs = read_training_costs().get("quick" if quick else "full", {})
    there = [name for name in recipe_names() if name in costs]
    name = next((name for name in (recipe.name, *bases) if name in there), None)
    if name is None:  # a renamed recipe keeps its line about itself
        name = next((name for name in there if read_recipe(name)[0].about == recipe.about), None)
    if name is None:
        return None
    packaged, _ = read_recipe(name, quick=quick)
    guess = sum(network_seconds(packaged, arm) for arm in packaged.arms) * len(packaged.seeds)
    expected = costs[name] / guess
    may_end = any(arm.min_steps < arm.max_steps for arm in recipe.arms.values())
    most = max(expected, 1.0) if may_end else expected
    if _trains_as(packaged, recipe):
        return expected, most, "by the measured cost of this recipe"
    alike = all(recipe.setting(a) == packaged.setting(b) for a in recipe.arms for b in packaged.arms)
    by = "arm-steps" if alike else "arm-steps and their operations"
    return expected, most, f"by the measured cost of {name}, scaled by {by}"


def _trains_as(packaged: Recipe, recipe: Recipe) -> bool:
    """Return True if two recipes train the same networks per seed."""
    return all(
        getattr(packaged, name) == getattr(recipe, name)
        for name in ("task", "model", "optimizer", "measure", "arms")
    )


def _run_factors(run: RunDir, models: Collection[str]) -> tuple[float, float] | None:
    """Return the factors by a run's finished networks of these models on a CPU; None without any."""
    from training.inspection.run import open_run
    from training.runs.atomic_files import RunError
    from training.schema.validation import ConfigError

    try:
        entries = run.provenance()
        recipe = open_run(run.path).recipe if entries else None
        finished = {str(files): files.done() for files in run.arms()} if entries else {}
    except (RunError, ConfigError):
        return None  # a run that cannot be read tells nothing
    if recipe is None or {recipe.setting(arm).model.name for arm in recipe.arms} != set(models):
        return None
    took = steps_guess = most_guess = 0.0
    for entry in entries or ():
        records = _trained_by(entry, finished, recipe)
        if records is None:
            continue
        took += entry["seconds"] * min(entry.get("workers", 1), len(records))
        steps_guess += sum(network_seconds(recipe, arm, steps) for arm, steps in records)
        most_guess += sum(network_seconds(recipe, arm) for arm, _ in records)
    return (took / most_guess, took / steps_guess) if took and steps_guess else None


def _trained_by(
    entry: Mapping[str, Any], finished: Mapping[str, Mapping[str, Any] | None], recipe: Recipe
) -> list[tuple[str, int]] | None:
    """Return arm and steps of every network that a start on a CPU has trained; None unless all are known."""
    arms = entry.get("arms", [])
    if not arms or "seconds" not in entry or entry.get("device", "cpu") != "cpu":
        return None
    records = [(name.rpartition(" seed ")[0], finished.get(name)) for name in arms]
    trained = [(arm, record) for arm, record in records if record is not None]
    if len(trained) < len(records) or any(record.get("start") != entry.get("id") for _, record in trained):
        return None
    if any(arm not in recipe.arms for arm, _ in trained):
        return None
    return [(arm, int(record["steps"])) for arm, record in trained]
