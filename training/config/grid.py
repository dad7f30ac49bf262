"""Grid of a recipe: every arm for every combination of some fields' values."""

from __future__ import annotations

import copy
import dataclasses
import math
import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any

from training.config.arm import Arm
from training.config.build_recipe import CLASSES, plugin_references
from training.config.recipe import Recipe
from training.config.shorthand.dotted_fields import Content, Grid, cells, field_value, set_field
from training.config.shorthand.rounds import n_rounds
from training.optimization.parametrizations.registry import PARAMETRIZATIONS
from training.pruning.registry import METHODS, STARTS
from training.schema.plugins import load_plugins
from training.schema.validation import ConfigError, names, require

MOST_NETWORKS = 200
"""Networks of a grid that are trained without being asked for again."""
OTHER_NAMES = {"pruning.sparsity": "sparsity", "pruning.scope": "scope"}
"""Fields of an arm that a grid may name as the recipe does."""
NOT_SWEPT = ("task", "model", "optimizer", "source", "role", "plateau", "layers", "events")
"""Fields of an arm that hold tables, or that do not change what is trained."""
TAKEN_IF: dict[str, Callable[[Arm], bool]] = {
    "method": lambda arm: arm.has_method,
    "sparsity": lambda arm: arm.takes_sparsity,
    "scope": lambda arm: arm.takes_scope,
    "start": lambda arm: arm.prunes or arm.source is not None,
    "norm_scope": lambda arm: STARTS[arm.start].needs_mask,
    "source_step": lambda arm: arm.reads_weights,
    "from_step": lambda arm: arm.source is not None,
    "moments": lambda arm: arm.from_step is not None,
    "train_weights": lambda arm: arm.trains_scores,
}
"""Condition on which an arm takes a field; a field without one is taken by every arm."""
SHARED = ("sparsity", "scope")
"""Fields of an arm that are the recipe's where the arm sets none; so are those of its tables."""


def grid_fields(grid: Any) -> Iterator[tuple[str, Any]]:
    """Yield field and values of a grid; nested tables become dotted fields.

    Examples
    --------
    >>> dict(grid_fields({"optimizer.lr": [0.1], "task": {"p": [5, 7]}, "pruning.sparsity": [0.5]}))
    {'optimizer.lr': [0.1], 'task.p': [5, 7], 'sparsity': [0.5]}
    """
    require(isinstance(grid, Mapping), "grid", "a table of fields and their values", grid)
    for key, value in grid.items():
        if isinstance(value, Mapping):
            pairs = grid_fields({f"{key}.{inner}": values for inner, values in value.items()})
        else:
            pairs = iter([(OTHER_NAMES.get(key, key), value)])
        yield from pairs


def read_grid(content: Content) -> dict[str, Any]:
    """Return a file's content with its grid by field.

    Raises
    ------
    ConfigError
        If the grid is no table, or names a field twice.
    """
    if "grid" not in content:
        return dict(content)
    pairs = list(grid_fields(content["grid"]))
    fields = [field for field, _ in pairs]
    for field in fields:
        require(
            fields.count(field) == 1, f"grid.{field}", "one list of values", f"{fields.count(field)} lists"
        )
    return {**content, "grid": dict(pairs)}


