from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from training.models.base import Model
from training.models.registry import MODELS
from training.optimization.optimizers import OPTIMIZERS, Optimizer
from training.schema.overrides import override
from training.schema.validation import (
    ConfigError,
    build,
    check_settings_class,
    config_hash,
    differences,
    require_positive,
    to_dict,
)
from training.tasks.dataset import Task
from training.tasks.registry import TASKS


@dataclass(frozen=True, kw_only=True)
class Inner:
    rate: float = 0.5
    kind: Literal["a", "b"] = "a"

    def __post_init__(self):
        require_positive("rate", self.rate)


@dataclass(frozen=True, kw_only=True)
class Outer:
    count: int
    label: str = ""
    flag: bool = False
    maybe: str | None = None
    pair: tuple[float, float] = (0.0, 1.0)
    many: tuple[int, ...] = ()
    inner: Inner = field(default_factory=Inner)
    named: Mapping[str, Inner] = field(default_factory=dict)


def test_nested_values_become_dataclasses_and_back():
    content = {
        "count": 3,
        "pair": [1, 2.5],
        "many": [4, 5],
        "inner": {"rate": 2},
        "named": {"x": {"kind": "b"}},
        "maybe": None,
    }
    built = build(Outer, content)
    assert built == Outer(
        count=3, pair=(1.0, 2.5), many=(4, 5), inner=Inner(rate=2.0), named={"x": Inner(kind="b")}
    )
    assert type(built.inner.rate) is float and type(built.pair[0]) is float
    assert build(Outer, to_dict(built)) == built


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "count: missing"),
        ({"count": 1, "cuont": 2}, "cuont: unknown field; expected one of count, flag"),
        ({"count": 1.0}, "count: expected a whole number, got 1.0"),
        ({"count": True}, "count: expected a whole number, got True"),
        ({"count": "1"}, "count: expected a whole number, got '1'"),
        ({"count": 1, "label": 3}, "label: expected text, got 3"),
        ({"count": 1, "flag": 1}, "flag: expected true or false, got 1"),
        ({"count": 1, "maybe": 1}, "maybe: expected text, got 1"),
        ({"count": 1, "pair": [1]}, r"pair: expected a list of 2, got \[1\]"),
        ({"count": 1, "pair": ["a", "b"]}, "pair: expected a number, got 'a'"),
        ({"count": 1, "many": 3}, "many: expected a list of whole numbers, got 3"),
        ({"count": 1, "inner": 3}, "inner: expected a table of fields, got 3"),
        ({"count": 1, "inner": {"rate": True}}, "inner.rate: expected a number, got True"),
        ({"count": 1, "inner": {"rate": math.nan}}, "inner.rate: expected a number above 0, got nan"),
        ({"count": 1, "inner": {"rate": math.inf}}, "inner.rate: expected a number above 0, got inf"),
        ({"count": 1, "inner": {"kind": "c"}}, "inner.kind: expected one of a, b, got 'c'"),
        ({"count": 1, "named": []}, r"named: expected a table, got \[\]"),
        ({"count": 1, "named": {"x": {"rate": -1}}}, "named.x.rate: expected a number above 0, got -1.0"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_field(content, message):
    with pytest.raises(ConfigError, match=f"^{message}") as error:
        build(Outer, content)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("a.b=1", 1),
        ("a.b=1e-3", 1e-3),
        ("a.b=.7", 0.7),
        ("a.b=true", True),
        ("a.b=[1, 2]", [1, 2]),
        ("a.b='1'", "1"),
        ("a.b=some text", "some text"),
        (" a.b = 2", 2),
        ("a.b=", ""),
        ("a.b=x=y", "x=y"),
    ],
)
def test_override_takes_toml_or_text(setting, expected):
    content = {"a": {"b": 0, "c": 5}}
    override(content, setting)
    assert content == {"a": {"b": expected, "c": 5}}
    assert type(content["a"]["b"]) is type(expected)


