"""Checkpoints chosen by steps and by ranges of steps: `400`, `0:5000:100`, `1000:`."""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence

from training.schema.plain_content import shown
from training.schema.validation import ConfigError

Step = int | str
"""Step, or a range of steps as text."""
FORMS = "a step, or a range START:STOP:STEP without STOP, as 400, :5000, 1000: or 0:5000:100"
"""What a step has to be, in words."""
SIGNS = 18
"""Digits of a step at most."""


def step_or_range(text: str) -> Step:
    """Return a step as a number, and a range of steps as its text.

    Raises
    ------
    ConfigError
        If it is neither, or the range has no step.

    Examples
    --------
    >>> step_or_range("400"), step_or_range("1000:")
    (400, '1000:')
    """
    text = text.strip()
    parts = text.split(":")
    is_digits = all(part.isascii() and part.isdecimal() and len(part) <= SIGNS for part in parts if part)
    if not text or not is_digits or len(parts) > 3:
        raise ConfigError(f"expected {FORMS}, got {shown(text)}")
    if len(parts) == 1:
        return int(text)
    if not len(_range(text, 10**SIGNS)):
        raise ConfigError(f"expected a range of one step or more, got {shown(text)}")
    return text


def chosen_steps(steps: Sequence[Step], saved: Collection[int]) -> tuple[int, ...]:
    """Return the steps with a checkpoint that steps and ranges name, each once.

    A range takes the checkpoints on its grid; one line on stderr says how many of its steps have none. A
    single step has to have one.

    Parameters
    ----------
    saved : collection of int
        Steps at which some network has a checkpoint.

    Raises
    ------
    ConfigError
        If a single step has no checkpoint, or no step of a range has.

    Examples
    --------
    >>> chosen_steps([0, "100:300", "200::400"], [0, 50, 100, 200, 600])
    (0, 100, 200, 600)
    """
    in_order = sorted(saved)
    chosen = dict.fromkeys(step for entry in steps for step in _steps_of(entry, in_order))
    if missing := sorted(chosen.keys() - set(in_order)):
        nearest = dict.fromkeys(str(_nearest(step, in_order)) for step in missing)
        raise ConfigError(
            f"--steps: expected steps with a checkpoint (0 to {in_order[-1]}), "
            f"got {', '.join(map(str, missing))}; nearest: {', '.join(nearest)}"
        )
    return tuple(chosen)


def _steps_of(entry: Step, saved: Sequence[int]) -> Iterator[int]:
    """Yield a single step, or the saved steps of a range."""
    if not isinstance(entry, str):
        yield entry
        return
    steps = _range(entry, saved[-1] + 1)
    with_checkpoint = [step for step in saved if step in steps]
    if not with_checkpoint:
        raise ConfigError(
            f"--steps: expected a range with a checkpoint (steps {saved[0]} to {saved[-1]}), got {entry!r}"
        )
    if steps.step > 1 and len(with_checkpoint) < len(steps):
        n_steps = f"{len(with_checkpoint):,} of its {len(steps):,} steps"
        print(f"--steps {entry}: {n_steps} have a checkpoint, and are taken", file=sys.stderr)
    yield from with_checkpoint


def _range(text: str, end: int) -> range:
    """Return a range of steps; `end` is its STOP if it has none."""
    start, stop, step = [int(part) if part else None for part in [*text.split(":"), ""][:3]]
    every = 1 if step is None else step
    return range(start or 0, end if stop is None else stop, every) if every else range(0)


def _nearest(step: int, saved: Sequence[int]) -> int:
    """Return the saved step closest to a step."""
    place = bisect_left(saved, step)
    return min(saved[max(place - 1, 0) : place + 1], key=lambda other: abs(other - step))
