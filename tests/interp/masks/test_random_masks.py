import collections
import itertools

import numpy as np
import pytest

from interp.masks.overlap import jaccard_distance
from interp.masks.random_masks import random_mask, rewired_mask, shuffled_mask
from interp.masks.topk import keep_count

SHAPES = {"W_E": (7, 30), "W_in": (30, 5)}


def test_random_mask_has_the_exact_global_count_and_near_equal_layers():
    rng = np.random.default_rng(0)
    for share in (0.05, 0.4, 1 / 3, 1.0):
        mask = random_mask(SHAPES, share, rng)
        assert sum(int(layer.sum()) for layer in mask.values()) == keep_count(360, share)
        assert {name: layer.shape for name, layer in mask.items()} == SHAPES
    large = random_mask({"a": (200, 200), "b": (100, 100)}, 0.4, rng)
    assert all(abs(layer.mean() - 0.4) < 0.02 for layer in large.values())


def test_shuffled_mask_keeps_every_layers_count_and_changes_the_places():
    mask = random_mask(SHAPES, 0.4, np.random.default_rng(1))
    before = {name: layer.copy() for name, layer in mask.items()}
    shuffled = shuffled_mask(mask, np.random.default_rng(2))
    for name, layer in mask.items():
        assert shuffled[name].shape == layer.shape and shuffled[name].sum() == layer.sum()
        assert (shuffled[name] != layer).any()
        np.testing.assert_array_equal(layer, before[name])


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng: random_mask(SHAPES, 0.4, rng)["W_E"],
        lambda rng: shuffled_mask({"W_E": np.arange(210).reshape(7, 30) < 80}, rng)["W_E"],
        lambda rng: rewired_mask(np.arange(210).reshape(7, 30) % 7 < 3, rng),
    ],
)
def test_random_masks_depend_on_the_generator_only(draw):
    np.testing.assert_array_equal(draw(np.random.default_rng(3)), draw(np.random.default_rng(3)))
    assert (draw(np.random.default_rng(3)) != draw(np.random.default_rng(4))).any()
    rng = np.random.default_rng(3)
    assert (draw(rng) != draw(rng)).any()


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 2), (7, 30), (30, 7), (67, 100)])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_rewiring_keeps_all_degrees(shape, share):
    rng = np.random.default_rng(5)
    mask = rng.random(shape) < share
    rewired = rewired_mask(mask, rng, rounds=7)
    np.testing.assert_array_equal(rewired.sum(axis=0), mask.sum(axis=0))
    np.testing.assert_array_equal(rewired.sum(axis=1), mask.sum(axis=1))


def test_rewiring_leaves_the_input_alone_and_zero_rounds_do_nothing():
    mask = np.eye(5, dtype=bool)
    rewired_mask(mask, np.random.default_rng(0))
    np.testing.assert_array_equal(mask, np.eye(5, dtype=bool))
    np.testing.assert_array_equal(rewired_mask(mask, np.random.default_rng(0), rounds=0), mask)


@pytest.mark.parametrize("transposed", [False, True])
def test_full_and_empty_rows_stay(transposed):
    mask = np.array([[True] * 4, [False] * 4, [True, True, False, False]])
    mask = mask.T if transposed else mask
    rewired = rewired_mask(mask, np.random.default_rng(0))
    np.testing.assert_array_equal(rewired.sum(axis=0), mask.sum(axis=0))
    np.testing.assert_array_equal(rewired.sum(axis=1), mask.sum(axis=1))


@pytest.mark.parametrize("start", [np.eye(3, dtype=bool), np.eye(2, 4, dtype=bool)])
def test_rewiring_visits_all_masks_of_the_degrees_equally(start):
    rows, columns = start.sum(axis=1), start.sum(axis=0)
    same = [
        np.array(bits).reshape(start.shape)
        for bits in itertools.product([False, True], repeat=start.size)
        if (np.array(bits).reshape(start.shape).sum(axis=1) == rows).all()
        and (np.array(bits).reshape(start.shape).sum(axis=0) == columns).all()
    ]
    rng = np.random.default_rng(60)
    draws, mask, seen = 3000, start, collections.Counter()
    for _ in range(draws):  # each goes on from the last one, which four rounds forget up to 1 in 16
        mask = rewired_mask(mask, rng, rounds=4)
        seen[mask.tobytes()] += 1
    assert seen.keys() == {mask.tobytes() for mask in same}
    expected = draws / len(same)
    chi2 = sum((count - expected) ** 2 / expected for count in seen.values())
    assert chi2 < len(same) - 1 + 4 * np.sqrt(2 * (len(same) - 1))


def test_ten_rounds_forget_a_planted_structure():
    mask = np.zeros((60, 200), dtype=bool)
    mask[:30, :100] = mask[30:, 100:] = True  # two blocks; all degrees equal, so chance density is 1/2
    rewired = rewired_mask(mask, np.random.default_rng(7))
    assert abs(jaccard_distance(mask, rewired) - 2 / 3) < 0.01  # 1 - d / (2 - d) at d = 1/2


def test_wrong_settings_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="rounds"):
        rewired_mask(np.eye(3, dtype=bool), rng, rounds=-1)
    with pytest.raises(ValueError, match="density"):
        random_mask(SHAPES, 0.0, rng)
    with pytest.raises(ValueError, match="at least one layer"):
        shuffled_mask({}, rng)
