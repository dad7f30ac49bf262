"""Losses against 300-digit arithmetic, fits against least squares.

p classes, K = (p - 1) / 2.
"""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from builders import noise, operation_table

from interp.mechanism.logit_fit import cosine_fit, cross_entropy, logit_margin

P = 11
K = 5
KEYS = np.array([4, 1])


def cosines(labels, frequencies, alphas, p=P):
    """Logits sum_k alpha_k cos(omega_k (label - c))."""
    distance = labels[..., None] - np.arange(p)
    pairs = zip(frequencies, alphas, strict=True)
    return sum(alpha * np.cos(2 * np.pi * k * distance / p) for k, alpha in pairs)


OPERATIONS = {
    "add": operation_table(lambda a, b: a + b, P),
    "sub": operation_table(lambda a, b: a - b, P),
    "mul": operation_table(lambda a, b: a * b, P),
    "some pairs": operation_table(lambda a, b: a + b, P)[operation_table(lambda a, b: a * a + b, P) < 4],
}


# cross-entropy


def exact_loss(row, label):
    with localcontext(prec=300):
        logits = [Decimal(float(x)) for x in row]
        return float(sum((x - logits[label]).exp() for x in logits).ln())


@pytest.mark.parametrize("scale", [0.1, 1.0, 30.0, 100.0])
def test_losses_equal_exact_arithmetic(scale):
    logits, labels = scale * noise(14, 7), np.arange(14) % 7
    np.testing.assert_allclose(
        cross_entropy(logits, labels),
        [exact_loss(row, label) for row, label in zip(logits, labels, strict=True)],
        rtol=1e-14,
    )


@pytest.mark.parametrize("margin", [1.0, 30.0, 37.0, 70.0, 300.0])
def test_confident_losses_keep_their_digits_at_any_offset(margin):
    row = np.array([margin, 0.0, -1.0])
    expected = exact_loss(row, 0)
    assert cross_entropy(row, np.array(0)) == pytest.approx(expected, rel=1e-14, abs=0)
    assert cross_entropy(row + 2.0**20, np.array(0)) == pytest.approx(expected, rel=1e-14, abs=0)
    assert cross_entropy(row.astype(np.float32), np.array(0)) == pytest.approx(expected, rel=1e-14, abs=0)


def test_equal_logits_have_loss_log_p_and_wrong_ones_their_margin():
    np.testing.assert_allclose(cross_entropy(np.zeros((4, P)), np.arange(4)), np.log(P), rtol=1e-15)
    assert cross_entropy(np.array([0.0, 5000.0, 0.0]), np.array(0)) == 5000


def test_only_differences_within_an_example_count_and_classes_have_no_order():
    logits, labels = noise(P, P, P), OPERATIONS["add"]
    loss, order = cross_entropy(logits, labels), np.random.default_rng(1).permutation(P)
    np.testing.assert_allclose(cross_entropy(logits + noise(P, P, 1, seed=2), labels), loss, rtol=1e-13)
    np.testing.assert_allclose(cross_entropy(logits[..., order], np.argsort(order)[labels]), loss, rtol=1e-13)


def test_networks_stack_and_the_logits_are_unchanged():
    logits, labels = noise(3, P, P, P), OPERATIONS["add"]
    before = logits.copy()
    loss = cross_entropy(logits, labels)
    assert loss.shape == (3, P, P)
    np.testing.assert_array_equal(loss[1], cross_entropy(logits[1], labels))
    np.testing.assert_array_equal(logits, before)


# margin


def test_margins_match_the_loop_and_see_differences_only():
    logits, labels = noise(2, P, P, P), OPERATIONS["mul"]
    margins = logit_margin(logits, labels)
    for t, a, b in np.ndindex(2, P, P):
        others = [logits[t, a, b, c] for c in range(P) if c != labels[a, b]]
        assert margins[t, a, b] == logits[t, a, b, labels[a, b]] - max(others)
    np.testing.assert_allclose(
        logit_margin(2 * logits + noise(P, P, 1, seed=2), labels), 2 * margins, atol=1e-14
    )
    order = np.random.default_rng(1).permutation(P)
    np.testing.assert_array_equal(logit_margin(logits[..., order], np.argsort(order)[labels]), margins)


def test_a_tie_has_no_margin():
    assert logit_margin(np.array([1.0, 3.0, 3.0]), np.array(1)) == 0


# fit


