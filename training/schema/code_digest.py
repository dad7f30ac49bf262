"""Hash of the code that modules and their imports run."""

from __future__ import annotations

import ast
import functools
import hashlib
import os
import sys
from collections.abc import Container, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
"""Folder of the packages."""
PACKAGES = ("interp", "training", "analyses", "figures")
PLUGIN_FOLDERS: dict[str, Path] = {}
"""By top-level module of a loaded plug-in, the folder that holds it."""
READER = b"1"
"""Version of the canonical text: raised when `_Reader` changes, so that remembered hashes are not used."""
UNUSED_FIELDS = frozenset({"ctx", "kind", "type_comment"})
"""Fields of syntax trees that say nothing of what the code does."""
HAVE_DOCSTRING = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def code_digest(
    modules: Iterable[str],
    root: Path = ROOT,
    leave_out: str = "",
    within: Container[str] | None = None,
    cut: Container[str] = (),
    packages: bool = True,
) -> str:
    """Return a hash of modules' code and their imports' code.

    Imports are followed through all modules of ours.
    Comments, docstrings and layout do not count, and neither does the version of Python. Imports inside
    functions count, imports under `if TYPE_CHECKING` do not: they never run. The `__init__.py` of every
    package on the way counts, since importing a module runs it.

    Parameters
    ----------
    modules : iterable of str
        Dotted names of modules, as "analyses.fourier.command".
    root : Path
        Folder that holds the packages.
    leave_out : str
        End of the names of modules that do not count, as ".schema".
    within : container of str, optional
        Top-level modules that count; by default the project's packages and loaded plug-ins.
    cut : container of str
        Modules that do not count, and whose imports are not followed.
    packages : bool
        False: no `__init__.py` of the project counts.

    Raises
    ------
    FileNotFoundError
        If a module is not below `root`.
    """
    hashes: dict[str, str] = {}
    pending = list(modules)
    if missing := [module for module in pending if source_file(module, root) is None]:
        raise FileNotFoundError(f"no module {missing[0]} in {root}")
    while pending:
        module = pending.pop()
        path = source_file(module, root)
        is_left_out = leave_out and module.endswith(leave_out)
        if path is None or module in hashes or is_left_out or module in cut:
            continue
        if not packages and path.name == "__init__.py" and module.partition(".")[0] in PACKAGES:
            continue
        if within is not None and module.partition(".")[0] not in within:
            continue
        hashes[module], imported = _read(path, path.stat().st_mtime_ns, module)
        pending += imported
    lines = [f"{module} {hashes[module]}" for module in sorted(hashes)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@functools.cache
def packages_digest() -> str:
    """Return the hash of all of the project's code, as it is when this is first called."""
    files = [path.relative_to(ROOT) for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    modules = [".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in files]
    return code_digest(modules)


def module_digest(module: str, leave_out: str = "") -> str:
    """Return the hash of a module's code; "unknown" without a file."""
    if source_file(module, ROOT) is not None:
        return code_digest([module], leave_out=leave_out)
    path = Path(getattr(sys.modules.get(module), "__file__", None) or "")
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "unknown"


def canonical_text(statements: list[ast.stmt]) -> str:
    """Return statements' code as text, without comments, docstrings and layout."""
    reader = _Reader("")
    reader.read(statements, imported=False)
    return "".join(reader.text)


def imported_modules(statements: list[ast.stmt], package: str) -> list[str]:
    """Return the modules of the project and of plug-ins that statements import."""
    reader = _Reader(package)
    reader.read(statements, imported=True)
    return list(reader.modules)


def source_file(module: str, root: Path = ROOT) -> Path | None:
    """Return the file of a module; None for other packages' modules."""
    top = module.partition(".")[0]
    folder = root if top in PACKAGES else PLUGIN_FOLDERS.get(top)
    if folder is None:
        return None
    path = folder.joinpath(*module.split("."))
    candidates = (path / "__init__.py", path.with_suffix(".py"))
    return next((file for file in candidates if file.is_file()), None)


@functools.cache
def _read(path: Path, modified_ns: int, module: str) -> tuple[str, tuple[str, ...]]:
    """Return the hash of a file's code, and its imports.

    Imports are modules of this project that the file may import.
    """
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    content = path.read_bytes()
    if module.partition(".")[0] not in PACKAGES:  # what counts of its imports depends on the plug-ins loaded
        return _parsed(content, package)
    remembered = _cache_folder() / hashlib.sha256(package.encode() + b"\0" + content + READER).hexdigest()
    with suppress(OSError, ValueError):
        digest, *modules = remembered.read_text().split()
        return digest, tuple(modules)
    digest, imported = _parsed(content, package)
    with suppress(OSError):  # without a cache it is read at every start
        remembered.parent.mkdir(parents=True, exist_ok=True)
        temporary = remembered.with_name(f"{remembered.name}.{os.getpid()}")
        temporary.write_text(" ".join([digest, *imported]))
        temporary.replace(remembered)
    return digest, imported


def _parsed(content: bytes, package: str) -> tuple[str, tuple[str, ...]]:
    """Return the hash of a source text, and its imports."""
    reader = _Reader(package)
    reader.read(ast.parse(content), imported=True)
    return hashlib.sha256("".join(reader.text).encode()).hexdigest(), tuple(reader.modules)


@functools.cache
def _cache_folder() -> Path:
    """Return the folder of cached hashes.

    Without a cache, parsing all files takes a second at every start.
    """
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "grokking-tickets" / "code_digests"


class _Reader:
    """Walk that collects a syntax tree's code and imports.

    The text has no positions, docstrings or empty fields: `ast.dump` differs between versions of Python in
    the empty fields that it prints.
    """

    def __init__(self, package: str):
        self.package = package
        self.text: list[str] = []
        self.modules: dict[str, None] = {}

    def read(self, node: Any, imported: bool) -> None:
        """Add a node; its imports only if they run."""
        if isinstance(node, ast.AST):
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                imported = False
            if imported and isinstance(node, ast.Import | ast.ImportFrom | ast.Constant):
                self._note_modules(node)
            self.text.append(f"{type(node).__name__}(")
            for name in node._fields:
                value = getattr(node, name, None)
                if value is None or value == [] or name in UNUSED_FIELDS:
                    continue
                if name == "body" and isinstance(node, HAVE_DOCSTRING):
                    value = [statement for statement in value if not _is_text(statement)]
                self.text.append(f"{name}=")
                self.read(value, imported)
            self.text.append(")")
        elif isinstance(node, list):
            for item in node:
                self.read(item, imported)
                self.text.append(",")
        else:
            self.text.append(f"{type(node).__name__}:{node!r}")

    def _note_modules(self, node: ast.Import | ast.ImportFrom | ast.Constant) -> None:
        """Note modules that an import or a registry entry names.

        Only modules of this project's packages count.
        """
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = self.package.split(".")[: 1 - node.level or None] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        else:
            names = [node.value.partition(":")[0]] if isinstance(node.value, str) else []
        for name in names:
            parts = name.split(".")
            if parts[0] in PACKAGES or parts[0] in PLUGIN_FOLDERS:
                self.modules |= {".".join(parts[:n]): None for n in range(1, len(parts) + 1)}


def _is_text(statement: ast.stmt) -> bool:
    """Return True if a statement is nothing but a text."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
