"""Scores, stand-ins and greedy orders, against plain loops."""

import numpy as np
import pytest
from builders import rng

from interp.mechanism.ablation import greedy_order, part_scores, permutation_within, replaced
from interp.mechanism.logit_fit import cross_entropy, logit_margin

P, N = 7, 3000
STARTS = (0, 1100, 1101)


@pytest.mark.parametrize("scale", [1.0, 30.0, 2000.0])
def test_scores_are_means_over_parts_of_the_exact_loss_and_margin(scale):
    logits, labels = rng(0).normal(scale=scale, size=(P, N)), rng(1).integers(P, size=N)
    change = rng(2).normal(scale=scale, size=(P, N))
    written = rng(3).normal(size=(3, P)), rng(4).normal(scale=scale, size=(3, N))
    for added, changed in (
        (None, logits),
        (change, logits + change),
        (written, logits + written[0].T @ written[1]),
    ):
        scores = part_scores(logits, labels, STARTS, added)
        loss, margin = cross_entropy(changed.T, labels), logit_margin(changed.T, labels)
        for place, part in enumerate((slice(0, 1100), slice(1100, 1101), slice(1101, N))):
            np.testing.assert_allclose(scores.loss[place], loss[part].mean(), rtol=1e-12)
            np.testing.assert_allclose(scores.margin[place], margin[part].mean(), rtol=1e-12)
            assert scores.accuracy[place] == (margin[part] > 0).mean()


def test_a_tiny_loss_is_itself_and_a_tie_is_wrong():
    logits = np.array([[90.0, 1.0], [0.0, 1.0], [0.0, 0.0]])
    scores = part_scores(logits, np.array([0, 0]), (0, 1))
    np.testing.assert_allclose(scores.loss[0], 2 * np.exp(-90.0), rtol=1e-12)
    assert scores.accuracy.tolist() == [1.0, 0.0] and scores.margin[1] == 0


def test_arguments_are_not_written_to():
    logits, change, labels = rng(0).normal(size=(P, 9)), rng(1).normal(size=(P, 9)), np.arange(9) % P
    copies = logits.copy(), change.copy()
    part_scores(logits, labels, [0], change)
    part_scores(logits, labels, [0], (np.eye(P), change))
    greedy_order(logits, [change], labels)
    assert (logits == copies[0]).all() and (change == copies[1]).all()


def test_a_permutation_moves_every_pair_within_its_part():
    starts, n = (0, 2, 50), 90
    for seed in range(20):
        order = permutation_within(starts, n, np.random.default_rng(seed))
        assert (np.sort(order) == np.arange(n)).all() and (order != np.arange(n)).all()
        part = np.searchsorted(starts, np.arange(n), side="right")
        assert (part[order] == part).all()
    again = permutation_within(starts, n, np.random.default_rng(19))
    assert (again == order).all()


def test_stand_ins_are_those_of_the_part():
    values = rng(0).normal(size=(4, 9))
    starts, order = (0, 4), permutation_within((0, 4), 9, np.random.default_rng(0))
    mean = replaced(values, "mean", starts, order)
    for part in (slice(0, 4), slice(4, 9)):
        np.testing.assert_allclose(
            mean[:, part], values[:, part].mean(1, keepdims=True).repeat(mean[:, part].shape[1], 1)
        )
    assert not replaced(values, "zero", starts, order).any()
    resampled = replaced(values, "resample", starts, order)
    np.testing.assert_allclose(np.sort(resampled[:, 4:]), np.sort(values[:, 4:]))
    assert (resampled != values).all()


def test_the_greedy_order_is_that_of_the_loop():
    labels = rng(0).integers(P, size=40)
    empty = rng(1).normal(size=(P, 40))
    added = [rng(seed).normal(size=(P, 40)) for seed in range(2, 7)]
    left, logits, expected = {0, 1, 2, 3, 4}, empty.copy(), []
    while left:
        best = min(left, key=lambda g: cross_entropy((logits + added[g]).T, labels).mean())
        expected.append(best)
        left.remove(best)
        logits = logits + added[best]
    assert greedy_order(empty, added, labels) == expected


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: permutation_within((0, 4), 5, np.random.default_rng(0)), "at least two pairs in every part"),
        (lambda: part_scores(np.zeros((3, 4)), np.zeros(4, int), [0, 4]), "starts: expected parts"),
        (lambda: part_scores(np.zeros((3, 4)), np.zeros(4, int), [0, 2, 2]), "starts: expected parts"),
        (
            lambda: replaced(np.zeros((1, 4)), "median", [0], np.arange(4)),
            "removal: expected one of mean, zero",
        ),
    ],
)
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
