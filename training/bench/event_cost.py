"""Cost of events: steps with an event that acts after every update, against steps without."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from training.bench.contestants import first_setting
from training.bench.timing import Contestant, digits, ratios, seconds_per_step
from training.config.checks.event_checks import event_target
from training.config.recipe import Recipe
from training.optimization.engine import Engine
from training.optimization.events.base import ArmInputs, Event
from training.optimization.events.freeze import Freeze
from training.optimization.events.prune import Prune
from training.optimization.events.remove_frequencies import RemoveFrequencies
from training.optimization.events.residue_weights import residue_axes
from training.optimization.events.slot_events import SlotEvents

N_REMOVED = 5
"""Frequencies that are removed: about as many as a network uses."""


def event_cost(recipe: Recipe, rounds: int, seconds: float, device: str = "cpu") -> list[dict[str, Any]]:
    """Return a row per event: milliseconds of a step, and the ratio to a step without, round by round."""
    steps = recipe.measure.eval_every
    contestants = {
        name: Contestant(_steps_with(recipe, events, device, steps), steps)
        for name, events in _events_of(recipe).items()
    }
    measured = seconds_per_step(contestants, rounds, seconds, device)
    plain = measured["no event"]
    rows = []
    for name, taken in measured.items():
        ratio = ratios(taken, plain)
        milliseconds = digits(1e3 * sorted(taken)[len(taken) // 2])
        rows.append(
            {"recipe": recipe.name, "event": name, "ms": milliseconds, "ratio": f"{ratio.median:.3f}"}
        )
        rows[-1]["quartiles"] = f"{ratio.low:.3f}–{ratio.high:.3f}"
    return rows


def _events_of(recipe: Recipe) -> dict[str, list[Event]]:
    """Return the events to time, by name; frequencies only of a task on residues."""
    target = event_target(recipe, next(iter(recipe.arms)))
    events: dict[str, list[Event]] = {
        "no event": [],
        "freeze the first matrix": [Freeze(at=0, weights=(next(iter(target.shapes)),))],
        "freeze all": [Freeze(at=0)],
        "prune": [Prune(at=0, method="magnitude")],
    }
    if target.residues is not None:
        frequencies = tuple(range(1, min(N_REMOVED, (target.residues - 1) // 2) + 1))
        for names in (axes := list(residue_axes(target.shapes, target.residues)))[:1], axes:
            removal = RemoveFrequencies(at=0, weights=tuple(names), frequencies=frequencies)
            events[f"remove {len(frequencies)} frequencies of {' and '.join(names)}"] = [removal]
    return events


def _steps_with(recipe: Recipe, events: Sequence[Event], device: str, steps: int) -> Callable[[], object]:
    """Return the call that trains an arm with events for some steps."""
    setting = first_setting(recipe)
    start = setting.initial_weights(recipe.seeds[0])
    engine = Engine(setting.model, setting.optimizer, setting.examples(), [start], [None], device)
    if events:
        inputs = _Inputs(recipe)
        engine.put_events(0, SlotEvents(tuple(events), setting.optimizer, inputs, {}))
    return lambda: engine.run(steps)


class _Inputs(ArmInputs):
    """Inputs of events that read no other arm."""

    def __init__(self, recipe: Recipe):
        self.target, self.own_mask = event_target(recipe, next(iter(recipe.arms))), None
        self.seed = recipe.seeds[0]

    def mask(self, arm: str) -> Any:
        raise KeyError(arm)

    def weights(self, arm: str, step: int | None = None) -> Any:
        raise KeyError(arm)

    def pruned(self, method: str, weights: Any, sparsity: float | None, scope: str | None) -> Any:
        return {name: abs(w) >= abs(w).mean() for name, w in weights.items()}
