"""Embeddings with planted cosines and sines.

p residues, K = (p - 1) / 2.
"""

import numpy as np
import pytest
from builders import noise

from interp.spectra.embedding_spectrum import fourier_coefficient_ratio, fourier_frequency_density
from interp.spectra.fourier import fourier_basis

P = 23
K = 11
BOTH = [fourier_frequency_density, fourier_coefficient_ratio]


def planted(weights, d=30, mean=2.0):
    """Embedding of basis rows with norms `weights`, in orthogonal directions."""
    directions, _ = np.linalg.qr(noise(d, P))
    scaled = np.zeros(P)
    scaled[list(weights)] = list(weights.values())
    return mean + fourier_basis(P).T @ (scaled[:, None] * directions.T)


def slow(W_E, eta=0.5):
    """FFD and FCR, sum by sum."""
    p, d = W_E.shape
    mu, nu = [], []
    for k in range(1, (p - 1) // 2 + 1):
        w = 2 * np.pi * k / p
        mu.append(np.sqrt(sum(sum(W_E[a, i] * np.cos(w * a) for a in range(p)) ** 2 for i in range(d))))
        nu.append(np.sqrt(sum(sum(W_E[a, i] * np.sin(w * a) for a in range(p)) ** 2 for i in range(d))))
    high = [m / max(mu) > eta for m in mu] + [n / max(nu) > eta for n in nu]
    return sum(high) / len(high), np.mean([min(m / n, n / m) for m, n in zip(mu, nu, strict=True)])


def test_planted_norms():
    W_E = planted({3: 1.0, 4: 0.8, 9: 0.6, 10: 0.2, 21: 0.4})  # cos 2, sin 2, cos 5, sin 5, cos 11
    assert fourier_frequency_density(W_E) == pytest.approx(3 / (2 * K))
    assert fourier_frequency_density(W_E, 0.3) == pytest.approx(4 / (2 * K))  # cos 11
    assert fourier_frequency_density(W_E, 0.2) == pytest.approx(5 / (2 * K))  # sin 5, 1/4 of sin 2
    assert fourier_coefficient_ratio(W_E) == pytest.approx((0.8 + 1 / 3 + 0) / 3)


def test_a_single_frequency():
    circle, cosine = planted({7: 1.0, 8: 1.0}), planted({7: 1.0})
    assert fourier_frequency_density(circle) == pytest.approx(1 / K)
    assert fourier_coefficient_ratio(circle) == pytest.approx(1)
    assert fourier_frequency_density(cosine) == pytest.approx(1 / (2 * K))
    assert fourier_coefficient_ratio(cosine) == 0


def test_white_noise():
    W_E = noise(20, P, 128)
    np.testing.assert_array_equal(fourier_frequency_density(W_E), 1)
    expected = 1 - np.sqrt(2 / (np.pi * 128))
    assert fourier_coefficient_ratio(W_E).mean() == pytest.approx(expected, abs=0.01)  # sd 0.003


@pytest.mark.parametrize("p", [3, 7, 11])
def test_both_match_the_sums(p):
    for eta in (0.0, 0.5, 0.9):
        W_E = noise(p, 2)
        density, ratio = slow(W_E, eta)
        assert fourier_frequency_density(W_E, eta) == pytest.approx(density)
        assert fourier_coefficient_ratio(W_E) == pytest.approx(ratio)


@pytest.mark.parametrize("measure", BOTH)
def test_relabelling_rotating_scaling_and_shifting_the_embedding_change_nothing(measure):
    W_E = noise(P, 3)
    rotation, _ = np.linalg.qr(noise(3, 3, seed=1))
    for same in (W_E[np.arange(P) * 5 % P], W_E @ rotation, 1e-100 * W_E, W_E + noise(3, seed=2)):
        assert measure(same) == pytest.approx(measure(W_E))


def test_shifting_the_residues_does_change_the_ratio():
    cosine = planted({7: 1.0})  # of frequency 4
    turn = 2 * np.pi * 4 / P
    expected = min(abs(np.tan(turn)), 1 / abs(np.tan(turn)))
    assert fourier_coefficient_ratio(np.roll(cosine, 1, axis=0)) == pytest.approx(expected)


@pytest.mark.parametrize("measure", BOTH)
def test_checkpoints_stack_and_dead_ones_are_nan(measure):
    stack = np.stack([noise(P, 4), np.full((P, 4), 0.1), planted({3: 1.0}, d=P)[:, :4]]).astype(np.float32)
    values = measure(stack)
    np.testing.assert_array_equal(np.isnan(values), [False, True, False])
    np.testing.assert_array_equal(values[[0, 2]], [measure(stack[0]), measure(stack[2])])


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("measure", BOTH)
def test_wrong_embeddings_are_refused(measure):
    with pytest.raises(ValueError, match=r"W_E: expected shape \(\.\.\., p, d\).*, got shape \(23,\)"):
        measure(noise(P))
    with pytest.raises(ValueError, match="W_E: expected p odd and at least 3 residues, got p = 22"):
        measure(noise(22, 4))
    with pytest.raises(ValueError, match="W_E: expected finite values"):
        measure(np.full((P, 4), np.nan))


@pytest.mark.parametrize("threshold", [-0.1, 1.0, np.nan])
def test_thresholds_outside_are_refused(threshold):
    with pytest.raises(ValueError, match=rf"threshold: expected a number in \[0, 1\), got {threshold}"):
        fourier_frequency_density(noise(P, 4), threshold)
