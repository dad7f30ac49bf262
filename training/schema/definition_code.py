"""Code of one registered definition in a plug-in's file."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from training.schema.code_digest import canonical_text, imported_modules, source_file
from training.schema.registry import Origin


@dataclass(frozen=True)
class Definition:
    """Code of one registered definition."""

    text: str
    """Registering statement and all of its file that it refers to, without comments, docstrings, layout."""
    modules: tuple[str, ...]
    """Modules of the project and of plug-ins that these statements import."""


def definition_of(origin: Origin) -> Definition | None:
    """Return the code of a registered definition; None for code without a file.

    Of the file, only statements that the registering one refers to count, directly or through others, so that
    a figure edited in the same file changes nothing.

    Parameters
    ----------
    origin : Origin
        Place of the registration (`Registry.place`).
    """
    path = Path(getattr(sys.modules.get(origin.module), "__file__", None) or "")
    if not path.is_file() or not origin.line:
        return None
    statements = ast.parse(path.read_bytes()).body
    first = [
        n for n, node in enumerate(statements) if _first_line(node) <= origin.line <= (node.end_lineno or 0)
    ]
    chosen = [statements[n] for n in sorted(_needed(statements, first))]
    package = origin.module if path.name == "__init__.py" else origin.module.rpartition(".")[0]
    modules = [
        module
        for module in imported_modules(chosen, package)
        if module != origin.module and source_file(module) is not None
    ]
    return Definition(canonical_text(chosen), tuple(sorted(modules)))


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
