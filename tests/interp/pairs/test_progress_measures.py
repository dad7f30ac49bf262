"""Progress measures of clocks whose losses are known, and against the definitions."""

import numpy as np
import pytest
from builders import rng

from interp.mechanism.fourier_ablation import OPERATORS, excluded_logits, restricted_logits
from interp.mechanism.logit_fit import cross_entropy
from interp.pairs.evaluation import all_pairs
from interp.pairs.losses import excluded_loss, pair_loss, restricted_loss
from interp.pairs.progress_measures import progress_losses

P = 11
PAIRS = all_pairs(P)
KEYS = np.array([2, 5])


def clock(pairs, frequencies=KEYS, signs=(1, 1)):
    """Return logits sum_k k cos(omega_k (s a + t b - c))."""
    distance = (pairs @ np.array(signs))[:, None] - np.arange(P)
    return sum(k * np.cos(2 * np.pi * k * distance / P) for k in frequencies)


def noisy(pairs):
    """Return logits of a clock and what is no function of a + b."""
    return clock(pairs) + 0.3 * rng(0).standard_normal((P, P, P))[pairs[:, 0], pairs[:, 1]]


def slow_mean_loss(rows, labels):
    exact = np.exp(rows - rows.max(axis=1, keepdims=True))
    return -np.log(exact[np.arange(len(rows)), labels] / exact.sum(axis=1)).mean()


def test_a_clock_needs_its_keys_and_nothing_else():
    exact, flat = pair_loss(clock, P), np.log(P)
    losses = progress_losses(clock, KEYS, P, is_train=np.arange(P * P) < 40)
    assert losses.restricted == pytest.approx(dict.fromkeys(OPERATORS, exact), rel=1e-12)
    assert losses.excluded == pytest.approx(flat, rel=1e-12)
    assert losses.excluded_by_frequency == pytest.approx(
        [pair_loss(lambda ab, k=k: clock(ab, [k]), P, PAIRS[:40]) for k in KEYS[::-1]], rel=1e-12
    )
    for loss in (losses.all_loss, losses.test_loss, losses.train_loss):
        assert loss == pytest.approx(exact, rel=1e-12)
    assert losses.fit.amplitude == pytest.approx(KEYS) and losses.fit.r2 == pytest.approx(1)


def test_losses_are_those_of_the_definitions_over_the_examples():
    chosen = rng(1).permutation(P * P)[:80]
    pairs, is_train = PAIRS[chosen], np.arange(80) < 30
    labels, (a, b), grid = pairs.sum(axis=1) % P, pairs.T, noisy(PAIRS).reshape(P, P, P)
    losses = progress_losses(noisy, KEYS, P, pairs, is_train=is_train)
    for part, loss in ((is_train, losses.train_loss), (~is_train, losses.test_loss)):
        assert loss == pytest.approx(slow_mean_loss(grid[a, b][part], labels[part]), rel=1e-12)
    for operator, loss in losses.restricted.items():
        kept = restricted_logits(grid, KEYS, operator)[a, b]
        assert loss == pytest.approx(slow_mean_loss(kept, labels), rel=1e-12)
    left = excluded_logits(grid, KEYS)[a, b]
    assert losses.excluded == pytest.approx(slow_mean_loss(left[:30], labels[:30]), rel=1e-12)
    assert restricted_loss(grid, KEYS, "block8", pairs=pairs) == losses.restricted["block8"]


@pytest.mark.parametrize("signs", [(1, 1), (1, -1), (-1, 1)])
def test_signs_follow_a_difference(signs):
    def network(pairs):
        return clock(pairs, signs=signs)

    exact, labels = pair_loss(network, P, signs=signs), PAIRS @ np.array(signs) % P
    assert exact == pair_loss(network, P, labels=labels) < 0.5
    assert restricted_loss(network, KEYS, p=P, signs=signs) == pytest.approx(exact, rel=1e-12)
    assert excluded_loss(network, KEYS, P, signs=signs) == pytest.approx(np.log(P), rel=1e-12)
    if signs != (1, 1):
        assert excluded_loss(network, KEYS, P, labels=labels) == pytest.approx(exact, rel=1e-12)


def test_relabelled_residues_leave_the_losses():
    unit = 3
    by_unit = unit * np.arange(P) % P
    grid = noisy(PAIRS).reshape(P, P, P)
    relabelled = np.empty_like(grid)
    relabelled[np.ix_(by_unit, by_unit, by_unit)] = grid
    moved = pow(unit, -1, P) * KEYS % P
    moved = np.minimum(moved, P - moved)
    before, after = progress_losses(grid, KEYS), progress_losses(relabelled, moved)
    assert after.restricted == pytest.approx(before.restricted, rel=1e-9)
    assert after.fit.loss == pytest.approx(before.fit.loss, rel=1e-9)


def test_what_is_not_known_is_nan():
    losses = progress_losses(clock, KEYS, P)
    assert np.isnan([losses.train_loss, losses.test_loss, losses.excluded]).all()
    assert np.isnan(losses.excluded_by_frequency).all() and losses.all_loss < 0.5
    labels = PAIRS.prod(axis=1) % P
    losses = progress_losses(clock, KEYS, P, labels=labels, signs=None, is_train=np.full(P * P, True))
    assert np.isnan([losses.restricted["sum2"], losses.excluded, losses.test_loss]).all()
    assert losses.train_loss == losses.all_loss > 1 and losses.restricted["block4"] > 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            {"labels": np.zeros(3, dtype=int)},
            r"labels: expected shape \(121,\), one per pair, got shape \(3,\)",
        ),
        ({"labels": np.full(P * P, P)}, r"labels: expected whole numbers in 0\.\.10"),
        ({"signs": (2, 1)}, "signs: expected two of 1 and -1"),
        ({"signs": None}, "labels: expected the class of every pair"),
        ({"is_train": np.full(P * P, False)}, "is_train: expected True or False for each of 121 examples"),
        ({"is_train": np.arange(40)}, "is_train: expected True or False"),
        ({"pairs": np.array([[0, P]])}, "pairs: expected whole numbers"),
        ({"frequencies": np.array([6])}, r"frequencies: expected different whole numbers in 1\.\.5"),
    ],
)
def test_examples_that_do_not_fit_are_refused(options, says, unchecked):
    with pytest.raises(ValueError, match=says) as error:
        progress_losses(clock, **{"frequencies": KEYS, "p": P} | options)
    assert "\n" not in str(error.value)


def test_an_unknown_operator_is_refused():
    with pytest.raises(ValueError, match="operator: expected one of sum2, block4, block8, got 'sum3'"):
        restricted_loss(clock, KEYS, "sum3", P)


def test_a_tiny_loss_keeps_its_digits():
    grid = 40 * clock(PAIRS).reshape(P, P, P)
    assert (
        0
        < pair_loss(grid)
        == pytest.approx(cross_entropy(grid, np.add.outer(np.arange(P), np.arange(P)) % P).mean(), rel=1e-12)
    )