def test_override_makes_tables_but_replaces_no_value_by_a_table():
    content = {"name": "x"}
    override(content, "arms.new.max_steps=3")
    assert content["arms"] == {"new": {"max_steps": 3}}
    with pytest.raises(ConfigError, match=r"--set name.x: expected name to be a table, got 'x'"):
        override(content, "name.x=1")
    for setting in ("novalue", "=3", ""):
        with pytest.raises(ConfigError, match=f"--set: expected FIELD=VALUE, got '{setting}'"):
            override(content, setting)


def test_the_hash_ignores_only_the_order_of_fields():
    assert config_hash({"a": 1, "b": {"c": 2, "d": 3}}) == config_hash({"b": {"d": 3, "c": 2}, "a": 1})
    assert len({config_hash(c) for c in ({"a": 1}, {"a": 2}, {"b": 1}, {"a": 1, "b": None}, {"a": "1"})}) == 5


def test_differences_name_every_field_by_its_path():
    old, new = {"a": 1, "t": {"p": 7, "q": 1}, "gone": 0}, {"a": 1, "t": {"p": 9, "q": 1}, "new": [1]}
    assert differences(old, new) == ["gone: 0 → None", "new: None → [1]", "t.p: 7 → 9"]
    assert differences(old, old) == []


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Base of the classes below."""

    name: str = "shape"


def shape_class(**fields):
    """Return a dataclass of some fields, each (type, default)."""
    body = {"__annotations__": {name: hint for name, (hint, _) in fields.items()}}
    body |= {name: default for name, (_, default) in fields.items()} | {"__module__": __name__}
    return dataclass(frozen=True, kw_only=True)(type("Mine", (Shape,), body))


@pytest.mark.parametrize(
    ("hint", "value", "converted"),
    [
        (int | None, 3, 3),
        (None | int, 3, 3),
        (None | int, None, None),
        (tuple[int, str], [1, "a"], (1, "a")),
        (tuple[float, ...], [1, 2.5], (1.0, 2.5)),
        (Mapping[str, tuple[int, ...]], {"a": [1]}, {"a": (1,)}),
        (dict[str, float], {"a": 1}, {"a": 1.0}),
        (Literal["a", 3], 3, 3),
        (Shape, {"name": "round"}, Shape(name="round")),
        (None | tuple[Shape, ...], [{"name": "round"}], (Shape(name="round"),)),
    ],
)
def test_a_class_whose_types_are_taken_is_built(hint, value, converted):
    cls = shape_class(field=(hint, None))
    check_settings_class(cls, Shape)
    built = build(cls, {"field": value}).field
    assert built == converted and type(built) is type(converted)


@pytest.mark.parametrize(
    ("hint", "text"),
    [
        (list[int], r"list\[int\]"),
        (Path, "Path"),
        (int | str, r"int \| str"),
        (int | str | None, "None"),
        (None, "NoneType"),
        (Any, "Any"),
        (complex, "complex"),
        (tuple[Path, ...], "Path"),
        (Mapping[int, str], "Mapping"),
        (Mapping, "Mapping"),
        ("Missing", "cannot be read: name 'Missing' is not defined"),
    ],
)
def test_a_class_of_other_types_is_refused_with_its_field(hint, text):
    cls = shape_class(field=(hint, None))
    with pytest.raises(ConfigError, match=rf"Mine.*({text})"):
        check_settings_class(cls, Shape)


def test_what_is_no_settings_class_is_refused():
    class Plain(Shape):
        pass

    @dataclass(frozen=True)
    class Unfinished(Shape, ABC):
        @abstractmethod
        def area(self): ...

    for entry, message in (
        (3, "expected a subclass of .*Shape, got 3"),
        (int, "expected a subclass of .*Shape, got <class 'int'>"),
        (Plain, "Plain: expected a dataclass; decorate it"),
        (Unfinished, "Unfinished: does not define area"),
    ):
        with pytest.raises(ConfigError, match=message):
            check_settings_class(entry, Shape)


@pytest.mark.parametrize(("registry", "base"), [(TASKS, Task), (MODELS, Model), (OPTIMIZERS, Optimizer)])
def test_every_class_of_the_project_passes(registry, base):
    for name, cls in registry.items():
        check_settings_class(cls, base)
        with pytest.raises(ConfigError, match=rf"{registry.kind} 'mine': expected a subclass"):
            registry["mine"] = int
        assert "mine" not in registry, name
