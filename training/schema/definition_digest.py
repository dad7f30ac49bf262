"""Hash of one registered definition in a plug-in's file."""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

from training.schema.code_digest import PLUGIN_FOLDERS, canonical_text, code_digest, imported_modules
from training.schema.registry import Origin

UNKNOWN_CODE = "unknown"
"""Digest of code that no file holds."""


def definition_digest(origin: Origin) -> str:
    """Return a hash of a registering statement and all that it refers to.

    Comments, docstrings and layout do not count. Of the file, only statements that the registering one refers
    to count, directly or through others, so that a figure edited in the same file changes nothing. Modules of
    plug-ins that these statements import count as a whole; the project's own code does not.

    Parameters
    ----------
    origin : Origin
        Place of the registration (`Registry.place`).

    Returns
    -------
    str
        16 hex digits; `UNKNOWN_CODE` for code without a file, as a notebook's.
    """
    path = Path(getattr(sys.modules.get(origin.module), "__file__", None) or "")
    if not path.is_file() or not origin.line:
        return UNKNOWN_CODE
    statements = ast.parse(path.read_bytes()).body
    first = [
        n for n, node in enumerate(statements) if _first_line(node) <= origin.line <= (node.end_lineno or 0)
    ]
    chosen = [statements[n] for n in sorted(_needed(statements, first))]
    package = origin.module if path.name == "__init__.py" else origin.module.rpartition(".")[0]
    modules = {
        module
        for module in imported_modules(chosen, package)
        if module.partition(".")[0] in PLUGIN_FOLDERS and module != origin.module
    }
    text = canonical_text(chosen) + "".join(
        code_digest([module], within=PLUGIN_FOLDERS) for module in sorted(modules)
    )
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _needed(statements: list[ast.stmt], first: list[int]) -> set[int]:
    """Return the statements that some refer to, and these themselves."""
    binding: dict[str, list[int]] = {}
    for n, statement in enumerate(statements):
        for name in _bound_names(statement):
            binding.setdefault(name, []).append(n)
    needed, pending = set(first), list(first)
    while pending:
        read = {node.id for node in ast.walk(statements[pending.pop()]) if isinstance(node, ast.Name)}
        more = {n for name in read for n in binding.get(name, ())} - needed
        needed |= more
        pending += more
    return needed


def _bound_names(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that a top-level statement binds in its module."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield statement.name
        return
    for node in ast.walk(statement):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((alias.asname or alias.name.partition(".")[0]) for alias in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def _first_line(statement: ast.stmt) -> int:
    """Return a statement's first line, decorators included."""
    decorators = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)])
