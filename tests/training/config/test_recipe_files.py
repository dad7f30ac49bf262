"""Recipe files: bases, arms by pattern, quick versions, folders of runs."""

import hashlib
import json
from dataclasses import replace

import pytest

from training.cli.reserved_words import VERBS
from training.config.arm_config import arm_config
from training.config.build_recipe import recipe_content, recipe_from_dict, recipe_text
from training.config.recipe_files import (
    RECIPES,
    completed_by_base,
    read_given_recipe,
    read_recipe,
    recipe_names,
)
from training.runs.run_directory import RunDir
from training.schema.validation import ConfigError, to_dict


def written(path, text):
    path.write_text(text)
    return str(path)


def test_a_base_fills_in_missing_fields(tmp_path):
    text = 'about = "mine"\nbase = "modadd_ticket"\nbase_arms = ["dense"]\n[task]\np = 31\n'
    text += '[arms.random]\nmethod = "random"\n[arms.dense]\nmax_steps = 40_000\n'
    recipe, _ = read_recipe(written(tmp_path / "mine.toml", text))
    base, _ = read_recipe("modadd_ticket")
    assert (recipe.name, recipe.about, recipe.collection) == ("mine", "mine", "")
    assert to_dict(recipe)["task"] == to_dict(base)["task"] | {"p": 31}
    assert list(recipe.arms) == ["dense", "random"]
    assert recipe.arms["dense"].settle_steps == base.arms["dense"].settle_steps
    assert recipe.arms["dense"].max_steps == 40_000 and recipe.arms["random"].max_steps == 30_000


def test_the_papers_recipes_share_their_dense_networks():
    dense = arm_config(read_recipe("modadd_ticket")[0], "dense", 0)
    sharing = ("m_timing", "m_prune_rates", "m_norms", "m_pai", "m_no_wd", "filan_overlap")
    assert all(arm_config(read_recipe(name)[0], "dense", 0) == dense for name in sharing)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('base = "nothing"', "base: expected one of .*modadd_fast, .*, got 'nothing'"),
        ('base_arms = ["dense"]', "base_arms: expected none without a base, got"),
        ('base = "modadd_fast"\nbase_arms = ["sparse"]', "base_arms: expected some of dense, .*'sparse'"),
        ('[arms."at_{sparsity}"]\nmethod = "random"', r"arms.at_\{sparsity\}.sparsity: expected a list"),
        ('[arms."at_{sparsity}"]\nsparsity = []', r"arms.at_\{sparsity\}.sparsity: expected a list"),
        ('[arms."{task.name}"]\ntask = 3', r"arms.\{task.name\}.task.name: expected a list of values, got"),
        ('[arms."{a}_{b}"]\na = [1]', r"arms.\{a\}_\{b\}.b: expected a list of values, got None"),
    ],
)
def test_mistakes_are_one_line(tmp_path, text, message):
    with pytest.raises(ConfigError, match=f"^{message}"):
        read_recipe(written(tmp_path / "wrong.toml", text))


def test_overrides_reach_an_arm_made_by_a_pattern():
    recipe, _ = read_recipe("m_timing", ["arms.taken_at_2000.max_steps=3000"])
    assert recipe.arms["taken_at_2000"].max_steps == 3000
    assert recipe.arms["taken_at_4000"].max_steps == 10_000


def test_a_collection_is_listed_by_its_name():
    names = recipe_names("minegishi")
    assert {"modadd_ticket", "m_timing", "m_ops"} <= set(names) and "filan_overlap" not in names
    with pytest.raises(ConfigError, match="--all-of: expected one of he, minegishi, nanda, got 'nobody'"):
        recipe_names("nobody")


def test_recipes_are_in_folders_of_at_most_fourteen_and_read_by_name(tmp_path, monkeypatch):
    folders = [RECIPES, *(path for path in RECIPES.iterdir() if path.is_dir())]
    assert all(len(list(folder.iterdir())) <= 14 for folder in folders)
    monkeypatch.setattr("training.config.recipe_files.RECIPES", tmp_path)
    for folder in ("mine", "theirs"):
        (tmp_path / folder).mkdir()
        written(tmp_path / folder / f"{folder}_one.toml", "[arms.dense]\nmax_steps = 1")
    assert recipe_names() == ["mine_one", "theirs_one"]
    written(tmp_path / "mine" / "based.toml", 'base = "theirs_one"\nbase_arms = ["dense"]')
    assert read_recipe("based")[0].arms["dense"].max_steps == 1
    written(tmp_path / "theirs" / "mine_one.toml", "")
    with pytest.raises(
        ConfigError, match=r"theirs/mine_one\.toml: another recipe has this name, .*rename one"
    ):
        recipe_names()


def test_content_without_a_base_is_unchanged():
    content = {"name": "x", "arms": {"dense": {}}}
    assert completed_by_base(content) == content


