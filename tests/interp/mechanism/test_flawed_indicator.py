"""Ideal neurons and indicator fits against closed forms and least squares."""

from itertools import combinations

import numpy as np
import pytest
from builders import noise, operation_table

from interp.mechanism.flawed_indicator import ideal_neurons, indicator_fit, indicator_logits
from interp.mechanism.logit_fit import cross_entropy, logit_margin
from interp.mechanism.phase_alignment import misalignment
from interp.mechanism.two_layer_forward import pair_logits

P = 11
K = 5


SUMS = operation_table(lambda x, y: x + y, P)


def planted(label, main, ghost, p=P):
    """Flawed indicator, entry by entry."""
    logits = np.zeros((p, p, p))
    for x in range(p):
        for y in range(p):
            logits[x, y, label[x, y]] += main
            logits[x, y, label[x, x]] += ghost
            logits[x, y, label[y, y]] += ghost
    return logits


# ideal neurons


def test_ideal_neurons_are_aligned_and_have_the_given_counts():
    counts = np.array([4, 0, 1, 7, 3])
    result = misalignment(*ideal_neurons(counts, 0.5, 3.0))
    np.testing.assert_array_equal(result.frequency, np.repeat(np.arange(1, 6), counts))
    np.testing.assert_allclose(np.cos(result.D), 1, atol=1e-12)
    np.testing.assert_allclose(result.input_amplitude, 0.5, atol=1e-12)
    np.testing.assert_allclose(result.output_amplitude, 3.0, atol=1e-12)


