"""Recipe files: bases, arms by pattern, quick versions."""

import pytest

from training.config.arm_config import arm_config
from training.config.recipe_files import RECIPES, completed_by_base, read_recipe, recipe_names
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
