"""Search for a critical sparsity on planted outcomes."""

import numpy as np
import pytest

from training.config.build_recipe import recipe_from_dict
from training.execution.sparsity_search import refined
from training.runs.run_directory import RunDir
from training.schema.overrides import override
from training.schema.validation import ConfigError


@pytest.fixture
def searching(content):
    """Return a function that makes a recipe with tickets and a search."""

    def make(*sparsities, **refine):
        for sparsity in sparsities:
            ticket = {"method": "magnitude", "source": "dense", "sparsity": sparsity, "max_steps": 90}
            content["arms"][f"ticket_{sparsity}"] = ticket
        content["seeds"] = [0, 1, 2]
        content["refine"] = {"like": f"ticket_{sparsities[0]}"} | refine
        return recipe_from_dict(content)

    return make


def outcome(run, arm, seed, generalises):
    files = run.arm(arm, seed)
    accuracy = np.array([0.1, 1.0 if generalises else 0.2])
    files.write_metrics({"step": np.array([0, 10]), "train_acc": accuracy, "test_acc": accuracy})
    files.finish({"hash": "", "config": {}, "steps": 10, "source": None})


def settle(recipe, run, critical):
    """Return the last recipe of a search and the sparsities that were tried."""
    tried = []
    while True:
        for name, arm in recipe.arms.items():
            if arm.sparsity is not None:
                for seed in recipe.seeds:
                    if not run.arm(name, seed).done():
                        outcome(run, name, seed, arm.sparsity <= critical[seed])
        bigger = refined(recipe, run)
        if bigger == recipe:
            return recipe, tried
        tried += [arm.sparsity for name, arm in bigger.arms.items() if name not in recipe.arms]
        recipe = bigger


@pytest.mark.parametrize("critical", [0.505, 0.635, 0.72, 0.7999, 0.81, 0.895])
def test_bisection_ends_at_neighbours_around_the_critical_sparsity(searching, tmp_path, critical):
    recipe, tried = settle(searching(0.5, 0.7, 0.8, 0.9), RunDir(tmp_path), [critical] * 3)
    sparsities = {0.5, 0.7, 0.8, 0.9, *tried}
    below = max(s for s in sparsities if s <= critical)
    above = min(s for s in sparsities if s > critical)
    assert above - below == pytest.approx(0.01) and len(tried) <= 5
    assert all(round(s, 2) == s and recipe.arms[f"ticket_{s}"].sparsity == s for s in tried)


def test_the_majority_of_seeds_decides(searching, tmp_path):
    _, tried = settle(searching(0.5, 0.9, resolution=0.1), RunDir(tmp_path), [0.55, 0.75, 0.85])
    assert sorted(tried) == [0.7, 0.8]


def test_the_search_waits_until_every_seed_is_trained(searching, tmp_path):
    recipe, run = searching(0.5, 0.9), RunDir(tmp_path)
    for arm, seed in [(a, s) for a in ("ticket_0.5", "ticket_0.9") for s in (0, 1, 2)]:
        assert refined(recipe, run) == recipe
        outcome(run, arm, seed, arm == "ticket_0.5")
    assert list(refined(recipe, run).arms)[-1] == "ticket_0.7"


def test_a_skipped_arm_counts_as_not_generalised(searching, tmp_path):
    recipe, run = searching(0.5, 0.9), RunDir(tmp_path)
    for seed in (0, 1, 2):
        outcome(run, "ticket_0.5", seed, True)
        run.arm("ticket_0.9", seed).skip({"hash": "", "reason": "a layer would be left without a weight"})
    assert "ticket_0.7" in refined(recipe, run).arms


@pytest.mark.parametrize("generalises", [True, False])
def test_without_a_bracket_there_is_nothing_to_search(searching, tmp_path, generalises):
    recipe, run = searching(0.5, 0.9), RunDir(tmp_path)
    for arm, seed in [(a, s) for a in ("ticket_0.5", "ticket_0.9") for s in (0, 1, 2)]:
        outcome(run, arm, seed, generalises)
    assert refined(recipe, run) == recipe


def test_only_arms_that_differ_in_sparsity_alone_are_compared(searching, content, tmp_path):
    override(content, "arms.random.sparsity=0.8")
    recipe, run = searching(0.5, 0.6), RunDir(tmp_path)
    for arm in ("ticket_0.5", "ticket_0.6", "random"):
        for seed in (0, 1, 2):
            outcome(run, arm, seed, arm != "random")
    assert refined(recipe, run) == recipe


@pytest.mark.parametrize(
    ("refine", "message"),
    [
        ({"like": "nobody"}, "refine.like: expected one of grokked_ticket, random, .*got 'nobody'"),
        ({"like": "dense"}, "refine.like: expected one of grokked_ticket, .*got 'dense'"),
        ({"resolution": 0.0}, "refine.resolution: expected a number in .0, 1., got 0.0"),
    ],
)
def test_wrong_settings_are_one_line(searching, refine, message):
    with pytest.raises(ConfigError, match=f"^{message}"):
        searching(0.5, **refine)
