"""Code of single definitions in a plug-in's file."""

import pytest

from training.schema.definition_code import definition_of
from training.schema.plugins import load_plugins, unload_plugin
from training.schema.registry import Origin, Registry

RECIPES_OF_PIE: Registry = Registry("pie")
SOURCE = """
from training.schema.registry import _REGISTRIES
import pie_helpers
pies = next(registry for registry in _REGISTRIES.values() if registry.kind == "pie")
SUGAR = 2
SALT = 1

def sweetened(x):
    '''Add sugar.'''
    return x + SUGAR  # by the spoon

def apple(x):
    return pie_helpers.baked(sweetened(x))

def plotted(x):
    return x - SALT

@pies.register("cherry")
class Cherry:
    stones = SALT

pies["apple"] = apple
pies["plot"] = plotted
"""


@pytest.fixture
def definitions(tmp_path, monkeypatch):
    """Return a function from a changed source to the definition of each pie."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def measure(old="", new="", helpers="def baked(x):\n    return 2 * x\n"):
        (tmp_path / "pie_helpers.py").write_text(helpers)
        path = tmp_path / "pie_plugin.py"
        assert old in SOURCE
        path.write_text(SOURCE.replace(old, new) if old else SOURCE)
        load_plugins(["pie_helpers", str(path)])
        values = {name: definition_of(RECIPES_OF_PIE.place(name)) for name in RECIPES_OF_PIE}
        unload_plugin("pie_plugin")
        unload_plugin("pie_helpers")
        return values

    return measure


def changed(before, after):
    """Return the names whose definition differs."""
    return {name for name in before if before[name] != after[name]}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("SUGAR = 2", "SUGAR = 3", {"apple"}),
        ("SALT = 1", "SALT = 3", {"plot", "cherry"}),
        ("return x - SALT", "return x - SALT - 1", {"plot"}),
        ("stones = SALT", "stones = SALT + 1", {"cherry"}),
        ('@pies.register("cherry")', '@pies.register(\n    "cherry"\n)', set()),
        ("'''Add sugar.'''", "'''Add some sugar.'''", set()),
        ("  # by the spoon", "", set()),
        ("\nSUGAR = 2", "\n\n\nSUGAR = 2", set()),
        ("x + SUGAR", "SUGAR + x", {"apple"}),
    ],
)
def test_only_definitions_that_refer_to_a_change_change(definitions, old, new, expected):
    assert changed(definitions(), definitions(old, new)) == expected


def test_modules_that_a_definition_imports_are_named(definitions):
    modules = {name: definition.modules for name, definition in definitions().items()}
    assert modules["apple"][0] == "pie_helpers" and "training.schema.registry" in modules["apple"]
    assert not any("_REGISTRIES" in name for name in modules["apple"])
    assert "pie_helpers" not in modules["plot"] + modules["cherry"]


def test_code_without_a_file_has_no_definition():
    assert definition_of(Origin("no_such_module", 3)) is None
    assert definition_of(Origin(__name__, 0)) is None
