"""Plain values as TOML."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from training.schema.plain_content import shown
from training.schema.validation import ConfigError, require

Overrides = Mapping[str, Any] | Sequence[str]
"""Values by field, or `field=value` texts."""
BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def toml_value(value: Any, where: str = "value") -> str:
    """Return a plain value as TOML text, tables on one line.

    Fields that are None are left out of tables, as TOML has no such value.

    Parameters
    ----------
    where : str
        Name of the value in errors.

    Raises
    ------
    ConfigError
        If it is no text, number, truth value, list or table.

    Examples
    --------
    >>> toml_value({"name": "add", "p": 67, "pairs": None, "seeds": [0, 1]})
    '{name = "add", p = 67, seeds = [0, 1]}'
    """
    if hasattr(value, "item") and getattr(value, "ndim", 0) == 0:  # a NumPy number
        value = value.item()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else str(value)
    if isinstance(value, list | tuple | range):
        return f"[{', '.join(toml_value(entry, where) for entry in value)}]"
    if isinstance(value, Mapping):
        fields = [
            f"{_key(name)} = {toml_value(entry, f'{where}.{name}')}"
            for name, entry in value.items()
            if entry is not None
        ]
        return f"{{{', '.join(fields)}}}"
    raise ConfigError(f"{where}: expected a text, number, truth value, list or table, got {shown(value)}")


def toml_document(content: Mapping[str, Any]) -> str:
    """Return nested plain values as the text of a TOML file.

    Fields that are None are left out, as TOML has no such value.

    Examples
    --------
    >>> print(toml_document({"name": "mine", "task": {"p": 67}, "arms": {"at_0.9": {"sparsity": 0.9}}}))
    name = "mine"
    <BLANKLINE>
    [task]
    p = 67
    <BLANKLINE>
    [arms."at_0.9"]
    sparsity = 0.9
    <BLANKLINE>
    """
    return "\n".join([*_table_lines(content), ""]).lstrip("\n")


def _table_lines(content: Mapping[str, Any], path: tuple[str, ...] = ()) -> list[str]:
    """Return the lines of a table and of the tables in it, each with its header."""
    tables = {name: value for name, value in content.items() if isinstance(value, Mapping)}
    lines = [
        f"{_key(name)} = {toml_value(value, '.'.join([*path, name]))}"
        for name, value in content.items()
        if value is not None and name not in tables
    ]
    if path and (lines or not tables):  # a table of tables needs no header of its own
        lines = ["", f"[{'.'.join(map(_key, path))}]", *lines]
    for name, table in tables.items():
        lines += _table_lines(table, (*path, name))
    return lines


def override_texts(overrides: Overrides) -> list[str]:
    """Return changes of fields as `field=value` texts.

    Examples
    --------
    >>> override_texts({"pruning.sparsity": 0.7})
    ['pruning.sparsity=0.7']
    """
    if isinstance(overrides, Mapping):
        return [f"{field}={toml_value(value, field)}" for field, value in overrides.items()]
    is_list = not isinstance(overrides, str) and all(isinstance(text, str) for text in overrides)
    require(is_list, "overrides", "a mapping of fields to values, or a list of field=value texts", overrides)
    return list(overrides)


def _key(name: str) -> str:
    return name if BARE_KEY.fullmatch(name) else toml_value(name)
