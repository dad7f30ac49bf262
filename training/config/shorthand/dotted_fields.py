"""Fields of nested tables by dotted names, and combinations of their values."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Content = Mapping[str, Any]
"""Table of a recipe, as TOML has it."""
Grid = Mapping[str, Sequence[Any]]
"""Values by field."""


def field_value(table: Any, field: str) -> Any:
    """Return the value at a dotted field; None if it is not there.

    Examples
    --------
    >>> field_value({"optimizer": {"lr": 0.1}}, "optimizer.lr")
    0.1
    """
    for key in field.split("."):
        table = table.get(key) if isinstance(table, Mapping) else None
    return table


def set_field(table: dict[str, Any], field: str, value: Any) -> None:
    """Set the value at a dotted field in place."""
    *tables, last = field.split(".")
    for key in tables:
        table = table.setdefault(key, {})
    table[last] = value


def cells(values: Grid) -> Iterator[dict[str, Any]]:
    """Yield every combination of the fields' values; the last field varies fastest.

    Examples
    --------
    >>> list(cells({"p": [5, 7], "lr": [0.1]}))
    [{'p': 5, 'lr': 0.1}, {'p': 7, 'lr': 0.1}]
    """
    for combination in itertools.product(*values.values()):
        yield dict(zip(values, combination, strict=True))
