"""Waves of an embedding moved along the residues."""

import numpy as np
import pytest
from builders import rng

from interp.interventions.steering import shifted_frequencies
from interp.mechanism.flawed_indicator import ideal_neurons
from interp.spectra.fourier import amplitude_phase

P = 11


def test_coefficients_are_turned_and_the_rest_is_kept():
    W = rng(0).normal(size=(P, 4))
    amplitude, phase = amplitude_phase(W.T)
    for shift in (1, -3, P + 2):
        moved = shifted_frequencies(W, np.array([2, 5]), shift)
        new_amplitude, new_phase = amplitude_phase(moved.T)
        np.testing.assert_allclose(new_amplitude, amplitude, atol=1e-12)
        turn = np.zeros(P // 2)
        turn[[1, 4]] = 2 * np.pi * np.array([2, 5]) * shift / P
        np.testing.assert_allclose(np.exp(1j * (new_phase - phase - turn)), 1, atol=1e-9)
        np.testing.assert_allclose(moved.mean(axis=0), W.mean(axis=0), atol=1e-12)


def test_all_frequencies_move_the_rows_and_none_leaves_them():
    W = rng(1).normal(size=(P, 3))
    moved = shifted_frequencies(W, np.arange(1, 6), 4)
    np.testing.assert_allclose(moved, W[(np.arange(P) + 4) % P], atol=1e-12)
    np.testing.assert_array_equal(shifted_frequencies(W, np.array([], dtype=int), 4), W)
    apart = shifted_frequencies(shifted_frequencies(W, np.array([1]), 2), np.array([3]), 2)
    np.testing.assert_allclose(apart, shifted_frequencies(W, np.array([1, 3]), 2), atol=1e-12)


def test_a_planted_network_answers_as_its_steered_waves_say():
    counts = np.array([7, 3, 3, 7, 7])
    input_map, output_map = ideal_neurons(counts)
    x, y = (n.ravel() for n in np.indices((P, P)))
    moved = shifted_frequencies(input_map.T, np.array([1, 4, 5]), 1).T
    logits = (moved[:, x] + input_map[:, y]).T ** 2 @ output_map
    omega, c = 2 * np.pi / P, np.arange(P)
    expected = np.zeros((P * P, P))
    for k, n in enumerate(counts, start=1):
        a = (x + (k in (1, 4, 5)))[:, None]
        b = y[:, None]
        waves = (
            np.cos(omega * k * (a + b - c))
            + (np.cos(omega * k * (2 * a - c)) + np.cos(omega * k * (2 * b - c))) / 2
        )
        expected += n / 2 * waves
    np.testing.assert_allclose(logits, expected, atol=1e-10)


def test_a_frequency_that_is_none_is_refused():
    for wrong in (0, 6):
        with pytest.raises(ValueError, match=r"in 1\.\.5"):
            shifted_frequencies(np.zeros((P, 2)), np.array([wrong]), 1)
