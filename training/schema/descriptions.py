"""Descriptions taken from docstrings."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import textwrap
from pathlib import Path
from typing import Any


def first_line(described: Any) -> str:
    """Return a docstring's first line without its final dot.

    Examples
    --------
    >>> first_line(first_line)
    "Return a docstring's first line without its final dot"
    """
    return _first_line(inspect.getdoc(getattr(described, "func", described)))


def first_line_of_source(path: str) -> str:
    """Return a class's first docstring line, by `"module:class"`, without import."""
    module, _, name = path.partition(":")
    spec = importlib.util.find_spec(module)
    assert spec is not None and spec.origin is not None
    for node in ast.parse(Path(spec.origin).read_text()).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return _first_line(ast.get_docstring(node))
    raise AssertionError(f"{path}: no such class")


def field_descriptions(cls: type) -> dict[str, str]:
    """Return the docstrings of a dataclass's fields, inherited ones included."""
    descriptions: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if base.__module__ == "builtins" or "__annotations__" not in vars(base):
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(base))).body[0]
        assert isinstance(body, ast.ClassDef)
        for field, after in zip(body.body, body.body[1:], strict=False):
            is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and is_text:
                descriptions[field.target.id] = inspect.cleandoc(after.value.value)  # type: ignore[attr-defined]
    return descriptions


def _first_line(docstring: str | None) -> str:
    return (docstring or "").partition("\n")[0].removesuffix(".")
