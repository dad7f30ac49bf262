"""Fields in which a recipe's arms differ, with every arm's value."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from training.config.arm import Arm
from training.config.grid import NOT_SWEPT, TAKEN_IF
from training.config.recipe import Recipe
from training.schema.validation import to_dict

LENGTHS = ("min_steps", "max_steps", "settle_steps")
"""Fields of an arm that only say for how long it is trained."""
FIELDS = tuple(f.name for f in dataclasses.fields(Arm) if f.name not in (*NOT_SWEPT, *LENGTHS))
TABLES = ("task", "model", "optimizer")
"""Fields of an arm that are tables."""

Scalar = bool | int | float | str
T = TypeVar("T", bound=Hashable)


def differing_fields(recipe: Recipe) -> dict[str, dict[str, Scalar | None]]:
    """Return the values, by field and arm, of fields in which arms differ.

    Fields are named as an arm names them, as "sparsity" and "optimizer.lr". Those of an arm's length and of
    what it is made of are left out. Lists are text. None stands for a field that an arm does not take, or
    that it leaves open; arms that do not take a field do not differ from others by it.

    Examples
    --------
    >>> from training.config.recipe_files import read_recipe
    >>> differing_fields(read_recipe("modadd_fast")[0])["sparsity"]["dense"]
    0.0
    """
    return _differing({arm: dict(_fields_taken(recipe, arm)) for arm in recipe.arms})


def differing_fields_of_runs(
    runs: Mapping[str, tuple[Recipe, Sequence[str]]],
) -> dict[str, dict[tuple[str, str], Scalar | None]]:
    """Return `differing_fields` over arms of several runs, by field, and by run and arm.

    Parameters
    ----------
    runs : mapping
        Recipe and arms of each run.
    """
    return _differing(
        {(run, arm): dict(_fields_taken(recipe, arm)) for run, (recipe, arms) in runs.items() for arm in arms}
    )


def _differing(taken: Mapping[T, Mapping[str, Scalar | None]]) -> dict[str, dict[T, Scalar | None]]:
    """Return the fields that have several values, by field and arm."""
    fields = dict.fromkeys(field for values in taken.values() for field in values)
    return {
        field: {arm: values.get(field) for arm, values in taken.items()}
        for field in fields
        if len({(type(v[field]) is str, v[field]) for v in taken.values() if field in v}) > 1
    }


def _fields_taken(recipe: Recipe, name: str) -> Iterator[tuple[str, Scalar | None]]:
    """Yield the fields that an arm takes, with their values."""
    arm, setting = recipe.arms[name], recipe.setting(name)
    of_recipe = {"sparsity": recipe.sparsity(name), "scope": recipe.scope(name)}
    for field in FIELDS:
        always = field in ("method", "sparsity")  # a dense arm has none and 0
        if always or TAKEN_IF.get(field, lambda _: True)(arm):
            yield field, of_recipe.get(field, getattr(arm, field))
    for table in TABLES:
        yield from _flat(table, to_dict(getattr(setting, table)))


def _flat(name: str, value: Any) -> Iterator[tuple[str, Scalar | None]]:
    """Yield the scalars of a table, with dotted names; lists are text."""
    if isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _flat(f"{name}.{key}", entry)
    elif isinstance(value, list | tuple):
        yield name, ", ".join(map(str, value))
    else:
        yield name, value
