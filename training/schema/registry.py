"""Registry of named objects, loaded when first used."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any, Generic, TypeVar, overload

from training.schema.validation import ConfigError, names

T = TypeVar("T")


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

    Raises
    ------
    UnknownNameError
        On access to an unknown name; the message lists the registered ones.
    ConfigError
        On giving a name twice; the message names both modules.

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

    def __init__(self, kind: str, entries: dict[str, T | str] | None = None):
        self.kind = kind
        self._entries: dict[str, Any] = {}
        self._origins: dict[str, str] = {}
        for name, entry in (entries or {}).items():
            self._entries[name] = entry
            self._origins[name] = _origin(entry)

    def __getitem__(self, name: str) -> T:
        if name not in self._entries:
            raise UnknownNameError(f"{self.kind}: expected one of {names(self._entries)}, got {name!r}")
        entry = self._entries[name]
        if isinstance(entry, str):
            module, _, attribute = entry.partition(":")
            entry = self._entries[name] = getattr(importlib.import_module(module), attribute)
        return entry

    def __setitem__(self, name: str, entry: T | str) -> None:
        if name in self._entries:
            raise ConfigError(
                f"{self.kind} {name!r}: registered twice, by {self._origins[name]} and by {_origin(entry)}; "
                "choose another name"
            )
        self._entries[name] = entry
        self._origins[name] = _origin(entry)

    def __delitem__(self, name: str) -> None:
        del self._entries[name]
        del self._origins[name]

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def origin(self, name: str) -> str:
        """Return the module that an entry comes from."""
        self.__getitem__(name)
        return self._origins[name]

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


def _origin(entry: Any) -> str:
    """Return the module that an object or text comes from."""
    return entry.partition(":")[0] if isinstance(entry, str) else getattr(entry, "__module__", "unknown")
