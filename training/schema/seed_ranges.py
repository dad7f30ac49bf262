"""Seeds as numbers and as ranges: `3`, `0:20`, `0:20:2`."""

from __future__ import annotations

from typing import Any

from training.schema.plain_content import shown
from training.schema.validation import ConfigError

MOST_SEEDS = 10_000
"""Seeds that one range stands for at most."""
FORMS = "a whole number, or a range START:STOP or START:STOP:STEP without STOP, as 0:20"
"""What a seed has to be, in words."""


def seed_range(text: str, where: str = "seeds") -> list[int]:
    """Return the seeds that a number or a range names.

    `STOP` is not part of a range, as in Python: `0:20` is twenty seeds.

    Parameters
    ----------
    where : str
        Name of the setting in errors.

    Raises
    ------
    ConfigError
        If it is neither, or names no seed, or more than 10,000.

    Examples
    --------
    >>> seed_range("3"), seed_range("0:3"), seed_range("10:20:4")
    ([3], [0, 1, 2], [10, 14, 18])
    """
    parts = text.strip().split(":")
    is_number = all(part.isascii() and part.isdecimal() and len(part) < 19 for part in parts)
    if not is_number or len(parts) > 3:
        raise ConfigError(f"{where}: expected {FORMS}, got {shown(text)}")
    numbers = [int(part) for part in parts]
    if len(numbers) == 1:
        return numbers
    if len(numbers) == 3 and numbers[2] == 0:
        raise ConfigError(f"{where}: expected a step from 1, got {shown(text)}")
    seeds = range(*numbers)
    if not 0 < len(seeds) <= MOST_SEEDS:
        raise ConfigError(f"{where}: expected a range of 1 to {MOST_SEEDS:,} seeds, got {shown(text)}")
    return list(seeds)


def expanded_seeds(seeds: Any) -> Any:
    """Return a recipe's seeds with every range replaced by its numbers.

    Other values stay, to be refused when the recipe is built.

    Examples
    --------
    >>> expanded_seeds([7, "0:3"]), expanded_seeds("4:6"), expanded_seeds([0, 1])
    ([7, 0, 1, 2], [4, 5], [0, 1])
    """
    if isinstance(seeds, str):
        return [number for part in seeds.replace(",", " ").split() for number in seed_range(part)] or seeds
    if not isinstance(seeds, list | tuple) or not any(isinstance(seed, str) for seed in seeds):
        return seeds
    return [number for seed in seeds for number in (seed_range(seed) if isinstance(seed, str) else [seed])]
