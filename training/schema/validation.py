"""Config dataclasses from plain values, strictly checked."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import math
import re
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, TypeVar, Union

from training.schema.plain_content import LARGEST, shown

T = TypeVar("T")

PLAIN_TYPES: dict[Any, str] = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
"""Words for the plain types of fields."""
ENTRIES: dict[Any, str] = {int: "whole numbers", float: "numbers", str: "texts"}
"""Words for the entries of a list."""
LONGEST_NAME = 200
"""Bytes of a file's name; file systems take 255, and suffixes are added."""
FILE_NAME = (
    f"a name of letters, digits, '-', '_' and '.', at most {LONGEST_NAME} bytes, not reserved by a system"
)
"""What names in recipes and registries have to be, in words."""
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}
"""Names of devices on Windows, which are no files."""
UNIONS = (Union, types.UnionType)


class ConfigError(ValueError):
    """Invalid setting: the field, the expectation and the value."""


@contextmanager
def named_as_in_python() -> Iterator[None]:
    """Name an option in errors as Python's argument.

    Examples
    --------
    >>> with named_as_in_python():
    ...     require(False, "--arms", "some of dense", "dens")
    Traceback (most recent call last):
    training.schema.validation.ConfigError: arms: expected some of dense, got 'dens'
    """
    try:
        yield
    except ConfigError as error:
        if not (option := re.match(r"--([\w-]+)", str(error))):
            raise
        message = option[1].replace("-", "_") + str(error)[option.end() :]
        raise ConfigError(message) from None


def require(holds: bool, name: str, expected: str, got: Any) -> None:
    """Raise a `ConfigError` about field `name` unless `holds`."""
    if not holds:
        raise ConfigError(f"{name}: expected {expected}, got {shown(got)}")


def require_positive(name: str, value: float) -> None:
    """Raise a `ConfigError` unless `value` is positive and finite."""
    require(0 < value < math.inf, name, "a number above 0", value)


def is_file_name(name: Any) -> bool:
    """Return True if every system takes a text as the name of one file.

    Examples
    --------
    >>> [is_file_name(name) for name in ("at_0.9", "..", "a/b", "nul", "x" * 201)]
    [True, False, False, False, False]
    """
    if not isinstance(name, str) or not name or name[0] == "." or name[-1] == ".":
        return False
    is_reserved = name.partition(".")[0].lower() in RESERVED
    fits = len(name.encode(errors="replace")) <= LONGEST_NAME
    return fits and not is_reserved and all(c.isalnum() or c in "-_." for c in name)


def names(options: Iterable[str]) -> str:
    """Return options sorted and joined, for an error message."""
    return ", ".join(sorted(options)) or "(none)"


def build(cls: type[T], content: Any, where: str = "") -> T:
    """Return a `cls` from a mapping, nested dataclasses included.

    Raises
    ------
    ConfigError
        For an unknown or missing field, a value of another type, or one the class itself refuses.
    """
    prefix = f"{where}." if where else ""
    if not isinstance(content, Mapping):
        raise ConfigError(f"{where or cls.__name__}: expected a table of fields, got {shown(content)}")
    hints = _type_hints(cls)  # type: ignore[arg-type]
    fields = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for name in content:
        if name not in fields:
            raise ConfigError(f"{prefix}{name}: unknown field; expected one of {names(fields)}")
    for name, f in fields.items():
        required = f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
        if required and name not in content:
            raise ConfigError(f"{prefix}{name}: missing")
    values = {name: _convert(value, hints[name], f"{prefix}{name}") for name, value in content.items()}
    try:
        return cls(**values)
    except ConfigError as error:
        raise ConfigError(f"{prefix}{error}") from None


@functools.cache  # a recipe has many arms
def _type_hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _convert(value: Any, hint: Any, where: str) -> Any:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in UNIONS:
        if value is None and types.NoneType in args:
            return None
        *others, inner = (arg for arg in args if arg is not types.NoneType)
        # Of several types, plain ones stand first: they are told from a list by their type alone.
        first = next((hint for hint in others if type(value) is hint), inner)
        is_list = isinstance(value, list | tuple)
        if others and first is inner and typing.get_origin(inner) is Literal:
            texts = [arg for arg in typing.get_args(inner) if isinstance(arg, str)]
            plain = " or ".join(PLAIN_TYPES[hint] for hint in others)
            require(value in texts, where, f"{plain}, or one of {names(texts)}", value)
        elif others and first is inner and not is_list:
            expected = " or ".join([*(PLAIN_TYPES[hint] for hint in others), _list_text(inner)])
            require(False, where, expected, value)
        return _convert(value, first, where)
    if origin is Literal:
        require(value in args, where, f"one of {names(map(str, args))}", value)
        return value
    if origin is tuple:
        any_length = args[-1] is Ellipsis
        length_fits = isinstance(value, list | tuple) and (any_length or len(value) == len(args))
        require(length_fits, where, _list_text(hint), value)
        hints = [args[0]] * len(value) if any_length else args
        return tuple(_convert(v, hint, where) for v, hint in zip(value, hints, strict=True))
    if origin is not None and issubclass(origin, Mapping):
        require(isinstance(value, Mapping), where, "a table", value)
        return {key: _convert(v, args[1], f"{where}.{key}") for key, v in value.items()}
    if dataclasses.is_dataclass(hint):
        if isinstance(value, hint):  # type: ignore[arg-type]
            return value
        return build(hint, value, where)  # type: ignore[arg-type]
    if type(value) is int:
        require(-LARGEST <= value < LARGEST, where, "a number below 2^63", value)
        value = float(value) if hint is float else value
    require(type(value) is hint, where, PLAIN_TYPES[hint], value)
    return value