QUICK = """
base = "m_parity"
base_arms = ["dense"]
seeds = [3, 4]
[arms."at_{sparsity}"]
method = "random"
sparsity = [0.5, 0.6, 0.7]
min_steps = 10_000
[quick]
max_steps = 500
task.n_train = 100
optimizer.lr = 0.5
[quick.arms."at_{sparsity}"]
sparsity = [0.5]
max_steps = 200
"""


def test_the_quick_version_has_one_seed_few_steps_and_the_fields_of_quick(tmp_path):
    path = written(tmp_path / "mine.toml", QUICK)
    full, quick = read_recipe(path)[0], read_recipe(path, quick=True)[0]
    assert (full.seeds, full.note, len(full.arms)) == ((3, 4), "", 4)
    assert quick.seeds == (3,)
    assert {name: (arm.min_steps, arm.max_steps) for name, arm in quick.arms.items()} == {
        "dense": (0, 500),
        "at_0.5": (200, 200),
    }
    assert (quick.task.n_train, quick.optimizer.lr) == (100, 0.5)
    assert quick.note == "quick: seed 3, at most 500 steps, n_train 100, lr 0.5"
    assert read_recipe(path, ["note=mine", "seeds=[5]"], quick=True)[0].note == "mine"
    assert "seed 5," in read_recipe(path, ["seeds=[5]"], quick=True)[0].note


def test_a_quick_version_is_inherited_below_the_recipes_fields(tmp_path):
    written(
        tmp_path / "mine.toml", 'base = "modadd_ticket"\nbase_arms = ["dense"]\n[task]\nfrac_train = 0.9\n'
    )
    base, mine = (read_recipe(name, quick=True)[0] for name in ("modadd_ticket", str(tmp_path / "mine.toml")))
    assert base.task.frac_train > read_recipe("modadd_ticket")[0].task.frac_train
    assert mine.task.frac_train == 0.9 and "frac_train 0.9" in mine.note
    assert mine.arms["dense"] == base.arms["dense"]


def test_every_recipe_has_a_quick_version_that_is_shorter():
    for name in recipe_names():
        full, quick = read_recipe(name)[0], read_recipe(name, quick=True)[0]
        budget, less = (sum(a.max_steps for a in r.arms.values()) * len(r.seeds) for r in (full, quick))
        assert less < budget and quick.note.startswith("quick: seed"), name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("quick = 3", "quick: expected a table of fields, got 3"),
        ("[quick]\nmax_steps = 0.5", "quick.max_steps: expected a whole number from 0, got 0.5"),
        ("seeds = 3\n[quick]\n", "seeds: expected a list of whole numbers, got 3"),
        ("[quick]\nstep = 3", "step: unknown field"),
        ("[quick]\narms = 3", "arms: expected a table, got 3"),
    ],
)
def test_mistakes_of_a_quick_version_are_one_line(tmp_path, text, message):
    with pytest.raises(ConfigError, match=f"^{message}"):
        read_recipe(written(tmp_path / "wrong.toml", text), quick=True)


# --- saved recipes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("quick", [False, True])
def test_the_resolved_text_of_every_recipe_gives_its_config(tmp_path, quick):
    for name in recipe_names():
        given = read_given_recipe(name, quick=quick)
        path = written(tmp_path / "recipe.toml", recipe_text(given.recipe, given.bases))
        saved = read_given_recipe(path)
        assert saved.recipe == given.recipe and saved.folder is None
        assert json.dumps(recipe_content(saved.recipe)) == json.dumps(to_dict(given.recipe))


def test_the_resolved_text_holds_overrides_grids_and_templates(tmp_path):
    text = 'base = "m_transformer"\nbase_arms = ["dense"]\nseeds = ["0:4:2", 9]\n[grid]\ntask.p = [23, 29]\n'
    text += '[arms."at_{sparsity}"]\nmethod = "random"\nsparsity = [0.5, 0.6]\n'
    recipe = read_recipe(written(tmp_path / "mine.toml", text), ["optimizer.lr=.02"])[0]
    assert (recipe.seeds, len(recipe.arms), recipe.optimizer.lr) == ((0, 2, 9), 6, 0.02)
    saved = read_recipe(written(tmp_path / "other.toml", recipe_text(recipe, {})))[0]
    assert saved == recipe and saved.name == "mine"


def test_an_arms_default_in_place_of_the_recipes_value_is_saved():
    """Config leaves out attention_rate at its default, which the recipe's value would replace."""
    model = {"name": "transformer", "attention_rate": 0.5}
    arms = {"pizza": {}, "clock": {"model": {"attention_rate": 1.0}}}
    recipe = recipe_from_dict({"name": "x", "task": {"p": 11}, "model": model, "arms": arms})
    assert recipe.setting("clock").model.attention_rate == 1.0
    assert recipe_from_dict(recipe_content(recipe)) == recipe


def begun(path, recipe):
    """Return the folder of a run with a config and an empty folder of arms."""
    run = RunDir(path)
    run.write_recipe(recipe_text(recipe, {}), recipe_content(recipe))
    (path / "arms").mkdir()
    return run