def expand_grid(content: Content, most_networks: int | None = None) -> dict[str, Any]:
    """Return a recipe's content with every arm replaced by its cells of the grid.

    An arm has a cell for every combination of the fields that it takes, and of those that its source is
    split by; its source is then the source's cell with the same values. A field that an arm cannot take, as
    the sparsity of a dense arm, does not split it, and neither does one for which the arm has a value of its
    own in place of the recipe's.

    Parameters
    ----------
    most_networks : int, optional
        Number of networks above which the grid is refused; by default any number is expanded.

    Raises
    ------
    ConfigError
        If a field is not there or no arm takes it, its values are no list of different values, or there are
        too many networks.

    Examples
    --------
    >>> arms = {"dense": {}, "ticket": {"method": "magnitude", "source": "dense"}}
    >>> grid = {"optimizer.lr": [0.001, 0.01], "sparsity": [0.5]}
    >>> arms = expand_grid({"arms": arms, "grid": grid})["arms"]
    >>> list(arms)
    ['dense_lr0.001', 'dense_lr0.01', 'ticket_lr0.001_sparsity0.5', 'ticket_lr0.01_sparsity0.5']
    >>> arms["ticket_lr0.01_sparsity0.5"]["source"]
    'dense_lr0.01'
    """
    content = dict(content)
    grid = dict(grid_fields(content.pop("grid", {})))
    arms = content.get("arms")
    if not grid or not isinstance(arms, Mapping) or not all(isinstance(a, Mapping) for a in arms.values()):
        return content  # what is no arm is refused when the recipe is built
    require(len(arms) > 0, "grid", "arms to split, in [arms] or, of a base, in base_arms", "none")
    load_plugins(plugin_references(content))
    _check_values(grid)
    _check_fields(grid, content)
    taken = {
        name: [field for field in grid if _takes(arm, field, content, grid)] for name, arm in arms.items()
    }
    for field in grid:
        expected = f"a field that an arm takes and does not set itself; {names(arms)} do not"
        require(any(field in fields for fields in taken.values()), f"grid.{field}", expected, grid[field])
    axes = _axes(arms, taken, grid)
    if most_networks is not None:
        _check_number(axes, grid, content, most_networks)
    return content | {"arms": _grid_arms(arms, grid, taken, axes)}


