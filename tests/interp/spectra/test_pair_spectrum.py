"""Spectra and power of planted functions of two residues."""

import numpy as np
import pytest

from interp.spectra.fourier import fourier_basis
from interp.spectra.pair_spectrum import activation_frequency, pair_power, spectrum_2d

P, K = 11, 5
ANGLE = 2 * np.pi * np.arange(P) / P


def random_columns(n=3):
    return np.random.default_rng(0).normal(size=(P, P, n))


def test_spectrum_matches_the_basis_on_a_stack():
    X = np.random.default_rng(0).standard_normal((2, 3, P, P))
    F = fourier_basis(P)
    S = spectrum_2d(X)
    for t in range(2):
        for m in range(3):
            np.testing.assert_allclose(S[t, m], F @ X[t, m] @ F.T, atol=1e-12)
    np.testing.assert_allclose((S**2).sum(), (X**2).sum())


def test_the_sum_of_the_inputs_lies_on_four_entries():
    total = np.add.outer(np.arange(P), np.arange(P))
    S = spectrum_2d(np.cos(2 * np.pi * 4 * total / P))  # cos cos - sin sin
    expected = np.zeros((P, P))
    expected[7, 7], expected[8, 8] = P / 2, -P / 2
    np.testing.assert_allclose(S, expected, atol=1e-12)


def test_swapping_the_inputs_transposes_the_spectrum():
    X = np.random.default_rng(0).standard_normal((P, P))
    np.testing.assert_allclose(spectrum_2d(X.T), spectrum_2d(X).T, atol=1e-12)


@pytest.mark.usefixtures("unchecked")
def test_spectra_of_unequal_axes_are_refused():
    with pytest.raises(ValueError, match=r"X: expected shape \(..., p, p\), got shape \(11, 9\)"):
        spectrum_2d(np.ones((11, 9)))


def test_planted_waves_are_where_they_were_planted():
    one = 3 * np.cos(2 * ANGLE + 0.4)[:, None] * np.cos(5 * ANGLE - 1)  # variance 9/4
    other = np.sin(4 * ANGLE + 0.1)[None, :] + np.zeros((P, 1))  # variance 1/2
    expected = np.zeros((K + 1, K + 1))
    expected[2, 5], expected[0, 4] = 2.25 / 2.75, 0.5 / 2.75
    np.testing.assert_allclose(pair_power(np.stack([one, other], axis=-1)), expected, atol=1e-12)


@pytest.mark.parametrize("sign", [1, -1])
def test_sums_and_differences_are_on_the_diagonal(sign):
    total = np.add.outer(np.arange(P), sign * np.arange(P)) % P
    power = pair_power(np.random.default_rng(1).normal(size=(P, 4))[total])
    assert power.trace() == pytest.approx(1) and (np.diag(power)[1:] > 0).all()


def test_shifts_signs_means_and_units_of_the_inputs_do_not_matter():
    X = random_columns()
    expected = pair_power(X)
    for other in (np.roll(X, 3, axis=0), X[:, -np.arange(P) % P], 1e6 + X, 1e-200 * X, X[..., ::-1]):
        np.testing.assert_allclose(pair_power(other), expected, atol=1e-9)
    np.testing.assert_allclose(pair_power(np.swapaxes(X, 0, 1)), expected.T, atol=1e-12)


def test_many_columns_against_projections_one_by_one():
    X, F = random_columns(n=70), fourier_basis(P)
    expected = np.zeros((K + 1, K + 1))
    for i in range(P):
        for j in range(P):
            for column in range(70):
                expected[(i + 1) // 2, (j + 1) // 2] += (F[i] @ X[..., column] @ F[j]) ** 2
    expected[0, 0] = 0
    np.testing.assert_allclose(pair_power(X), expected / expected.sum(), atol=1e-12)


def test_constant_columns_have_no_power():
    X = random_columns()
    with_constant = np.concatenate([X, np.full((P, P, 1), 0.1)], axis=-1)
    np.testing.assert_allclose(pair_power(with_constant), pair_power(X), atol=1e-15)
    for empty in (np.full((P, P, 2), 0.1), np.zeros((P, P, 1)), np.zeros((P, P, 0))):
        assert np.isnan(pair_power(empty)).all()


def test_wrong_shapes_and_values_are_refused(unchecked):
    with pytest.raises(ValueError, match=r"shape \(p, p, c\), got shape \(11, 7, 2\)"):
        pair_power(np.ones((11, 7, 2)))
    with pytest.raises(ValueError, match=r"shape \(p, p, c\), got shape \(11, 11\)"):
        pair_power(np.ones((11, 11)))
    for wrong in (np.random.default_rng(0).normal(size=(8, 8, 2)), np.full((5, 5, 1), np.inf)):
        with pytest.raises(ValueError):
            pair_power(wrong)


def test_activation_frequency_has_the_largest_power():
    acts, F = np.random.default_rng(0).standard_normal((2, P, P, 3)), fourier_basis(P)
    frequency, share = activation_frequency(acts)
    for t in range(2):
        for m in range(3):
            x = acts[t, ..., m] - acts[t, ..., m].mean()
            slow = []
            for k in range(1, K + 1):
                rows = F[[0, 2 * k - 1, 2 * k]]
                projected = rows.T @ (rows @ x @ rows.T) @ rows
                slow.append((projected**2).sum() / (x**2).sum())
            assert frequency[t, m] == np.argmax(slow) + 1
            assert share[t, m] == pytest.approx(max(slow))


def test_frequencies_of_many_neurons_equal_those_of_single_neurons():
    x = np.maximum(np.random.default_rng(5).standard_normal((2, P, P, 130)), 0)
    x[0, ..., 70] = 1.5  # dead
    frequency, share = activation_frequency(x)
    assert frequency.shape == share.shape == (2, 130)
    for m in (0, 63, 64, 70, 129):
        alone = activation_frequency(x[..., [m]])
        np.testing.assert_array_equal(frequency[:, [m]], alone[0])
        np.testing.assert_allclose(share[:, [m]], alone[1])
    assert frequency[0, 70] == 0 and np.isnan(share[0, 70])
    assert activation_frequency(x[..., :0])[0].shape == (2, 0)
