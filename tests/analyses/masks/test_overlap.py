import numpy as np
import pytest

from analyses.masks.overlap import overlap_table
from analyses.masks.summary import MOST_PAIRS, printed_overlaps
from interp.masks.random_masks import random_mask, shuffled_mask

SHAPES = {"W_E": (60, 50), "W_U": (50, 40)}


def overlaps(last_masks, **roots):
    """Return overlaps of arms without a common root unless one is given."""
    return overlap_table(last_masks, {arm: roots.get(arm, arm) for arm, _ in last_masks})


def uneven(rng):
    """Return a mask of 60 % of one layer and 10 % of another."""
    return {
        name: rng.random(shape) < share
        for (name, shape), share in zip(SHAPES.items(), (0.6, 0.1), strict=True)
    }


def whole_masks(table):
    return table[table["layer"] == "global"].set_index(["arm_a", "seed_a", "arm_b", "seed_b"])


def test_only_arms_of_one_seed_and_seeds_of_one_arm_are_compared():
    rng = np.random.default_rng(0)
    table = overlaps({(arm, seed): uneven(rng) for arm in "ab" for seed in (0, 1)})
    assert set(whole_masks(table).index) == {
        ("a", 0, "b", 0),
        ("a", 1, "b", 1),
        ("a", 0, "a", 1),
        ("b", 0, "b", 1),
    }
    assert set(table["layer"]) == {"W_E", "W_U", "global"}


def test_layer_densities_alone_explain_nothing_beyond_chance():
    rng = np.random.default_rng(1)
    mask = uneven(rng)
    table = whole_masks(overlaps({("a", 0): mask, ("b", 0): shuffled_mask(mask, rng), ("c", 0): mask}))
    shuffled, same = table.loc[("a", 0, "b", 0)], table.loc[("a", 0, "c", 0)]
    assert abs(shuffled["z"]) < 4 and abs(shuffled["excess"]) < 0.02
    assert shuffled["flat_excess"] > 0.1  # the masks favour one layer, and flat chance does not know
    assert same["overlap"] == same["excess"] == same["flat_excess"] == 1 and same["z"] > 40


def test_numbers_of_one_pair():
    a = {"W_E": np.array([[True, True, False, False]]), "W_U": np.array([[True, False]])}
    b = {"W_E": np.array([[True, False, True, False]]), "W_U": np.array([[True, False]])}
    row = whole_masks(overlaps({("a", 0): a, ("b", 0): b})).iloc[0]
    assert row["overlap"] == pytest.approx(2 / 4)
    assert row["chance"] == row["flat_chance"] == pytest.approx(1 / 3)  # all densities are one half
    assert row["excess"] == pytest.approx((2 / 4 - 1 / 3) / (1 - 1 / 3))
    assert row["z"] == pytest.approx(0.5 / np.sqrt(1 / 3 + 1 / 4))


def test_networks_of_other_shapes_are_not_compared():
    a = {"W_E": np.array([[True, False]])}
    assert overlaps({("a", 0): a, ("b", 0): {"W_E": a["W_E"].T}}).empty
    assert overlaps({("a", 0): a}).empty


def test_of_many_pairs_the_farthest_from_chance_are_shown():
    rng = np.random.default_rng(2)
    last = {(f"arm_{i}", seed): random_mask(SHAPES, 0.4, rng) for i in range(8) for seed in (0, 1)}
    last["twin", 0], last["twin", 1] = last["arm_7", 0], last["arm_7", 1]
    text = printed_overlaps(overlaps(last)).text()
    assert "arm 7 and twin" in text and f"{MOST_PAIRS} of 36 pairs" in " ".join(text.split())
    assert "9 pairs of 9 arms" in " ".join(text.split()) and max(map(len, text.splitlines())) <= 100
    assert "arm 7 and twin is clearly off chance" in " ".join(text.split())


def test_equal_masks_of_related_arms_are_no_finding():
    mask = uneven(np.random.default_rng(3))
    last = {("dense", 0): mask, ("ticket", 0): mask, ("other", 0): mask}
    table = whole_masks(overlaps(last, ticket="dense"))
    marked = {(a, b): mark for (a, _, b, _), mark in table["by_construction"].items()}
    assert marked == {("dense", "ticket"): True, ("dense", "other"): False, ("ticket", "other"): False}
    rows = {(row["arm"], row["and arm"]): row for row in printed_overlaps(table.reset_index()).rows}
    assert rows["dense", "ticket"]["z"] == "by construction"
    assert float(rows["dense", "other"]["z"]) > 40


def test_pairs_are_compared_with_an_arms_seeds():
    rng = np.random.default_rng(4)
    last = {(arm, seed): random_mask(SHAPES, 0.4, rng) for arm in "abc" for seed in (0, 1)}
    table = overlaps(last)
    excess = whole_masks(table).reset_index().groupby(["arm_a", "arm_b"])["excess"].mean()
    control = max(abs(excess[arm, arm]) for arm in "abc")
    assert all(abs(excess[a, b]) < 2 * control for a, b in excess.index)
    assert "no pair of arms is clearly off chance" in printed_overlaps(table).conclusion
    of_one_seed = table.query("seed_a == 0 and seed_b == 0")
    assert "One seed: no control." in printed_overlaps(of_one_seed).conclusion