def _grid_arms(
    arms: Content, grid: Grid, taken: Mapping[str, Sequence[str]], axes: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """Return every arm's cells, by name."""
    words = _field_words(grid)
    expanded: dict[str, Any] = {}
    for name, arm in arms.items():
        for cell in cells({field: grid[field] for field in axes[name]}):
            filled = copy.deepcopy(dict(arm))
            for field in taken[name]:
                set_field(filled, field, cell[field])
            source = arm.get("source")
            if isinstance(source, str) and source in axes:
                filled["source"] = _cell_name(source, {field: cell[field] for field in axes[source]}, words)
            cell_name = _cell_name(name, cell, words)
            require(cell_name not in expanded, "grid", "different names of arms", f"{cell_name} twice")
            expanded[cell_name] = filled
    return expanded


def _check_values(grid: Content) -> None:
    """Raise a `ConfigError` unless every field has a list of different values."""
    for field, values in grid.items():
        has_values = isinstance(values, list) and len(values) > 0
        require(has_values, f"grid.{field}", "a list of one value or more", values)
        are_different = len({_as_key(value) for value in values}) == len(values)
        require(are_different, f"grid.{field}", "different values", values)


def _as_key(value: Any) -> Hashable:
    """Return a hashable value that is equal where the values are."""
    if isinstance(value, Mapping):
        return frozenset((key, _as_key(entry)) for key, entry in value.items())
    return tuple(map(_as_key, value)) if isinstance(value, list) else value


def _check_fields(grid: Grid, content: Content) -> None:
    """Raise a `ConfigError` about the first field that no arm has."""
    fields = {field for arm in content["arms"].values() for field in _fields(arm, content, grid)}
    of_recipe = {field.name for field in dataclasses.fields(Recipe)}
    for field in grid:
        if field not in fields:
            is_of_recipe = field.partition(".")[0] in of_recipe - CLASSES.keys()
            reason = (
                "a field of the whole recipe, which arms do not have" if is_of_recipe else "unknown field"
            )
            raise ConfigError(f"grid.{field}: {reason}; expected one of {names(fields)}")


def _check_number(
    axes: Mapping[str, Sequence[str]], grid: Grid, content: Content, most_networks: int
) -> None:
    """Raise a `ConfigError` if the grid makes too many networks."""
    n_arms = sum(
        math.prod(len(grid[field]) for field in fields) * n_rounds(content["arms"][name])
        for name, fields in axes.items()
    )
    seeds = content.get("seeds", Recipe.seeds)
    n_seeds = len(seeds) if isinstance(seeds, list | tuple) else 1
    if n_arms * n_seeds > most_networks:
        raise ConfigError(
            f"grid: expected at most {most_networks:,} networks, got {n_arms * n_seeds:,} "
            f"({n_arms:,} arms, {n_seeds} seeds each); add --yes to train them all"
        )


def _axes(arms: Content, taken: Mapping[str, Sequence[str]], grid: Grid) -> dict[str, tuple[str, ...]]:
    """Return the fields that split each arm: those that it or its source takes."""
    axes: dict[str, tuple[str, ...]] = {}
    for name in arms:
        chain: dict[str, None] = {}
        node = name
        while isinstance(node, str) and node in arms and node not in axes and node not in chain:
            chain[node] = None
            node = arms[node].get("source")
        for arm in reversed(chain):
            source = arms[arm].get("source")
            of_source = axes.get(source, ()) if isinstance(source, str) else ()
            axes[arm] = tuple(field for field in grid if field in taken[arm] or field in of_source)
    return axes


def _takes(arm: Content, field: str, content: Content, grid: Grid) -> bool:
    """Return True if a grid's field changes an arm."""
    is_shared = "." in field or field in SHARED
    if field not in _fields(arm, content, grid) or (is_shared and field_value(arm, field) is not None):
        return False
    if field == "sparsity" and "prune_per_round" in arm:  # it decides the sparsity of each round
        return False
    condition = TAKEN_IF.get(field)
    others = {name: values for name, values in grid.items() if name != field}
    variants = list(_variants(arm, others))  # none if a value is no name: refused when the recipe is built
    return condition is None or not variants or any(map(condition, variants))


def _variants(arm: Content, grid: Grid) -> Iterator[Arm]:
    """Yield an arm with each method, parametrization and start that it may get."""
    defaults: dict[str, Mapping[str, Any]] = {"method": METHODS, "form": PARAMETRIZATIONS, "start": STARTS}
    values = {name: grid.get(name) or [arm.get(name, getattr(Arm, name))] for name in defaults}
    if arm.get("method", Arm.method) == Arm.method:  # a grid of methods does not split a dense arm
        values["method"] = [Arm.method]
    source = arm.get("source")
    for cell in cells(values):
        if all(isinstance(v, str) and (v in defaults[k] or v == getattr(Arm, k)) for k, v in cell.items()):
            yield Arm(**cell, source=source if isinstance(source, str) else None)


def _fields(arm: Content, content: Content, grid: Grid) -> Iterator[str]:
    """Yield the fields of an arm that a grid may name."""
    yield from (field.name for field in dataclasses.fields(Arm) if field.name not in NOT_SWEPT)
    for kind, (classes, default) in CLASSES.items():
        tables = [table.get(kind) for table in (arm, content)]
        chosen_names = [table["name"] for table in tables if isinstance(table, Mapping) and "name" in table]
        for name in grid.get(f"{kind}.name") or [*chosen_names, default][:1]:
            if isinstance(name, str) and name in classes:
                yield from (f"{kind}.{field.name}" for field in dataclasses.fields(classes[name]))


def _field_words(fields: Sequence[str] | Grid) -> dict[str, str]:
    """Return the shortest different name of each field."""
    last = {field: field.rpartition(".")[2] for field in fields}
    shared = list(last.values())
    return {field: word if shared.count(word) == 1 else field for field, word in last.items()}


def _cell_name(arm: str, cell: Content, words: Mapping[str, str]) -> str:
    """Return the name of an arm's cell, which says its values."""
    return "_".join([arm, *(f"{words[field]}{_value_text(value)}" for field, value in cell.items())])


def _value_text(value: Any) -> str:
    """Return a value in characters that a folder's name may have.

    Examples
    --------
    >>> _value_text(0.01), _value_text(1.0), _value_text([200, 200]), _value_text("x/y")
    ('0.01', '1', '-200-200', '-x-y')
    """
    if isinstance(value, list):
        return "".join(f"-{_value_text(entry).removeprefix('-')}" for entry in value)
    if isinstance(value, bool | str):
        return "-" + re.sub(r"[^\w.]", "-", str(value).lower() if isinstance(value, bool) else value)
    return repr(value).removesuffix(".0").replace("+", "")
