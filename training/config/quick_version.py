"""The quick version of a recipe: one seed, steps capped, and whatever else its `[quick]` table says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from training.config.arm import Arm
from training.schema.validation import require

STEPS = 8000
"""No arm of a quick version trains for longer, unless the recipe says so."""
OWN = ("max_steps", "seeds", "arms")
"""What a `[quick]` table may hold that is no single field to be named in the note."""


def shortened(content: Mapping[str, Any], quick: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe's content with its first seed, unless `quick` chose seeds, and with every arm's steps capped.

    Parameters
    ----------
    content : mapping
        A whole recipe, into which `quick` is merged already.
    quick : mapping
        Its `[quick]` table. `max_steps` there is the cap of every arm's.

    Raises
    ------
    ConfigError
        If the cap is no whole number from 0.
    """
    cap = quick.get("max_steps", STEPS)
    require(type(cap) is int and cap >= 0, "quick.max_steps", "a whole number from 0", cap)
    short = dict(content)
    short.pop("max_steps", None)
    seeds, arms = content.get("seeds", [0]), content.get("arms")
    if "seeds" not in quick and isinstance(seeds, list):
        short["seeds"] = seeds[:1]
    if isinstance(arms, Mapping):
        short["arms"] = {name: _capped(arm, cap) for name, arm in arms.items()}
    return short


def _capped(arm: Any, cap: int) -> Any:
    if not isinstance(arm, Mapping):
        return arm
    least, most = (arm.get(name, getattr(Arm, name)) for name in ("min_steps", "max_steps"))
    if not (isinstance(least, int) and isinstance(most, int)):
        return arm
    return {**arm, "min_steps": min(least, most, cap), "max_steps": min(most, cap)}


def note_of(content: Mapping[str, Any], quick: Mapping[str, Any]) -> str:
    """What every figure of a quick run says of it: seeds, cap, and the fields that the table changed.

    Examples
    --------
    >>> quick = {"max_steps": 6000, "task": {"frac_train": 0.5}}
    >>> note_of({"seeds": [0], "task": {"name": "add", "frac_train": 0.5}}, quick)
    'quick: seed 0, at most 6,000 steps, frac_train 0.5'
    """
    seeds = content["seeds"]
    words = [f"{'seed' if len(seeds) == 1 else 'seeds'} {', '.join(map(str, seeds))}"]
    words.append(f"at most {quick.get('max_steps', STEPS):,} steps")
    fields = {name: part for name, part in quick.items() if name not in OWN}
    words += [f"{name} {value}" for name, value in _leaves(fields, content)]
    return f"quick: {', '.join(words)}"


def _leaves(said: Mapping[str, Any], content: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Name and value, as the content has it in the end, of every field that `said` holds."""
    for name, part in said.items():
        if isinstance(part, Mapping):
            yield from _leaves(part, content[name])
        else:
            yield name, content[name]
