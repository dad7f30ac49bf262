"""Single fields of a recipe set by `table.field=value`."""

from __future__ import annotations

import tomllib
from typing import Any

from training.schema.plain_content import parse_toml, shown
from training.schema.validation import ConfigError, require


def override(content: dict[str, Any], setting: str) -> None:
    """Set one field in place by `table.field=value`.

    The value is TOML, or text where it is no TOML. A name with a dot is quoted: `arms."at_0.9".max_steps=10`.
    """
    key, equals, text = setting.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--set: expected FIELD=VALUE, got {shown(setting)}")
    try:
        value = parse_toml(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        try:
            value = float(text)  # TOML wants 0.7 where people write .7
        except ValueError:
            value = text.strip()
    except ValueError as error:
        raise ConfigError(f"--set {shown(key.strip())}: {error}") from None
    *tables, last = _key_parts(key.strip())
    node = content
    for table in tables:
        node = node.setdefault(table, {})
        require(isinstance(node, dict), f"--set {key.strip()}", f"{table} to be a table", node)
    node[last] = value


def _key_parts(key: str) -> list[str]:
    """Return the parts of a dotted TOML key."""
    try:
        node: Any = parse_toml(f"{key} = 0")
    except tomllib.TOMLDecodeError:
        return key.split(".")
    except ValueError as error:
        raise ConfigError(f"--set: {error}") from None
    parts: list[str] = []
    while isinstance(node, dict) and len(node) == 1:
        ((part, node),) = node.items()
        parts.append(part)
    return parts
