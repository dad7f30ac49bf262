"""Iterative magnitude pruning written as one arm with rounds."""

import json

import numpy as np
import pytest

from interp.masks.topk import keep_count
from training.config.build_recipe import recipe_from_dict
from training.config.listing import listing
from training.config.recipe_files import read_recipe
from training.config.shorthand.rounds import Rounds, expand_rounds
from training.models.weight_names import prunable
from training.schema.validation import ConfigError, to_dict

DENSE = "[arms.dense]\nmin_steps = 40\nmax_steps = 40\n"
IMP = '[arms.imp]\nmethod = "imp"\nsource = "dense"\n'


@pytest.fixture
def recipe_of(tmp_path):
    """Return a function that reads a recipe's text, with overrides."""

    def read(text, *overrides, **options):
        path = tmp_path / "rounds.toml"
        path.write_text(text)
        return read_recipe(str(path), overrides, **options)[0]

    return read


def test_rounds_are_the_arms_that_one_would_write_by_hand(recipe_of):
    short = (
        IMP
        + "rounds = 3\nprune_per_round = 0.2\nfrom_step = 20\nmax_steps = 30\n[arms.imp.optimizer]\nlr = 0.01"
    )
    by_hand = "".join(
        f'[arms.imp_{k}]\nmethod = "imp"\nsource = "{source}"\nfrom_step = 20\nmax_steps = 30\n'
        f"sparsity = {sparsity}\noptimizer = {{ lr = 0.01 }}\n"
        for k, source, sparsity in ((1, "dense", 0.2), (2, "imp_1", 0.36), (3, "imp_2", 0.488))
    )
    measure = "[measure]\ncheckpoints = [{every = 10}]\n"
    recipe = recipe_of(measure + DENSE + short)
    assert json.dumps(to_dict(recipe)) == json.dumps(to_dict(recipe_of(measure + DENSE + by_hand)))
    assert [recipe.role(arm) for arm in recipe.arms] == ["dense", "ticket", "ticket", "ticket"]
    assert recipe_from_dict(to_dict(recipe)) == recipe  # as config.json holds it


@pytest.mark.parametrize(("rounds", "last"), [(1, 0.6), (5, 0.6), (20, 0.995), (3, 0.5)])
def test_a_final_sparsity_is_met_by_equal_shares_of_the_remaining_weights(rounds, last):
    sparsities = Rounds(rounds=rounds).sparsities(last)
    kept = 1 - np.array([0, *sparsities])
    assert len(sparsities) == rounds and sparsities[-1] == last
    np.testing.assert_allclose(kept[1:] / kept[:-1], (1 - last) ** (1 / rounds), rtol=1e-6)


def test_without_share_and_sparsity_the_last_round_has_the_recipes_sparsity(recipe_of):
    text = DENSE + IMP + "rounds = 4\n"
    assert recipe_of(text).sparsity("imp_4") == recipe_of(text).pruning.sparsity == 0.6
    changed = recipe_of(text, "pruning.sparsity=0.9375")
    assert [changed.sparsity(f"imp_{k}") for k in range(1, 5)] == [0.5, 0.75, 0.875, 0.9375]
    assert list(recipe_of(text, "arms.imp.rounds=2").arms) == ["dense", "imp_1", "imp_2"]


def test_who_names_an_arm_of_rounds_as_source_gets_its_last_round(recipe_of):
    shuffled = '[arms.shuffled]\nmethod = "shuffled"\nsource = "imp"\n'
    assert recipe_of(DENSE + shuffled + IMP + "rounds = 3\n").arms["shuffled"].source == "imp_3"


def test_expanding_rounds_twice_changes_nothing_more():
    arms = {"dense": {}, "imp": {"method": "imp", "source": "dense", "rounds": 2, "sparsity": 0.75}}
    content = expand_rounds({"arms": arms}, 0.6)
    assert content["arms"]["imp_2"] == {"method": "imp", "source": "imp_1", "sparsity": 0.75}
    assert expand_rounds(content, 0.6) == content


def test_a_grid_splits_whole_chains_and_counts_their_networks(recipe_of):
    text = "seeds = [0, 1]\n[grid]\noptimizer.lr = [0.001, 0.01]\nsparsity = [0.5, 0.9]\n" + DENSE + IMP
    recipe = recipe_of(text + "rounds = 2\n")
    assert recipe.arms["imp_lr0.01_sparsity0.9_2"].source == "imp_lr0.01_sparsity0.9_1"
    assert recipe.arms["imp_lr0.01_sparsity0.9_1"].source == "dense_lr0.01"
    assert recipe.sparsity("imp_lr0.01_sparsity0.9_2") == 0.9 and len(recipe.arms) == 2 + 4 * 2
    ticket = '[arms.ticket]\nmethod = "magnitude"\nsource = "dense"\n'
    recipe = recipe_of(text + "rounds = 2\nprune_per_round = 0.2\n" + ticket)
    assert [arm for arm in recipe.arms if arm.startswith("imp")] == [
        *(f"imp_lr{lr}_{k}" for lr in (0.001, 0.01) for k in (1, 2))
    ]
    with pytest.raises(ConfigError, match=r"at most 400 networks, got 1,604 \(802 arms, 2 seeds each\)"):
        recipe_of(text + "rounds = 200\n", most_networks=400)