def _list_text(hint: Any) -> str:
    """Return what a tuple's type expects, in words."""
    args = typing.get_args(hint)
    return f"a list of {ENTRIES.get(args[0], 'values') if args[-1] is Ellipsis else len(args)}"


def check_settings_class(cls: Any, base: type) -> None:
    """Raise a `ConfigError` unless recipes can build a class from plain values.

    Parameters
    ----------
    cls : type
        Class that is registered, as a task or an optimizer.
    base : type
        Class that it has to extend.
    """
    if not (isinstance(cls, type) and issubclass(cls, base)):
        raise ConfigError(f"expected a subclass of {base.__module__}.{base.__name__}, got {shown(cls)}")
    if "__dataclass_params__" not in vars(cls):
        raise ConfigError(
            f"{cls.__name__}: expected a dataclass; decorate it with @dataclass(frozen=True, kw_only=True)"
        )
    if missing := getattr(cls, "__abstractmethods__", ()):
        raise ConfigError(
            f"{cls.__name__}: does not define {names(missing)}, as every {base.__name__} has to"
        )
    try:
        hints: dict[str, Any] = _type_hints(cls)  # type: ignore[arg-type]
    except (NameError, TypeError) as error:
        raise ConfigError(f"{cls.__name__}: the type of a field cannot be read: {error}") from None
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        hint = hints[field.name]
        if not _is_convertible(hint):
            raise ConfigError(
                f"{cls.__name__}.{field.name}: expected int, float, bool, str, a Literal, a tuple, a "
                f"Mapping[str, T] or a dataclass of these, one of them | None, or a plain type | a tuple, "
                f"got {_type_text(hint)}"
            )


def check_instance(entry: Any, cls: type) -> None:
    """Raise a `ConfigError` unless an entry is an instance of a class."""
    if not isinstance(entry, cls):
        raise ConfigError(f"expected a {cls.__module__}.{cls.__name__}, got {shown(entry)}")


def _is_convertible(hint: Any) -> bool:
    """Return True if `_convert` takes a type."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in UNIONS:
        *others, inner = (arg for arg in args if arg is not types.NoneType)
        is_told_apart = typing.get_origin(inner) in (tuple, Literal)
        are_plain = all(other in PLAIN_TYPES for other in others)
        return _is_convertible(inner) and (not others or (is_told_apart and are_plain))
    if origin is Literal:
        return True
    if origin is tuple:
        return all(_is_convertible(arg) for arg in args if arg is not Ellipsis)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return len(args) == 2 and args[0] is str and _is_convertible(args[1])
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return all(_is_convertible(_type_hints(hint)[field.name]) for field in dataclasses.fields(hint))
    return hint in PLAIN_TYPES


def _type_text(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) and not typing.get_args(hint) else str(hint)


OMITTED_AT_DEFAULT = {"omitted_at_default": True}
"""Metadata of a field that is written only if its value is not the default."""


def to_dict(config: Any) -> dict[str, Any]:
    """Return a config as plain JSON types; tuples become lists."""
    return json.loads(json.dumps(_plain(config)))


def _plain(value: Any) -> Any:
    """Return dataclasses as tables, without optional fields at their default."""
    if type(value) in PLAIN_TYPES or value is None:
        return value
    if dataclasses.is_dataclass(value):
        fields = {f: getattr(value, f.name) for f in dataclasses.fields(value)}
        return {
            f.name: _plain(content)
            for f, content in fields.items()
            if content != f.default or not f.metadata.get("omitted_at_default")
        }
    if isinstance(value, Mapping):
        return {key: _plain(content) for key, content in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(content) for content in value]
    return value


def config_hash(config: Mapping[str, Any]) -> str:
    """Return a config's hash: 16 hex digits of its SHA-256.

    The hash is over canonical JSON.
    """
    text = json.dumps(config, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Return how two configs differ, as `field: old → new`."""
    fields = []
    for key in sorted(old.keys() | new.keys()):
        a, b = old.get(key), new.get(key)
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            fields += differences(a, b, f"{prefix}{key}.")
        elif a != b:
            fields.append(f"{prefix}{key}: {shown(a)} → {shown(b)}")
    return fields