@pytest.mark.parametrize("name", OPERATIONS)
def test_planted_cosines_come_back(name):
    labels = OPERATIONS[name]
    logits = cosines(labels, [1, 4], [2.0, -0.5]) + noise(*labels.shape, 1)  # an offset of each example
    fit = cosine_fit(logits, KEYS, labels)
    np.testing.assert_allclose(fit.amplitude, [-0.5, 2.0], rtol=1e-12)
    assert fit.r2 == pytest.approx(1)
    np.testing.assert_allclose(cross_entropy(logits, labels), fit.loss, rtol=1e-12)
    part = cosine_fit(logits, np.array([1]), labels)
    assert part.r2 == pytest.approx(4 / 4.25)


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("frequencies", [KEYS, np.array([3]), np.arange(1, K + 1)])
def test_the_fit_equals_least_squares(name, frequencies):
    labels = OPERATIONS[name]
    logits = noise(*labels.shape, P) + cosines(labels, [1, 3], [0.5, 0.2])
    design = np.stack([cosines(labels, [k], [1.0]).ravel() for k in frequencies], axis=1)
    y = (logits - logits.mean(axis=-1, keepdims=True)).ravel()
    alpha, residual, *_ = np.linalg.lstsq(design, y)
    fit = cosine_fit(logits, frequencies, labels)
    np.testing.assert_allclose(fit.amplitude, alpha, atol=1e-12)
    assert fit.r2 == pytest.approx(1 - residual[0] / (y @ y))
    slow = cross_entropy(cosines(labels, frequencies, alpha), labels)
    np.testing.assert_allclose(slow, fit.loss, rtol=1e-12)


def test_labels_are_sums_by_default():
    logits = noise(P, P, P)
    assert cosine_fit(logits, KEYS).r2 == cosine_fit(logits, KEYS, OPERATIONS["add"]).r2
    assert cosine_fit(logits, KEYS).r2 != cosine_fit(logits, KEYS, OPERATIONS["sub"]).r2


def test_white_noise_has_the_chance_share():
    r2 = cosine_fit(noise(400, P, P, P), np.arange(1, K + 1)).r2
    chance = K / (P**2 * (P - 1))
    assert r2.mean() == pytest.approx(chance, rel=0.2)  # sd 3 % of it


def test_relabelled_residues_have_relabelled_amplitudes():
    logits, order = noise(P, P, P), np.arange(P) * 3 % P
    moved = np.minimum(3 * KEYS % P, -3 * KEYS % P)
    there = cosine_fit(logits[order][:, order][..., order], moved)
    here = cosine_fit(logits, KEYS)
    np.testing.assert_allclose(there.amplitude, here.amplitude, atol=1e-14)
    assert there.r2 == pytest.approx(here.r2) and there.loss == pytest.approx(here.loss)


def test_scaling_changes_amplitudes_only_and_networks_stack():
    logits = noise(2, 3, P, P, P).astype(np.float32)
    fit, large = cosine_fit(logits, KEYS), cosine_fit(1e60 * logits.astype(np.float64), KEYS)
    assert fit.amplitude.shape == (2, 3, 2) and fit.r2.shape == fit.loss.shape == (2, 3)
    np.testing.assert_allclose(large.amplitude, 1e60 * fit.amplitude)
    np.testing.assert_allclose(large.r2, fit.r2)
    alone = cosine_fit(logits[1, 2], KEYS)
    np.testing.assert_allclose(alone.amplitude, fit.amplitude[1, 2], rtol=1e-12)
    assert alone.loss == pytest.approx(fit.loss[1, 2])


def test_logits_without_preference_and_no_frequencies():
    for flat in (np.zeros((P, P, P)), np.full((P, P, P), 0.1) + noise(P, P, 1)):
        fit = cosine_fit(flat, KEYS)
        np.testing.assert_allclose(fit.amplitude, 0, atol=1e-15)
        assert np.isnan(fit.r2) and fit.loss == pytest.approx(np.log(P))
    none = cosine_fit(noise(P, P, P), np.array([], dtype=np.int64))
    assert none.amplitude.size == 0 and none.r2 == 0 and none.loss == pytest.approx(np.log(P))


# failure


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    "measure", [cross_entropy, logit_margin, lambda x, labels: cosine_fit(x, KEYS, labels)]
)
def test_wrong_logits_and_labels_are_refused(measure):
    x, labels = noise(P, P, P), OPERATIONS["add"]
    with pytest.raises(ValueError, match="logits: expected p odd and at least 3 residues, got p = 10"):
        measure(x[..., :10], labels)
    with pytest.raises(ValueError, match="logits: expected finite values"):
        measure(np.full_like(x, np.nan), labels)
    with pytest.raises(ValueError, match=r"labels: expected the shape .* \(10, 11\) and .* \(11, 11, 11\)"):
        measure(x, labels[1:])
    with pytest.raises(ValueError, match="at least one"):
        measure(x[:0, 0], labels[:0, 0])
    for wrong in (labels + 1, labels - 1, labels + 0.0):
        with pytest.raises(ValueError, match=r"labels: expected whole numbers in 0\.\.10, got "):
            measure(x, wrong)


def test_frequencies_and_default_labels_that_do_not_fit_are_refused():
    with pytest.raises(
        ValueError, match=r"frequencies: expected different whole numbers in 1\.\.5, got \[1, 6\]"
    ):
        cosine_fit(noise(P, P, P), np.array([1, 6]))
    with pytest.raises(ValueError, match=r"labels: expected the shape"):
        cosine_fit(noise(4, P), KEYS)
