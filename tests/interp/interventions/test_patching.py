"""Recovered shares and drawn pairs."""

import numpy as np
import pytest

from interp.interventions.patching import logit_difference, recovered_share, sampled_pairs
from interp.statistics.time_ratios import student_interval


def test_the_share_is_the_ratio_of_means_and_0_and_1_at_the_two_runs():
    rng = np.random.default_rng(0)
    clean, corrupted = rng.normal(5, 2, 40), rng.normal(-5, 2, 40)
    patched = np.stack([corrupted, clean, corrupted + rng.normal(3, 1, 40)])
    share = recovered_share(patched, corrupted, clean)
    expected = (patched - corrupted).mean(-1) / (clean - corrupted).mean()
    np.testing.assert_allclose(share.share, expected, atol=1e-14)
    np.testing.assert_allclose([share.low[:2], share.high[:2]], [[0, 1], [0, 1]], atol=1e-12)
    assert share.low[2] < share.share[2] < share.high[2]


def test_shares_of_parts_sum_to_that_of_the_whole():
    rng = np.random.default_rng(1)
    parts, corrupted = rng.normal(1, 3, (6, 30)), rng.normal(size=30)
    clean = corrupted + parts.sum(axis=0)
    shares = recovered_share(corrupted + parts, corrupted, clean).share
    assert shares.sum() == pytest.approx(1, abs=1e-12)


def test_with_equal_denominators_the_interval_is_students():
    patched = np.random.default_rng(2).normal(size=12)
    share = recovered_share(patched, np.zeros(12), np.full(12, 4.0))
    np.testing.assert_allclose([share.low, share.high], student_interval(patched / 4))


def test_the_interval_covers_the_ratio_of_the_expected_values():
    rng, hits = np.random.default_rng(3), 0
    for _ in range(400):
        whole = rng.normal(4, 1.5, 60)
        part = 0.3 * whole + rng.normal(0, 1, 60)
        share = recovered_share(part, np.zeros(60), whole)
        hits += share.low <= 0.3 <= share.high
    assert 0.92 <= hits / 400 <= 0.98


def test_a_network_that_does_not_prefer_the_clean_answer_has_no_share():
    clean, corrupted = np.random.default_rng(4).normal(size=(2, 50))
    assert all(np.isnan(x) for x in recovered_share(clean, corrupted, clean))
    assert all(np.isnan(x) for x in recovered_share(clean - 9, corrupted, clean - 9))
    assert recovered_share(clean + 9, corrupted, clean + 9).share == 1


def test_answers_of_a_pair_differ_and_every_one_of_the_examples_is_drawn():
    labels = np.random.default_rng(5).integers(3, size=20)
    pairs = sampled_pairs(labels, 500, np.random.default_rng(6))
    assert (labels[pairs[:, 0]] != labels[pairs[:, 1]]).all()
    assert set(pairs[:, 0]) == set(pairs[:, 1]) == set(range(20))
    np.testing.assert_array_equal(pairs, sampled_pairs(labels, 500, np.random.default_rng(6)))
    assert (pairs != sampled_pairs(labels, 500, np.random.default_rng(7))).any()


def test_the_difference_is_of_the_two_answers():
    logits = np.random.default_rng(8).normal(size=(2, 4, 5))
    found = logit_difference(logits, np.array([0, 1, 2, 3]), np.array([4, 3, 1, 0]))
    for n, (right, other) in enumerate([(0, 4), (1, 3), (2, 1), (3, 0)]):
        np.testing.assert_array_equal(found[:, n], logits[:, n, right] - logits[:, n, other])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: sampled_pairs(np.array([0, 1]), 1, np.random.default_rng(0)), "at least 2"),
        (lambda: sampled_pairs(np.array([2, 2]), 5, np.random.default_rng(0)), "different answers"),
        (lambda: recovered_share(np.ones(1), np.ones(1), np.ones(1)), "two or more"),
        (lambda: recovered_share(np.ones(3), np.ones(3), np.ones(4)), "same pairs"),
    ],
)
def test_one_pair_and_other_misuse_are_refused(call, words, unchecked):
    with pytest.raises(ValueError, match=words):
        call()
