import pytest

from training.schema.registry import Registry
from training.schema.validation import ConfigError


def test_names_are_listed_without_an_import():
    registry = Registry("thing", {"missing": "no.such.module:thing"})
    assert list(registry) == ["missing"] and len(registry) == 1 and "missing" in registry
    with pytest.raises(ModuleNotFoundError):
        registry["missing"]


def test_an_entry_is_imported_on_first_access_and_cached():
    registry = Registry("number", {"pi": "math:pi"})
    assert registry["pi"] == pytest.approx(3.14159, abs=1e-5)
    assert registry["pi"] is registry["pi"]
    assert registry.origin("pi") == "math"


def test_a_name_registered_twice_is_refused_with_both_modules():
    registry = Registry("number", {"pi": "math:pi"})
    with pytest.raises(ConfigError, match=r"number 'pi'.*math.*cmath"):
        registry["pi"] = "cmath:pi"
    del registry["pi"]
    registry["pi"] = "cmath:pi"
    assert registry.origin("pi") == "cmath"


def test_an_unknown_name_lists_the_known_ones():
    registry = Registry("number", {"pi": "math:pi", "e": "math:e"})
    with pytest.raises(ConfigError, match="number: expected one of e, pi, got 'tau'"):
        registry["tau"]
    assert registry.get("tau") is None and registry.pop("tau", 2) == 2


def test_a_decorator_registers():
    registry: Registry = Registry("function")

    @registry.register("half")
    def half(x):
        return x / 2

    assert registry["half"](4) == 2 and registry.origin("half") == __name__
