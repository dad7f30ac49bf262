"""Plug-ins of a recipe's arms, and configs read without them."""

import pytest

from training.config.build_recipe import recipe_from_dict
from training.config.plugin_use import (
    load_recorded_plugins,
    names_defined_in_script,
    used_plugins,
    without_unknown_arms,
)
from training.config.recipe_files import RECIPE_FOLDERS, read_recipe, recipe_names
from training.pruning.method import Method
from training.pruning.registry import METHODS
from training.schema.plugins import unload_plugin
from training.schema.validation import ConfigError, to_dict

FILE = """
from training.pruning.method import Method
from training.pruning.registry import METHODS

def smallest(subject):
    return subject.keep({name: -abs(w) for name, w in subject.final.items()})

METHODS["smallest"] = Method(smallest, source="weights")
"""
CONTENT = {
    "name": "tiny",
    "task": {"p": 7},
    "model": {"d_emb": 8, "d_mlp": 6},
    "arms": {
        "dense": {},
        "smallest": {"method": "smallest", "source": "dense"},
        "shuffled": {"method": "shuffled", "source": "smallest"},
        "random": {"method": "random"},
    },
}


@pytest.fixture
def plugin(tmp_path):
    """Return the path of a plug-in with one pruning method."""
    path = tmp_path / "my_methods.py"
    path.write_text(FILE)
    yield str(path)
    unload_plugin("my_methods")


def test_a_recipe_loads_the_plugins_that_it_names(plugin):
    recipe = recipe_from_dict(CONTENT | {"plugins": [plugin]})
    assert recipe.plugins == (plugin,) and used_plugins(recipe) == [plugin]
    assert to_dict(recipe)["plugins"] == [plugin]


def test_a_recipe_without_plugins_names_none():
    recipe = recipe_from_dict(CONTENT | {"arms": {"dense": {}}})
    assert used_plugins(recipe) == [] and "plugins" not in to_dict(recipe)


@pytest.mark.parametrize("plugins", ["mine.py", [3], {"a": "b"}])
def test_plugins_that_are_no_list_of_texts_are_refused(plugins):
    with pytest.raises(ConfigError, match="plugins: expected a list of modules or Python files, got"):
        recipe_from_dict(CONTENT | {"plugins": plugins})


def test_a_file_beside_the_recipe_is_found_from_any_folder(plugin, tmp_path, monkeypatch):
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(
        'plugins = ["my_methods.py"]\nbase = "modadd_fast"\nbase_arms = ["dense"]\n'
        '[arms.smallest]\nmethod = "smallest"\nsource = "dense"\n'
    )
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert read_recipe(str(recipe))[0].plugins == (plugin,)


def test_a_plugin_brings_recipes(tmp_path):
    folder = tmp_path / "recipes"
    with pytest.raises(ConfigError, match=r"recipes 'mine': folder: expected a folder of TOML files, got"):
        RECIPE_FOLDERS["mine"] = folder
    folder.mkdir()
    (folder / "of_plugin.toml").write_text('base = "modadd_fast"\nbase_arms = ["dense"]\nname = "other"\n')
    RECIPE_FOLDERS["mine"] = folder
    assert "of_plugin" in recipe_names() and read_recipe("of_plugin")[0].name == "other"
    del RECIPE_FOLDERS["mine"]
    assert "of_plugin" not in recipe_names()


def test_what_a_script_registers_is_named():
    scope = {"__name__": "__main__", "METHODS": METHODS, "Method": Method}
    exec("METHODS['scripted'] = Method(lambda subject: subject, source='weights')", scope)
    try:
        arms = {"dense": {}, "scripted": {"method": "scripted", "source": "dense"}}
        recipe = recipe_from_dict(CONTENT | {"arms": arms})
        assert names_defined_in_script(recipe) == ["pruning method 'scripted'"]
        assert used_plugins(recipe) == []
    finally:
        del METHODS["scripted"]


def test_arms_without_their_plugin_are_left_out_with_a_reason():
    config, reasons = without_unknown_arms(CONTENT)
    assert list(config["arms"]) == ["dense", "random"]
    assert reasons["smallest"].startswith("needs pruning method 'smallest', which no plug-in")
    assert reasons["shuffled"] == "its source smallest is left out"
    assert recipe_from_dict(config).arms.keys() == {"dense", "random"}


def test_an_unknown_task_leaves_arms_with_a_task_of_their_own():
    arms = {"dense": {}, "add": {"task": {"name": "add", "p": 7}}, "sgd": {"optimizer": {"lr": 3.0}}}
    config, reasons = without_unknown_arms(CONTENT | {"task": {"name": "max", "p": 11}, "arms": arms})
    assert reasons.keys() == {"dense", "sgd"} and "task 'max'" in reasons["dense"]
    recipe = recipe_from_dict(config)
    assert recipe.setting("add").task.p == 7


def test_a_config_that_is_known_stays_as_it_is():
    content = CONTENT | {"arms": {"dense": {}, "random": {"method": "random"}}}
    assert without_unknown_arms(content) == (content, {})
    assert without_unknown_arms({"arms": 3}) == ({"arms": 3}, {})


def test_a_missing_plugin_of_a_run_is_named_on_stderr(tmp_path, capsys):
    load_recorded_plugins({"plugins": [str(tmp_path / "gone.py"), "no_such_module"]}, tmp_path / "run")
    first, second = capsys.readouterr().err.splitlines()
    assert "plug-in gone: expected a Python file" in first and "no_such_module: no module" in second
