"""What a recipe's file may leave to another, and arms that stand for many."""

import pytest

from training.fields import ConfigError, to_dict
from training.recipe_files import based, expanded, read_recipe, recipe_names


def written(path, text):
    path.write_text(text)
    return str(path)


def test_a_base_gives_what_is_not_said(tmp_path):
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
    dense = read_recipe("modadd_ticket")[0].arm_config("dense", 0)
    sharing = ("m_timing", "m_prune_rates", "m_norms", "m_pai", "m_no_wd", "filan_overlap")
    assert all(read_recipe(name)[0].arm_config("dense", 0) == dense for name in sharing)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('base = "nothing"', "base: expected one of .*modadd_fast, .*, got 'nothing'"),
        ('base_arms = ["dense"]', "base_arms: expected none without a base, got"),
        ('base = "modadd_fast"\nbase_arms = ["sparse"]', "base_arms: expected some of dense, .*'sparse'"),
        ('[arms."at_{sparsity}"]\nmethod = "random"', r"arms.at_\{sparsity\}.sparsity: expected a list"),
        ('[arms."at_{sparsity}"]\nsparsity = []', r"arms.at_\{sparsity\}.sparsity: expected a list"),
        ('[arms."{task.name}"]\ntask = 3', r"arms.\{task.name\}.task.name: expected a list of values, got"),
        ('[arms."{a}_{b}"]\na = [1]', "arms: expected a name with one field in braces at most"),
    ],
)
def test_mistakes_are_one_line(tmp_path, text, message):
    with pytest.raises(ConfigError, match=f"^{message}"):
        read_recipe(written(tmp_path / "wrong.toml", text))


def test_a_field_in_braces_makes_an_arm_for_every_value():
    arms = expanded(
        {
            "{task.name}_dense": {"task": {"name": ["sub", "mul"], "p": 7}},
            "{task.name}_ticket": {"task": {"name": ["sub", "mul"]}, "source": "{task.name}_dense"},
        }
    )
    assert list(arms) == ["sub_dense", "mul_dense", "sub_ticket", "mul_ticket"]
    assert arms["mul_dense"] == {"task": {"name": "mul", "p": 7}}
    assert arms["sub_ticket"] == {"task": {"name": "sub"}, "source": "sub_dense"}
    assert expanded(arms) == arms


def test_overrides_reach_an_arm_that_was_made_so():
    recipe, _ = read_recipe("m_timing", ["arms.taken_at_2000.max_steps=3000"])
    assert recipe.arms["taken_at_2000"].max_steps == 3000
    assert recipe.arms["taken_at_4000"].max_steps == 10_000


def test_a_collection_is_found_by_its_name():
    names = recipe_names("minegishi")
    assert {"modadd_ticket", "m_timing", "m_ops"} <= set(names) and "filan_overlap" not in names
    with pytest.raises(ConfigError, match="--all-of: expected one of he, minegishi, nanda, got 'nobody'"):
        recipe_names("nobody")


def test_content_without_a_base_stays_as_it_is():
    content = {"name": "x", "arms": {"dense": {}}}
    assert based(content) == content
