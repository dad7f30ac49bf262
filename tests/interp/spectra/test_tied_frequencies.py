"""Neurons with equal amplitudes at several frequencies."""

import numpy as np
import pytest
from builders import noise

from interp.spectra.pair_spectrum import activation_frequency
from interp.spectra.tied_frequencies import first_largest, has_tied_frequency
from interp.spectra.weight_spectrum import neuron_frequency

P = 67


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_kept_weight_has_the_smallest_frequency(dtype):
    """Rounding gave frequencies from all over the range before."""
    W = (noise(P)[:, None] * np.eye(P)).astype(dtype)
    frequency, share = neuron_frequency(W)
    assert set(frequency.tolist()) == {1} and has_tied_frequency(W).all()
    np.testing.assert_allclose(share, 2 / (P - 1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_two_equal_cosines_have_the_smaller_frequency(dtype):
    angle = 2 * np.pi * np.arange(P) / P
    pairs = [(k, other) for k in range(1, 34) for other in range(k + 1, 34)]
    phases = np.random.default_rng(0).uniform(0, 6, (len(pairs), 2, 1))
    W = np.cos(np.array(pairs)[..., None] * angle + phases).sum(axis=1).astype(dtype)
    assert neuron_frequency(W)[0].tolist() == [k for k, _ in pairs]
    assert has_tied_frequency(W).all()


def test_a_clear_frequency_is_no_tie_and_a_dead_neuron_neither():
    angle = 2 * np.pi * np.arange(P) / P
    W = np.stack([np.cos(3 * angle) + 1.00001 * np.cos(9 * angle), np.zeros(P), noise(P)])
    assert not has_tied_frequency(W).any()
    assert neuron_frequency(W)[0][:2].tolist() == [9, 0]


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_ties_are_free_of_scale(scale):
    assert has_tied_frequency(scale * np.eye(P)).all()
    assert set(neuron_frequency(scale * np.eye(P))[0].tolist()) == {1}


def test_activations_with_equal_blocks_have_the_smaller_frequency():
    wave = [np.cos(2 * np.pi * k * np.arange(11) / 11 + 0.3 * k) for k in (2, 4, 5)]
    equal = np.add.outer(wave[0], wave[0]) + np.add.outer(wave[1], wave[1])
    other = np.add.outer(wave[2], wave[2]) + np.add.outer(wave[1], wave[1])
    assert activation_frequency(np.stack([equal, other], axis=-1))[0].tolist() == [2, 4]


def test_the_first_largest_is_the_plain_maximum_without_ties():
    x = np.abs(noise(50, 9))
    np.testing.assert_array_equal(first_largest(x), x.argmax(axis=-1))
    assert first_largest(np.array([1.0, 1.0 + 1e-5])) == 1