def test_the_folder_of_a_run_is_a_recipe(tmp_path, monkeypatch):
    recipe = read_recipe("modadd_fast", ["pruning.sparsity=.7", "name=mine"])[0]
    run = begun(tmp_path / "runs" / "mine", recipe)
    for path in (run.path, run.path / "config.json", run.path / "recipe.toml"):
        given = read_given_recipe(str(path))
        assert (given.recipe, given.folder, given.text) == (recipe, run.path, "")
    other = read_given_recipe(str(run.path), ["name=other"])
    assert (other.recipe.name, other.folder) == ("other", tmp_path / "runs" / "other")
    assert read_given_recipe(str(run.path), quick=True).folder is None
    run.path.rename(tmp_path / "runs" / "renamed")
    given = read_given_recipe(str(tmp_path / "runs" / "renamed"))
    assert (given.folder.name, given.recipe) == ("renamed", replace(recipe, name="renamed"))
    monkeypatch.chdir(given.folder)
    assert read_given_recipe(".").folder == given.folder.resolve()
    (tmp_path / "config.json").write_text(json.dumps(to_dict(recipe)))  # as from an e-mail: no run
    sent = read_given_recipe(str(tmp_path / "config.json"))
    assert (sent.recipe, sent.folder) == (recipe, None)


def test_a_recipe_of_the_package_wins_over_a_folder_unless_there_is_a_slash(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    begun(tmp_path / "modadd_fast", read_recipe("modadd_fast", ["seeds=[7]"])[0])
    assert read_given_recipe("modadd_fast").recipe.seeds == (0, 1, 2)
    assert read_given_recipe("./modadd_fast").recipe.seeds == (7,)
    assert read_given_recipe("modadd_fast/").recipe.seeds == (7,)


def test_a_base_may_be_a_file_or_a_run_beside_the_recipe(tmp_path):
    (tmp_path / "below").mkdir()
    common = written(
        tmp_path / "common.toml", 'base = "modadd_fast"\nbase_arms = ["dense"]\n[task]\np = 23\n'
    )
    text = 'base = "../common.toml"\nbase_arms = ["dense"]\n[arms.random]\nmethod = "random"\n'
    given = read_given_recipe(written(tmp_path / "below" / "mine.toml", text))
    assert given.recipe.task.p == 23 and list(given.recipe.arms) == ["dense", "random"]
    assert list(given.bases) == ["../common.toml", "modadd_fast"]
    assert (
        given.bases["../common.toml"] == hashlib.sha256((tmp_path / "common.toml").read_bytes()).hexdigest()
    )
    begun(tmp_path / "run", read_recipe(common)[0])
    other = written(tmp_path / "other.toml", 'base = "./run"\nbase_arms = ["dense"]\n')
    assert read_recipe(other)[0].task.p == 23


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('base = "wrong.toml"', "base: expected a recipe that is not made from this one, got 'wrong.toml'"),
        ('base = "./nowhere.toml"', r"base: expected a file or the folder of a run, and \S+nowhere.toml is"),
        ("base = 3", "base: expected the name or the path of a recipe, got 3"),
        ('base = "."', r"base: expected the folder of a run, and \S+ has no config.json"),
        ("seeds = ['5:5']", "seeds: expected a range of 1 to 10,000 seeds, got '5:5'"),
        ("seeds = ['0:99999']", "seeds: expected a range of 1 to 10,000 seeds, got"),
        ("seeds = ['0:9:0']", "seeds: expected a step from 1, got '0:9:0'"),
        ("seeds = ['-1:3']", "seeds: expected a whole number, or a range START:STOP"),
        ("seeds = ['0:3', 1]\n[arms.dense]", "seeds: expected one or more different whole numbers from 0"),
    ],
)
def test_mistakes_of_bases_and_ranges_are_one_line(tmp_path, text, message):
    with pytest.raises(ConfigError, match=f"^{message}"):
        read_recipe(written(tmp_path / "wrong.toml", text))


def test_a_recipe_cannot_have_the_name_of_a_command(tmp_path):
    assert not {*VERBS} & {*recipe_names()}
    for verb in VERBS:
        with pytest.raises(ConfigError, match=f"^name: expected none of the commands .*, got '{verb}'"):
            read_recipe(written(tmp_path / f"{verb}.toml", "[arms.dense]"))


@pytest.mark.parametrize(
    "seeds", ['seeds = "0:3"', "seeds = ['0:3']", "seeds = [0, '1:3']", "seeds = '0 1:3'"]
)
def test_seeds_are_numbers_and_ranges(tmp_path, seeds):
    path = written(tmp_path / "mine.toml", f"{seeds}\n[arms.dense]\nmax_steps = 3\n")
    assert read_recipe(path)[0].seeds == (0, 1, 2)
    assert read_recipe(path, quick=True)[0].seeds == (0,)
    assert read_recipe(path, ["seeds=4:8:3"])[0].seeds == (4, 7)
