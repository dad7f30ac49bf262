import numpy as np
import pytest

from interp.fourier import fourier_basis
from interp.pair_spectra import pair_power

P, K = 11, 5
ANGLE = 2 * np.pi * np.arange(P) / P


def random_columns(n=3):
    return np.random.default_rng(0).normal(size=(P, P, n))


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


def test_constant_columns_are_nothing():
    X = random_columns()
    with_constant = np.concatenate([X, np.full((P, P, 1), 0.1)], axis=-1)
    np.testing.assert_allclose(pair_power(with_constant), pair_power(X), atol=1e-15)
    for empty in (np.full((P, P, 2), 0.1), np.zeros((P, P, 1)), np.zeros((P, P, 0))):
        assert np.isnan(pair_power(empty)).all()


def test_what_is_no_function_of_two_residues_is_refused(unchecked):
    with pytest.raises(ValueError, match=r"shape \(p, p, c\), came shape \(11, 7, 2\)"):
        pair_power(np.ones((11, 7, 2)))
    with pytest.raises(ValueError, match=r"shape \(p, p, c\), came shape \(11, 11\)"):
        pair_power(np.ones((11, 11)))
    for wrong in (np.random.default_rng(0).normal(size=(8, 8, 2)), np.full((5, 5, 1), np.inf)):
        with pytest.raises(ValueError):
            pair_power(wrong)
