"""Quick version of a recipe: one seed and few steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from training.config.arm import Arm
from training.schema.validation import require

QUICK_STEPS = 8000
"""Steps at which every arm of a quick version ends, unless the recipe sets others."""
STEP_LIMITS = ("min_steps", "max_steps")
"""Fields of an arm that the cap limits."""
UNNAMED = ("max_steps", "seeds", "arms")
"""Entries of a `[quick]` table that the note names otherwise or not at all."""


def quick_content(content: Mapping[str, Any], quick: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recipe's content with its first seed and every arm's steps capped.

    Parameters
    ----------
    content : mapping
        A whole recipe, into which `quick` is merged already.
    quick : mapping
        Its `[quick]` table. `max_steps` there is the cap of every arm; `seeds` there stay.

    Raises
    ------
    ConfigError
        If the cap is no whole number from 0.
    """
    cap = quick.get("max_steps", QUICK_STEPS)
    require(type(cap) is int and cap >= 0, "quick.max_steps", "a whole number from 0", cap)
    short = dict(content)
    short.pop("max_steps", None)
    seeds, arms = content.get("seeds", [0]), content.get("arms")
    if "seeds" not in quick and isinstance(seeds, list):
        short["seeds"] = seeds[:1]
    if isinstance(arms, Mapping):
        short["arms"] = {name: _capped(arm, cap) for name, arm in arms.items()}
    if isinstance(grid := content.get("grid"), Mapping):
        short["grid"] = {
            field: _capped_values(values, cap) if field in STEP_LIMITS else values
            for field, values in grid.items()
        }
    return short


def _capped_values(values: Any, cap: int) -> Any:
    """Return the steps that a grid lists, capped, each once."""
    if not (isinstance(values, list) and all(isinstance(value, int) for value in values)):
        return values
    return list(dict.fromkeys(min(value, cap) for value in values))


def _capped(arm: Any, cap: int) -> Any:
    """Return an arm's table with its steps capped.

    A value that is no table stays, to be refused later.
    """
    if not isinstance(arm, Mapping):
        return arm
    least, most = (arm.get(name, getattr(Arm, name)) for name in STEP_LIMITS)
    if not (isinstance(least, int) and isinstance(most, int)):
        return arm
    return {**arm, "min_steps": min(least, most, cap), "max_steps": min(most, cap)}


def quick_note(content: Mapping[str, Any], quick: Mapping[str, Any]) -> str:
    """Return a quick run's note: seeds, cap, and changed fields.

    Examples
    --------
    >>> quick = {"max_steps": 6000, "task": {"frac_train": 0.5}}
    >>> quick_note({"seeds": [0], "task": {"name": "add", "frac_train": 0.5}}, quick)
    'quick: seed 0, at most 6,000 steps, frac_train 0.5'
    """
    seeds = content["seeds"]
    parts = [f"{'seed' if len(seeds) == 1 else 'seeds'} {', '.join(map(str, seeds))}"]
    parts.append(f"at most {quick.get('max_steps', QUICK_STEPS):,} steps")
    changed = {name: value for name, value in quick.items() if name not in UNNAMED}
    parts += [f"{name} {value}" for name, value in _changed_values(changed, content)]
    return f"quick: {', '.join(parts)}"


def _changed_values(changed: Mapping[str, Any], content: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield name and final value of every field that `changed` holds."""
    for name, value in changed.items():
        if isinstance(value, Mapping):
            yield from _changed_values(value, content[name])
        else:
            yield name, content[name]
