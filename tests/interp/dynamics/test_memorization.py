"""Pair classes of small training sets."""

import numpy as np
import pytest

from interp.dynamics.memorization import PAIR_CLASSES, class_means, pair_classes

P = 23
SUMS = np.add.outer(np.arange(P), np.arange(P)) % P


def split(fraction=0.75, seed=0):
    return np.random.default_rng(seed).random((P, P)) < fraction


def test_the_class_of_a_pair_follows_from_its_two_orders():
    train = split()
    classes = pair_classes(train)
    for x, y in np.ndindex(P, P):
        trained, swapped = bool(train[x, y]), bool(train[y, x])
        kind = {(1, 1): "common", (1, 0): "rare", (0, 1): "test_sym", (0, 0): "test_true"}[trained, swapped]
        assert [name for name in PAIR_CLASSES if getattr(classes, name)[x, y]] == [kind]


def test_a_symmetric_network_that_memorised_is_at_the_plateau_exactly():
    train = split()
    classes = pair_classes(train)
    either_order = train | train.T
    predictions = np.where(either_order, SUMS, (SUMS + 1) % P)
    assert (predictions == predictions.T).all()
    assert (predictions == SUMS)[~train].mean() == classes.memorization_plateau
    accuracy = class_means(predictions == SUMS, classes)
    assert [float(accuracy[name]) for name in PAIR_CLASSES] == [1, 1, 1, 0]


def test_classes_follow_swapped_pairs_and_permuted_residues():
    train, order = split(), np.random.default_rng(1).permutation(P)
    here, turned, moved = (pair_classes(t) for t in (train, train.T, train[order][:, order]))
    np.testing.assert_array_equal(turned.rare, here.test_sym)
    np.testing.assert_array_equal(turned.common, here.common)
    np.testing.assert_array_equal(moved.rare, here.rare[order][:, order])
    assert turned.rare.sum() == here.rare.sum() and moved.memorization_plateau == here.memorization_plateau


def test_splits_of_unordered_pairs_have_no_rare_pairs():
    half = split()
    classes = pair_classes(half & half.T)
    assert not classes.rare.any() and not classes.test_sym.any() and classes.memorization_plateau == 0
    assert np.isnan(pair_classes(np.ones((3, 3), dtype=bool)).memorization_plateau)


def test_a_random_split_of_three_quarters_has_the_expected_plateau():
    plateaus = [pair_classes(split(seed=seed)).memorization_plateau for seed in range(200)]
    assert np.mean(plateaus) == pytest.approx(0.75 * (P - 1) / P, abs=0.01)  # (x, x) is never test_sym


def test_means_match_the_loop_over_checkpoints():
    values, classes = np.random.default_rng(0).random((4, P, P)), pair_classes(split())
    means = class_means(values, classes)
    for t in range(4):
        for name in PAIR_CLASSES:
            pairs = np.argwhere(getattr(classes, name))
            assert means[name][t] == pytest.approx(np.mean([values[t, x, y] for x, y in pairs]))


def test_a_class_without_pairs_has_no_mean():
    means = class_means(np.ones((P, P)), pair_classes(np.ones((P, P), dtype=bool)))
    assert means["common"] == 1
    assert np.isnan([means[name] for name in PAIR_CLASSES[1:]]).all()


@pytest.mark.usefixtures("unchecked")
def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match=r"train: expected a square table of booleans, got shape \(3, 4\)"):
        pair_classes(np.ones((3, 4), dtype=bool))
    with pytest.raises(ValueError, match="type int64"):
        pair_classes(np.ones((3, 3), dtype=np.int64))
    with pytest.raises(ValueError, match=r"values: expected shape \(..., 23, 23\), got \(22, 23\)"):
        class_means(SUMS[1:], pair_classes(split()))
