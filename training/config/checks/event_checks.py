"""Checks of an arm's events, against its network, each other and the arms that they read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.optimization.events.base import Event, Target, Time
from training.schema.plain_content import shortened
from training.schema.validation import ConfigError, names

if TYPE_CHECKING:
    from training.config.recipe import Recipe


def check_event_circles(recipe: Recipe) -> None:
    """Check that no arm needs itself, by its sources and by the arms that events read."""
    done: set[str] = set()
    for name in recipe.arms:
        path: dict[str, None] = {}
        waiting: list[tuple[str, bool]] = [(name, False)]
        while waiting:
            node, is_left = waiting.pop()
            if is_left:
                del path[node]
                done.add(node)
                continue
            if node in path:
                circle = [*list(path)[list(path).index(node) :], node]
                raise ConfigError(
                    f"arms.{name}.events: {shortened(' → '.join(reversed(circle)), 500)} is a circle; "
                    "expected arms that do not need this one"
                )
            if node in done:
                continue
            path[node] = None
            waiting.append((node, True))
            waiting += [(read, False) for read in recipe.arms[node].arms_read if read in recipe.arms]


def check_events(recipe: Recipe, name: str) -> None:
    """Raise a `ConfigError` about the first event of an arm that cannot be."""
    arm, target = recipe.arms[name], event_target(recipe, name)
    for i, event in enumerate(arm.events):
        try:
            for read in event.arms_read():
                if read == name or read not in recipe.arms:
                    raise ConfigError(
                        f"expected arms that are there, as {names({*recipe.arms} - {name})}, got {read!r}"
                    )
            event.check(target, {read: event_target(recipe, read) for read in event.arms_read()})
        except ConfigError as error:
            raise ConfigError(f"arms.{name}.events[{i}] ({event.name}): {error}") from None
        for j, earlier in enumerate(arm.events[:i]):
            _check_pair(f"arms.{name}.events", (j, earlier), (i, event), target)


def event_target(recipe: Recipe, name: str) -> Target:
    """Return what events are checked against."""
    arm, setting = recipe.arms[name], recipe.setting(name)
    task = setting.task
    p = getattr(task, "p", None)
    is_modular = task.gives == "tokens" and isinstance(p, int) and task.n_inputs == task.n_outputs == p
    return Target(
        shapes=setting.shapes(),
        residues=p if is_modular else None,
        form=arm.form,
        has_mask=arm.prunes,
        optimizer=setting.optimizer,
        saves=lambda step: recipe.is_checkpoint(name, step),
    )


def event_notes(recipe: Recipe) -> list[str]:
    """Return a line per event that does not act, or that acts between two evaluations."""
    every, notes = recipe.measure.eval_every, []
    for name, arm in recipe.arms.items():
        for i, event in enumerate(arm.events):
            where = f"arms.{name}.events[{i}] ({event.name})"
            if not isinstance(event.at, int):
                continue
            if event.at >= arm.max_steps:
                notes.append(
                    f"{where} does not act: the arm ends at step {arm.max_steps}, before or at {event.at}."
                )
            elif event.at % every:
                first = min(arm.max_steps, (event.at // every + 1) * every)
                shown = f"step {first} is the first to show it"
                notes.append(f"{where} acts after update {event.at}, between evaluations; {shown}.")
    return notes


def _check_pair(where: str, one: tuple[int, Event], other: tuple[int, Event], target: Target) -> None:
    """Raise a `ConfigError` if two events contradict while both act."""
    (i, first), (j, second) = one, other
    if _ends_before(first, second) or _ends_before(second, first):
        return
    for claim in first.claims(target):
        for against in second.claims(target):
            if claim.contradicts(against):
                raise ConfigError(
                    f"{where}: [{i}] ({first.name}) and [{j}] ({second.name}) both decide {claim.thing} at a "
                    "time; expected one event to end, by until, before the other begins"
                )


def _ends_before(one: Event, other: Event) -> bool:
    """Return True if an event certainly ends before another begins."""
    if one.is_momentary:
        return isinstance(one.at, int) and isinstance(other.at, int) and one.at < other.at
    if one.lasts is not None and isinstance(one.at, int):
        return _is_at_most((one.at + one.lasts, None), (other.at, other.of))
    if one.until is None:
        return False
    return _is_at_most((one.until, one.of), (other.at, other.of))


def _is_at_most(one: tuple[Time, str | None], other: tuple[Time, str | None]) -> bool:
    """Return True if a time is certainly not after another."""
    (time, _), (later, _) = one, other
    if isinstance(time, int) and isinstance(later, int):
        return time <= later
    return one == other
