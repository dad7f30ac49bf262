"""Hash of all that a picture was drawn from."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from analyses.tables.origin import read_origin
from figures.drawing.figure_option import Options
from figures.drawing.figure_spec import FigureSpec, TableKey
from training.schema.code_digest import module_digest

PREFIX = "Drawn from: "
"""Begin of the last line of a caption's file, before the hash."""


def picture_origin(
    figure: FigureSpec, tables: Mapping[TableKey, Path], note: str, options: Options | None = None
) -> str:
    """Return a hash of a figure's drawing code, its tables' origins, its note and its options.

    Raises
    ------
    RunError
        If a table is missing or damaged.
    """
    origins = [read_origin(path) for path in tables.values()]
    content: list[object] = [_drawing_code(figure.module), [o and asdict(o) for o in origins], note]
    content += [changed] if (changed := figure.changed(options or {})) else []
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def arguments_of(tables: Iterable[Path]) -> dict[str, Any]:
    """Return the arguments with which some tables were made; none for full tables.

    Raises
    ------
    RunError
        If a table is missing or damaged.
    """
    arguments: dict[str, Any] = {}
    for origin in filter(None, map(read_origin, tables)):
        arguments |= {name: value for name, value in origin.arguments.items() if name != "runs"}
    return arguments


def recorded_origin(caption: Path) -> str | None:
    """Return the hash in a caption file's last line; None without one."""
    try:
        lines = caption.read_text().splitlines()
    except (FileNotFoundError, UnicodeDecodeError):
        return None
    return lines[-1].removeprefix(PREFIX) if lines and lines[-1].startswith(PREFIX) else None


@functools.cache
def _drawing_code(module: str) -> str:
    return module_digest(module, leave_out=".schema")
