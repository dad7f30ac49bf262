"""Plug-ins, by module and by file."""

import importlib.metadata
import sys

import pytest

from training.schema.plugins import (
    GROUP,
    PluginError,
    load_entry_points,
    load_plugins,
    loaded_plugins,
    plugin_arguments,
    plugin_of,
    unload_plugin,
)
from training.schema.registry import Registry

COLOURS: Registry[str] = Registry("colour", {"red": "builtins:str"})
REGISTERS = """
from training.schema.registry import _REGISTRIES
colours = next(registry for registry in _REGISTRIES.values() if registry.kind == "colour")
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a folder of modules; what is loaded from it is removed afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(loaded_plugins())
    yield tmp_path
    for reference in set(loaded_plugins()) - before:
        unload_plugin(reference.rpartition("/")[2].removesuffix(".py"))


def write(folder, name, body):
    """Write a plug-in that can register colours."""
    (folder / f"{name}.py").write_text(REGISTERS + body)
    return str(folder / f"{name}.py")


def test_a_file_is_loaded_once_and_named_by_its_path(folder):
    path = write(folder, "plug_a", "colours['blue'] = len\n")
    load_plugins([path])
    load_plugins([path])
    assert COLOURS["blue"] is len
    assert COLOURS.origin("blue") == "plug_a" and plugin_of("plug_a") == path
    assert plugin_arguments()[-2:] == ["--plugin", path]


def test_a_relative_path_becomes_absolute(folder, monkeypatch):
    path = write(folder, "plug_b", "colours['green'] = len\n")
    monkeypatch.chdir(folder)
    load_plugins(["./plug_b.py"])
    assert plugin_of("plug_b") == path


def test_a_module_and_its_submodules_are_one_plugin(folder):
    (folder / "plug_c").mkdir()
    (folder / "plug_c" / "__init__.py").write_text("from plug_c import inner\n")
    write(folder / "plug_c", "inner", "colours['pink'] = len\n")
    load_plugins(["plug_c"])
    assert COLOURS.origin("pink") == "plug_c.inner" and plugin_of("plug_c.inner") == "plug_c"
    unload_plugin("plug_c")
    assert "pink" not in COLOURS and "plug_c.inner" not in sys.modules


def test_a_module_imported_by_other_code_is_its_own_plugin():
    assert plugin_of("my_tasks.maximum") == "my_tasks.maximum"
    assert plugin_of("training.tasks.modular") is None and plugin_of("__main__") == "__main__"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("1 / 0\n", r"plug_d: ZeroDivisionError: division by zero \(.*plug_d.py, line 4\)"),
        ("def f(:\n", r"plug_d: invalid syntax \(.*plug_d.py, line 4\)"),
        ("import no_such_library\n", "plug_d: ModuleNotFoundError: No module named 'no_such_library'"),
        ("raise SystemExit(3)\n", r"plug_d: SystemExit: 3 \("),
        ("colours['red'] = len\n", "plug_d: colour 'red': registered twice, by builtins and by plug_d"),
    ],
)
def test_a_failing_plugin_is_one_line_and_leaves_nothing(folder, body, message):
    path = write(folder, "plug_d", body)
    with pytest.raises(PluginError, match=message) as error:
        load_plugins([path])
    assert "\n" not in str(error.value)
    assert "plug_d" not in sys.modules and list(COLOURS) == ["red"] and path not in loaded_plugins()


def test_names_registered_before_a_failure_are_removed_and_the_mended_file_loads(folder):
    path = write(folder, "plug_e", "colours['early'] = len\n1 / 0\n")
    with pytest.raises(PluginError):
        load_plugins([path])
    assert "early" not in COLOURS
    write(folder, "plug_e", "colours['early'] = len\n")
    load_plugins([path])
    assert COLOURS["early"] is len


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("no_such_module", "plug-in no_such_module: no module of this name; .* name its file as ./no_such"),
        ("./no_such.py", "plug-in no_such: expected a Python file .* and it is not there"),
        ("./", "expected a Python file .* got a folder"),
        ("training.tasks", "plug-in training.tasks: expected a module outside this project"),
        ("./json.py", "plug-in json: another module of this name is imported already; rename json.py"),
    ],
)
def test_a_plugin_that_cannot_be_is_one_line(folder, monkeypatch, reference, message):
    (folder / "json.py").write_text("")
    monkeypatch.chdir(folder)
    with pytest.raises(PluginError, match=message):
        load_plugins([reference])


def test_two_plugins_of_one_name_are_refused(folder):
    (folder / "other").mkdir()
    first, second = write(folder, "plug_f", ""), write(folder / "other", "plug_f", "")
    load_plugins([first])
    with pytest.raises(PluginError, match=f"two of this name, {first} and {second}; rename one"):
        load_plugins([second])


def test_code_in_a_run_directory_is_never_run(folder):
    path = write(folder, "plug_g", "raise AssertionError('this must not run')\n")
    with pytest.raises(PluginError, match="lies in the run directory, whose code is never run"):
        load_plugins([path], outside=folder)


def test_a_plugin_given_by_name_stands_in_for_a_moved_file(folder):
    load_plugins([write(folder, "plug_h", "colours['moved'] = len\n")])
    load_plugins([str(folder / "gone" / "plug_h.py")], outside=folder / "run")
    assert COLOURS["moved"] is len


def test_installed_plugins_are_loaded_and_a_failing_one_is_named(folder, capsys):
    write(folder, "plug_i", "colours['installed'] = len\n")
    write(folder, "plug_j", "1 / 0\n")
    package = folder / "their_package-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: their-package\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text(f"[{GROUP}]\nbroken = plug_j\nfine = plug_i\n")
    load_entry_points(importlib.metadata.entry_points(group=GROUP))
    assert COLOURS["installed"] is len
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "plug-in plug_j: ZeroDivisionError" in err and "their-package" in err