@pytest.mark.parametrize("scope", ["global", "layer"])
def test_trained_masks_are_nested_and_as_sparse_as_the_closed_form(scope, content, train_all, tmp_path):
    short = {"min_steps": 20, "max_steps": 20}
    imp = {"method": "imp", "source": "dense", "rounds": 4, "prune_per_round": 0.3, "from_step": 20}
    content["arms"] = {"dense": short, "imp": imp | short}
    content["pruning"] = {"require_generalised": False, "scope": scope}
    recipe = recipe_from_dict(expand_rounds(content, 0.6))
    run, skipped = train_all(recipe, tmp_path / "rounds")
    assert skipped == []
    shapes = prunable(recipe.setting("dense").shapes())
    sizes = {name: int(np.prod(shape)) for name, shape in shapes.items()}
    dense = run.arm("dense", 0)
    before = {name: np.ones(shape, bool) for name, shape in shapes.items()}
    for k in range(1, 5):
        arm = run.arm(f"imp_{k}", 0)
        mask = arm.mask()
        assert all((mask[name] <= before[name]).all() for name in shapes)
        kept = {name: int(is_kept.sum()) for name, is_kept in mask.items()}
        if scope == "layer":
            assert kept == {name: keep_count(size, 0.7**k) for name, size in sizes.items()}
        assert sum(kept.values()) == sum(
            keep_count(size, 0.7**k)
            for size in (sizes.values() if scope == "layer" else [sum(sizes.values())])
        )
        for name in shapes:  # rewound to step 20 of the dense network
            at_start = dense.checkpoints(name)[name][dense.steps() == 20][0]
            np.testing.assert_array_equal(arm.checkpoints(name)[name][0], np.where(mask[name], at_start, 0))
        before = mask


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            "rounds = 5\nprune_per_round = 0.2\nsparsity = 0.6",
            "arms.imp: expected prune_per_round or sparsity, got both",
        ),
        ("rounds = 0", "arms.imp.rounds: expected a whole number from 1 to 1,000, got 0"),
        ("rounds = 1001", "arms.imp.rounds: expected a whole number from 1 to 1,000, got 1001"),
        ("rounds = 2.5", "arms.imp.rounds: expected a whole number, got 2.5"),
        (
            "rounds = 5\nprune_per_round = 1.0",
            r"arms.imp.prune_per_round: expected a number in \(0, 1\), got 1.0",
        ),
        (
            "rounds = 5\nprune_per_round = 20",
            r"arms.imp.prune_per_round: expected a number in \(0, 1\), got 20",
        ),
        ("rounds = 5\nsparsity = 1.0", r"arms.imp.sparsity: expected a number in \(0, 1\), got 1.0"),
        ("rounds = 5\nsparsity = 'much'", r"arms.imp.sparsity: expected a number in \(0, 1\), got 'much'"),
        (
            "prune_per_round = 0.2",
            "arms.imp.rounds: expected the number of rounds beside prune_per_round, got none",
        ),
        (
            "rounds = 200\nprune_per_round = 0.2",
            "arms.imp: expected each of 200 rounds to remove weights and to",
        ),
        ("rounds = 2\nlevels = 3", "arms.imp_1.levels: unknown field"),
    ],
)
def test_mistakes_of_rounds_are_one_line(recipe_of, fields, message):
    with pytest.raises(ConfigError, match=f"^{message}") as error:
        recipe_of(DENSE + IMP + fields)
    assert "\n" not in str(error.value)


def test_other_methods_have_no_rounds_and_names_of_rounds_are_not_taken_twice(recipe_of):
    with pytest.raises(ConfigError, match=r"arms.ticket.method: expected 'imp' for .*, got 'magnitude'"):
        recipe_of(DENSE + '[arms.ticket]\nmethod = "magnitude"\nsource = "dense"\nrounds = 3\n')
    with pytest.raises(ConfigError, match=r"arms.imp_2: expected another name, got that of a round of imp"):
        recipe_of(DENSE + IMP + "rounds = 3\n[arms.imp_2]\n")


def test_the_list_of_fields_has_those_of_rounds():
    rows = {row["field"]: row["about"] for row in listing("fields").rows}
    assert rows["arms.NAME.rounds"].startswith("Rounds of method `imp`")
    assert rows["arms.NAME.prune_per_round"].startswith("Share of the remaining weights")
