"""Registry of named objects, loaded when first used."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass
from types import FrameType
from typing import Any, Generic, TypeVar, overload
from weakref import WeakValueDictionary

from training.schema.plain_content import shown
from training.schema.validation import FILE_NAME, ConfigError, is_file_name, names, require

T = TypeVar("T")

_REGISTRIES: WeakValueDictionary[int, Registry] = WeakValueDictionary()


@dataclass(frozen=True)
class Origin:
    """Place in the code where an entry was registered."""

    module: str
    line: int = 0
    """Line of the statement at the module's top level; 0 if unknown."""


_WRAPPERS = ("collections.abc", "_collections_abc", "jaxtyping", "beartype")
"""Modules whose functions may call a registry for the registering module."""


class UnknownNameError(ConfigError, KeyError):
    """Name that no object is registered under."""

    __str__ = Exception.__str__  # KeyError's would quote the message


class Registry(MutableMapping[str, T], Generic[T]):
    """Mapping of names to objects that may load lazily.

    An entry is an object, or a `"module:attribute"` text that is imported on first access.

    Listing the names imports nothing, so `--help` stays quick. A name is registered once:
    registering it again is an error, unless `del` removes it first.

    Parameters
    ----------
    kind : str
        What the objects are, in the singular; error messages name it.
    entries : dict, optional
        Objects or `"module:attribute"` texts by name.
    check : callable, optional
        Called with every object that is registered; raises a `ConfigError` if the registry cannot hold it.

    Raises
    ------
    UnknownNameError
        On access to an unknown name; the message lists the registered ones.
    ConfigError
        On giving a name twice (the message names both modules), or an object that `check` refuses.

    Examples
    --------
    >>> shapes = Registry("shape", {"circle": "math:tau"})
    >>> shapes["square"] = 4.0
    >>> list(shapes), round(shapes["circle"], 2)
    (['circle', 'square'], 6.28)
    >>> shapes["triangle"]
    Traceback (most recent call last):
    training.schema.registry.UnknownNameError: shape: expected one of circle, square, got 'triangle'
    """

    def __init__(
        self,
        kind: str,
        entries: dict[str, T | str] | None = None,
        check: Callable[[Any], None] = lambda entry: None,
    ):
        self.kind, self.check = kind, check
        self._entries: dict[str, Any] = {}
        self._origins: dict[str, Origin] = {}
        for name, entry in (entries or {}).items():
            self._entries[name] = entry
            self._origins[name] = _declared_origin(entry)
        _REGISTRIES[id(self)] = self

    def __getitem__(self, name: str) -> T:
        if name not in self:
            raise UnknownNameError(f"{self.kind}: expected one of {names(self._entries)}, got {shown(name)}")
        entry = self._entries[name]
        if isinstance(entry, str):
            module, _, attribute = entry.partition(":")
            entry = getattr(importlib.import_module(module), attribute)
            self._check(name, entry)
            self._entries[name] = entry
        return entry

    def __setitem__(self, name: str, entry: T | str) -> None:
        require(is_file_name(name), self.kind, FILE_NAME, name)
        origin = _declared_origin(entry) if isinstance(entry, str) else _registering_statement()
        if name in self._entries:
            raise ConfigError(
                f"{self.kind} {name!r}: registered twice, by {self._origins[name].module} and by "
                f"{origin.module}; choose another name"
            )
        if not isinstance(entry, str):
            self._check(name, entry)
        self._entries[name] = entry
        self._origins[name] = origin

    def __delitem__(self, name: str) -> None:
        del self._entries[name]
        del self._origins[name]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def origin(self, name: str) -> str:
        """Return the module that registered an entry."""
        return self.place(name).module

    def place(self, name: str) -> Origin:
        """Return the place in the code where an entry was registered."""
        self.__getitem__(name)
        return self._origins[name]

    def remove_entries_of(self, module: str) -> None:
        """Delete all entries that a module or its submodules registered."""
        modules = {name: f"{origin.module}." for name, origin in self._origins.items()}
        for name in [name for name, path in modules.items() if path.startswith(f"{module}.")]:
            del self[name]

    def _check(self, name: str, entry: Any) -> None:
        try:
            self.check(entry)
        except ConfigError as error:
            raise ConfigError(f"{self.kind} {name!r}: {error}") from None

    @overload
    def register(self, name: str) -> Callable[[T], T]: ...
    @overload
    def register(self, name: str, entry: T) -> T: ...
    def register(self, name: str, entry: T | None = None) -> T | Callable[[T], T]:
        """Register an object under a name, directly or as decorator."""
        if entry is not None:
            self[name] = entry
            return entry

        def decorate(decorated: T) -> T:
            self[name] = decorated
            return decorated

        return decorate


def remove_registered_by(module: str) -> None:
    """Delete a module's entries from every registry."""
    for registry in list(_REGISTRIES.values()):
        registry.remove_entries_of(module)


def _declared_origin(entry: Any) -> Origin:
    """Return the module that an object or text names."""
    module = entry.partition(":")[0] if isinstance(entry, str) else getattr(entry, "__module__", "unknown")
    return Origin(module)


def _registering_statement() -> Origin:
    """Return the statement that is registering an entry now.

    Registration inside a function or a loop belongs to the statement at the module's top level.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and (_module(frame) == __name__ or _module(frame).startswith(_WRAPPERS)):
        frame = frame.f_back
    module, line = "unknown", 0
    if frame is not None:
        module, line = _module(frame), frame.f_lineno
    while frame is not None and _module(frame) == module:
        line, frame = frame.f_lineno, frame.f_back
    return Origin(module, line)


def _module(frame: FrameType) -> str:
    return frame.f_globals.get("__name__", "unknown")
