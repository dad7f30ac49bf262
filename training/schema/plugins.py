"""Plug-ins: modules outside the project that register tasks, methods, figures and more.

Importable without torch and NumPy. A plug-in is code: it runs with all rights of the user who names it.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import importlib.util
import sys
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from training.schema.code_digest import PACKAGES, PLUGIN_FOLDERS
from training.schema.registry import remove_registered_by
from training.schema.validation import ConfigError

GROUP = "grokking_tickets"
"""Group of entry points whose modules are loaded as plug-ins by every command."""


class PluginError(ConfigError):
    """Plug-in that is missing or fails."""


@dataclass(frozen=True)
class Plugin:
    """One loaded plug-in.

    Attributes
    ----------
    module : str
        Name of its module; that of a file is the file's name without its end.
    reference : str
        Text that names it to other processes: the module, or the file's absolute path.
    """

    module: str
    reference: str


_LOADED: dict[str, Plugin] = {}
"""Loaded plug-ins by module."""


def load_plugins(references: Iterable[str], outside: Path | None = None) -> None:
    """Import plug-ins, each once, after those of installed packages.

    Parameters
    ----------
    references : iterable of str
        Modules ("my_task") or Python files ("./my_task.py").
    outside : Path, optional
        Folder whose files are never imported: a run directory, whose config names the plug-ins.

    Raises
    ------
    PluginError
        If a plug-in is missing or fails, in one line that names it. Nothing of it stays registered.
    """
    load_installed_plugins()
    for reference in references:
        plugin = _identified(reference)
        loaded = _LOADED.get(plugin.module)
        if loaded is None:
            _load(plugin, outside)
        elif loaded.reference != plugin.reference and outside is None:
            raise PluginError(
                f"plug-in {plugin.module}: two of this name, {loaded.reference} and {plugin.reference}; "
                "rename one"
            )


@functools.cache
def load_installed_plugins() -> None:
    """Import the plug-ins of installed packages, once."""
    load_entry_points(importlib.metadata.entry_points(group=GROUP))


def load_entry_points(entries: importlib.metadata.EntryPoints) -> None:
    """Import the modules that entry points name; name failing ones on stderr."""
    for entry in entries:
        try:
            if entry.module not in _LOADED:
                _load(Plugin(entry.module, entry.module), None)
        except PluginError as error:
            package = entry.dist.name if entry.dist is not None else "its package"
            print(f"{error}; uninstall {package}, or mend it", file=sys.stderr)


def loaded_plugins() -> list[str]:
    """Return what names the loaded plug-ins to another process."""
    return [plugin.reference for plugin in _LOADED.values()]


def plugin_arguments() -> list[str]:
    """Return the loaded plug-ins as arguments of a command."""
    return [argument for reference in loaded_plugins() for argument in ("--plugin", reference)]


def plugin_of(module: str) -> str | None:
    """Return what names the plug-in of a module; None for the project's own.

    A module outside the project that was imported by other code is its own plug-in; that of a script or
    notebook, which other processes cannot import, is "__main__".
    """
    parts = module.split(".")
    if parts[0] in PACKAGES:
        return None
    prefixes = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next((_LOADED[prefix].reference for prefix in prefixes if prefix in _LOADED), module)


def _identified(reference: str) -> Plugin:
    """Return a plug-in's module and its full reference."""
    if not (reference.endswith(".py") or "/" in reference or "\\" in reference):
        return Plugin(reference, reference)
    path = Path(reference).resolve()
    return Plugin(path.stem, str(path))


def unload_plugin(module: str) -> None:
    """Remove a plug-in and all that it registered."""
    _LOADED.pop(module, None)
    remove_registered_by(module)
    top = module.partition(".")[0]
    PLUGIN_FOLDERS.pop(top, None)
    for name in [name for name in sys.modules if name.partition(".")[0] == top]:
        del sys.modules[name]


def _load(plugin: Plugin, outside: Path | None) -> None:
    """Import a plug-in; on failure, nothing of it stays."""
    is_file = plugin.reference != plugin.module
    if is_file:
        _check_file(plugin, outside)
    was_imported = plugin.module in sys.modules
    _LOADED[plugin.module] = plugin
    try:
        if is_file:
            _import_file(plugin)
        else:
            PLUGIN_FOLDERS[plugin.module.partition(".")[0]] = _import_module(plugin.module)
    except (Exception, SystemExit) as error:  # a plug-in's code may raise anything
        del _LOADED[plugin.module]
        if not was_imported:
            unload_plugin(plugin.module)
        raise PluginError(f"plug-in {plugin.module}: {_cause(plugin, error)}") from error


def _check_file(plugin: Plugin, outside: Path | None) -> None:
    """Raise a `PluginError` unless a plug-in's file may be imported."""
    path, what = Path(plugin.reference), f"plug-in {plugin.module}"
    if not path.is_file() or path.suffix != ".py":
        state = "got a folder" if path.is_dir() else "and it is not there"
        raise PluginError(f"{what}: expected a Python file (.py) at {path}, {state}; --plugin names it")
    if outside is not None and path.is_relative_to(outside.resolve()):
        raise PluginError(
            f"{what}: {path} lies in the run directory, whose code is never run; move it elsewhere and name "
            "it by --plugin"
        )
    if plugin.module in sys.modules or plugin.module in PACKAGES:
        raise PluginError(f"{what}: another module of this name is imported already; rename {path.name}")


def _import_file(plugin: Plugin) -> None:
    path = Path(plugin.reference)
    spec = importlib.util.spec_from_file_location(plugin.module, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[plugin.module] = module  # dataclasses and pickle look it up
    PLUGIN_FOLDERS[plugin.module] = path.parent
    spec.loader.exec_module(module)


def _import_module(name: str) -> Path:
    """Import a module; return the folder that holds the top of its package."""
    module = importlib.import_module(name)
    if module.__file__ is None or name.partition(".")[0] in PACKAGES:
        raise ConfigError("expected a module outside this project, with a source file")
    file = Path(module.__file__)
    depth = len(name.split(".")) - (0 if file.stem == "__init__" else 1)
    return file.parents[depth]


def _cause(plugin: Plugin, error: BaseException) -> str:
    """Return why an import failed, in one line."""
    if (
        isinstance(error, ModuleNotFoundError)
        and error.name
        and f"{plugin.module}.".startswith(f"{error.name}.")
    ):
        return f"no module of this name; install it, or name its file as ./{plugin.module}.py"
    if isinstance(error, SyntaxError):
        return f"{error.msg} ({error.filename}, line {error.lineno})"
    text = (str(error).splitlines() or [""])[0]
    what = text if isinstance(error, ConfigError) else f"{type(error).__name__}: {text}".rstrip(": ")
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).stem == plugin.module.rpartition(".")[2]
    ]
    return f"{what} ({frames[-1].filename}, line {frames[-1].lineno})" if frames else what
