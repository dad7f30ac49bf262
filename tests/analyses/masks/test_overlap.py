import numpy as np
import pytest

from analyses.masks.overlap import MOST_PAIRS, overlap_table, show_overlaps
from interp.masks.random_masks import random_mask, shuffled_mask

SHAPES = {"W_E": (60, 50), "W_U": (50, 40)}


def uneven(rng):
    """60 % of one layer and 10 % of the other."""
    return {
        name: rng.random(shape) < share
        for (name, shape), share in zip(SHAPES.items(), (0.6, 0.1), strict=True)
    }


def own_rows(table, layer="global"):
    return table[table["layer"] == layer].set_index(["arm_a", "seed_a", "arm_b", "seed_b"])


def test_arms_of_a_seed_and_seeds_of_an_arm_and_no_others():
    rng = np.random.default_rng(0)
    table = overlap_table({(arm, seed): uneven(rng) for arm in "ab" for seed in (0, 1)})
    assert set(own_rows(table).index) == {
        ("a", 0, "b", 0),
        ("a", 1, "b", 1),
        ("a", 0, "a", 1),
        ("b", 0, "b", 1),
    }
    assert set(table["layer"]) == {"W_E", "W_U", "global"}


def test_layer_densities_alone_explain_nothing_beyond_chance():
    rng = np.random.default_rng(1)
    mask = uneven(rng)
    table = own_rows(overlap_table({("a", 0): mask, ("b", 0): shuffled_mask(mask, rng), ("c", 0): mask}))
    shuffled, same = table.loc[("a", 0, "b", 0)], table.loc[("a", 0, "c", 0)]
    assert abs(shuffled["z"]) < 4 and abs(shuffled["excess"]) < 0.02
    assert shuffled["flat_excess"] > 0.1  # the masks favour one layer, and flat chance does not know
    assert same["overlap"] == same["excess"] == same["flat_excess"] == 1 and same["z"] > 40


def test_numbers_of_one_pair():
    a = {"W_E": np.array([[True, True, False, False]]), "W_U": np.array([[True, False]])}
    b = {"W_E": np.array([[True, False, True, False]]), "W_U": np.array([[True, False]])}
    row = own_rows(overlap_table({("a", 0): a, ("b", 0): b})).iloc[0]
    assert row["overlap"] == pytest.approx(2 / 4)
    assert row["chance"] == row["flat_chance"] == pytest.approx(1 / 3)  # all densities are one half
    assert row["excess"] == pytest.approx((2 / 4 - 1 / 3) / (1 - 1 / 3))
    assert row["z"] == pytest.approx(0.5 / np.sqrt(1 / 3 + 1 / 4))


def test_networks_of_other_shapes_are_not_compared():
    a = {"W_E": np.array([[True, False]])}
    assert overlap_table({("a", 0): a, ("b", 0): {"W_E": a["W_E"].T}}).empty
    assert show_overlaps(overlap_table({("a", 0): a})) == ""


def test_of_many_pairs_the_farthest_from_chance_are_shown():
    rng = np.random.default_rng(2)
    last = {(f"arm_{i}", seed): random_mask(SHAPES, 0.4, rng) for i in range(8) for seed in (0, 1)}
    last["twin", 0], last["twin", 1] = last["arm_7", 0], last["arm_7", 1]
    text = show_overlaps(overlap_table(last))
    assert "arm 7 and twin" in text and f"{MOST_PAIRS} of 36 pairs" in text
    assert "9 pairs of 9 arms" in text and max(map(len, text.splitlines())) <= 100
