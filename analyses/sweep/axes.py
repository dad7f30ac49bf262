"""Fields that a sweep varies, and families of arms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from analyses.tables.labels import arm_label
from training.config.arm_differences import Scalar, differing_fields
from training.config.recipe import Recipe
from training.runs.atomic_files import RunError
from training.schema.validation import ConfigError, names

KINDS = ("method", "start", "form")
"""Fields that say what an arm is; arms that differ in one are other families."""
PLAIN = ("none", "rewind", "weights")
"""Values of these fields that go without saying."""


@dataclass(frozen=True)
class Axes:
    """Swept fields, by their place in the map, and the family of each arm."""

    x: str
    y: str | None
    panels: tuple[str, ...]
    """Fields of which each combination of values has a panel."""
    families: dict[str, str]
    """Words by arm."""
    values: dict[str, dict[str, Scalar | None]]
    """Value of each swept field, by field and arm."""

    @property
    def fields(self) -> list[str]:
        """Swept fields, that of the x axis first."""
        return [self.x, *([] if self.y is None else [self.y]), *self.panels]


def choose_axes(recipe: Recipe, arms: Sequence[str], x: str | None = None, y: str | None = None) -> Axes:
    """Return the axes of a sweep.

    By default, settings of the optimizer come first, then numbers, then text.

    Parameters
    ----------
    x, y : str, optional
        Fields of the axes.

    Raises
    ------
    RunError
        If arms of one kind differ in no field.
    ConfigError
        If `x` or `y` is no field in which they differ, or both are one field.
    """
    differing = differing_fields(recipe)
    kinds = {arm: (recipe.role(arm), *(getattr(recipe.arms[arm], kind) for kind in KINDS)) for arm in arms}
    swept = {
        field: values
        for field, values in differing.items()
        if field not in KINDS and any(len(set(group)) > 1 for group in _by_kind(kinds, values))
    }
    if not swept:
        raise RunError(
            f"{recipe.name}: expected arms of one kind that differ in a field, got none; a [grid] in the "
            "recipe makes such arms ('python -m training list fields' lists fields)"
        )
    for option, field in (("--x", x), ("--y", y)):
        if field is not None and field not in swept:
            raise ConfigError(f"{option}: expected one of {names(swept)}, got {field}")
    if x is not None and x == y:
        raise ConfigError(f"--y: expected another field than --x, got {y} for both")
    order = sorted(swept, key=lambda field: (not field.startswith("optimizer."), _has_text(swept[field])))
    rest = [field for field in order if field not in (x, y)]
    x = x or rest.pop(0)
    y = y or (rest.pop(0) if rest else None)
    return Axes(x, y, tuple(rest), _families(kinds, swept), swept)


def _by_kind(
    kinds: dict[str, tuple[str, ...]], values: dict[str, Scalar | None]
) -> list[list[Scalar | None]]:
    groups: dict[tuple[str, ...], list[Scalar | None]] = {}
    for arm, kind in kinds.items():
        groups.setdefault(kind, []).append(values[arm])
    return list(groups.values())


def _has_text(values: dict[str, Scalar | None]) -> bool:
    return any(isinstance(value, str) for value in values.values())


def _families(
    kinds: dict[str, tuple[str, ...]], swept: dict[str, dict[str, Scalar | None]]
) -> dict[str, str]:
    """Return words for each arm's family: its role, else what tells it apart.

    Arms that even so share every swept value are families of their own.
    """
    n_kinds = Counter(kind[0] for kind in set(kinds.values()))
    families = {}
    for arm, (role, *parts) in kinds.items():
        words = ", ".join(part for part in parts if part not in PLAIN)
        families[arm] = f"{role} ({words})" if n_kinds[role] > 1 and words else role
    places = {arm: (family, *(swept[field][arm] for field in swept)) for arm, family in families.items()}
    count = Counter(places.values())
    return {arm: arm_label(arm) if count[places[arm]] > 1 else families[arm] for arm in families}