@pytest.mark.parametrize("p", [5, 11, 23, 67])
@pytest.mark.parametrize("n", [3, 5, 6, 8])
def test_ideal_neurons_compute_the_closed_form(n, p):
    maps = ideal_neurons(np.full(p // 2, n), 0.7, 1.3)
    np.testing.assert_allclose(
        pair_logits(*maps, "square"), indicator_logits(p, n * 0.7**2 * 1.3), atol=1e-10
    )


@pytest.mark.parametrize("n", [1, 2, 4])
def test_phases_that_do_not_cancel_compute_something_else(n):
    logits = pair_logits(*ideal_neurons(np.full(K, n)), "square")
    assert np.abs(logits - indicator_logits(P, float(n))).max() > 0.4 * n


def test_the_closed_form_entry_by_entry():
    a = 6.0
    expected = planted(SUMS, a * P / 4, a * P / 8) - a / 2
    np.testing.assert_allclose(indicator_logits(P, a), expected, atol=1e-12)


def test_the_margin_is_an_eighth_of_the_strength_times_p():
    margins = logit_margin(indicator_logits(P, 6.0), SUMS)
    off = ~np.eye(P, dtype=bool)
    np.testing.assert_allclose(margins[off], 6.0 * P / 8)
    np.testing.assert_allclose(margins[~off], 6.0 * P / 2)


@pytest.mark.parametrize(
    ("n", "loss"), [(1, 1.642745), (2, 0.6023623), (4, 0.02878050), (8, 2.991743e-8), (11, 5.934039e-15)]
)
def test_the_published_losses_of_128_neurons(n, loss):
    """Mean loss over all sets of n frequencies.

    Published for all 11: 7.41e-15, from probabilities, whose rounding is of that size; here from margins.
    """
    counts = np.array([12] * 7 + [11] * 4)
    sums = operation_table(lambda x, y: x + y, 23)
    of = [pair_logits(*ideal_neurons(counts * (np.arange(11) == k)), "square") for k in range(11)]
    losses = [cross_entropy(sum(of[k] for k in chosen), sums).mean() for chosen in combinations(range(11), n)]
    assert np.mean(losses) == pytest.approx(loss, rel=1e-6)


# fit


@pytest.mark.parametrize(
    "label",
    [
        SUMS,
        operation_table(lambda x, y: x * y, P),
        operation_table(lambda x, y: y - x, P),
        operation_table(lambda x, y: x**2 + x * y + y**2, P),
    ],
    ids=["add", "mul", "sub", "x2_plus_xy_plus_y2"],
)
def test_the_fit_equals_least_squares(label):
    logits = 0.3 * noise(P, P, P) + planted(label, 2.0, -0.5) + noise(P, P, 1, seed=1)
    per_pair = np.repeat(np.eye(P * P), P, axis=0)  # the pairs' own constants
    design = np.stack([planted(label, 1, 0).ravel(), planted(label, 0, 1).ravel()], axis=1)
    solution, residual, *_ = np.linalg.lstsq(np.hstack([design, per_pair]), logits.ravel())
    fit = indicator_fit(logits, label)
    np.testing.assert_allclose([fit.main, fit.ghost], solution[:2], atol=1e-12)
    assert fit.ratio == pytest.approx(solution[1] / solution[0])
    assert fit.r2 == pytest.approx(1 - residual[0] / (P**3 * logits.var(axis=-1).mean()))


def test_planted_indicators_come_back_whatever_each_pair_adds():
    fit = indicator_fit(planted(SUMS, 2.0, 0.4) + noise(P, P, 1))
    assert (fit.main, fit.ghost) == (pytest.approx(2.0), pytest.approx(0.4))
    assert fit.ratio == pytest.approx(0.2) and fit.r2 == pytest.approx(1)
    ideal = indicator_fit(pair_logits(*ideal_neurons(np.full(K, 3)), "square"))
    assert ideal.main == pytest.approx(3 * P / 4) and ideal.ratio == pytest.approx(0.5)


def test_labels_are_sums_by_default_and_networks_stack():
    logits = noise(2, 3, P, P, P).astype(np.float32)
    fit = indicator_fit(logits)
    assert fit.main.shape == fit.r2.shape == (2, 3)
    one = indicator_fit(logits[1, 2], SUMS)
    assert one.ghost == pytest.approx(fit.ghost[1, 2]) and one.r2 == pytest.approx(fit.r2[1, 2])
    assert one.ghost != indicator_fit(logits[1, 2], operation_table(lambda x, y: x * y, P)).ghost


def test_relabelled_residues_and_scale_change_nothing_else():
    logits, order = noise(P, P, P), np.arange(P) * 3 % P
    here, there = indicator_fit(logits), indicator_fit(1e60 * logits[order][:, order][..., order])
    assert there.main == pytest.approx(1e60 * here.main)
    assert there.ratio == pytest.approx(float(here.ratio)) and there.r2 == pytest.approx(float(here.r2))


def test_noise_has_the_chance_share():
    assert indicator_fit(noise(400, P, P, P)).r2.mean() == pytest.approx(2 / (P**2 * (P - 1)), rel=0.2)


def test_logits_without_preference():
    for flat in (np.zeros((P, P, P)), 0.1 + np.broadcast_to(noise(P, P, 1), (P, P, P))):
        fit = indicator_fit(flat)
        assert np.isnan(fit.r2) and fit.main == pytest.approx(0, abs=1e-15)
    assert np.isnan(indicator_fit(np.zeros((P, P, P))).ratio)


@pytest.mark.usefixtures("unchecked")
def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match=r"n_neurons: expected a number from 0 per frequency, got \[3, -1\]"):
        ideal_neurons(np.array([3, -1]))
    with pytest.raises(ValueError, match="n_neurons: expected"):
        ideal_neurons(np.array([], dtype=int))
    with pytest.raises(ValueError, match="p: expected an odd number from 3, got 10"):
        indicator_logits(10, 1.0)
    with pytest.raises(ValueError, match=r"logits: expected shape \(..., p, p, p\), got shape \(11, 3, 11\)"):
        indicator_fit(noise(P, 3, P))
    with pytest.raises(ValueError, match="logits: expected finite values"):
        indicator_fit(np.full((P, P, P), np.nan))
    for wrong in (SUMS[0], np.full((P, P), 4)):
        with pytest.raises(ValueError, match=r"labels: expected a table \(p, p\) of different classes"):
            indicator_fit(noise(P, P, P), wrong)
    with pytest.raises(ValueError, match=r"labels: expected whole numbers in 0\.\.10"):
        indicator_fit(noise(P, P, P), SUMS + 1)
