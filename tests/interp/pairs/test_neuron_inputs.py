"""Input maps read off pre-activations: planted maps, phases, and what does not add."""

import numpy as np
import pytest
from builders import rng

from interp.mechanism.phase_alignment import misalignment
from interp.pairs.evaluation import all_pairs
from interp.pairs.neuron_inputs import additive_maps

P, M = 11, 6
FREQUENCY = np.array([1, 2, 3, 4, 5, 2])
PHASES = rng(0).uniform(-np.pi, np.pi, (3, M))


def waves(phases):
    return np.cos(2 * np.pi * FREQUENCY[:, None] * np.arange(P) / P + phases[:, None])


def test_planted_maps_and_biases_come_back():
    first, second, bias = waves(PHASES[0]), 2 * waves(PHASES[1]), rng(1).standard_normal(M)
    maps = additive_maps(lambda ab: bias + first[:, ab[:, 0]].T + second[:, ab[:, 1]].T, P)
    for got, planted in ((maps.first, first), (maps.second, second), (maps.constant, bias), (maps.share, 1)):
        np.testing.assert_allclose(got, planted * np.ones_like(got), atol=1e-12)


def test_phases_of_two_input_maps_come_back_from_the_function():
    first, second, output = waves(PHASES[0]), waves(PHASES[1]), waves(PHASES[0] + PHASES[1])
    maps = additive_maps(lambda ab: 3 + first[:, ab[:, 0]].T + second[:, ab[:, 1]].T, P)
    result = misalignment(maps.first, output, second_map=maps.second)
    np.testing.assert_array_equal(result.frequency, FREQUENCY)
    np.testing.assert_allclose(result.D, 0, atol=1e-9)
    assert result.mean_cos == pytest.approx(1)
    assert misalignment(maps.first, output).mean_cos < 0.9  # one map taken for both


def test_what_does_not_add_has_no_share():
    a, b = all_pairs(P).T
    wave = np.cos(2 * np.pi * np.arange(P) / P)
    maps = additive_maps(np.stack([wave[a] * wave[b], wave[a] + wave[a] * wave[b], 0 * a + 2.0], axis=1))
    assert maps.share[:2] == pytest.approx([0, 2 / 3]) and np.isnan(maps.share[2])
    np.testing.assert_allclose(maps.first[1], wave, atol=1e-12)
    np.testing.assert_allclose(maps.second, 0, atol=1e-12)


def test_a_function_of_one_residue_is_refused():
    with pytest.raises(ValueError, match=r"network: expected a function that returns shape \(121, columns\)"):
        additive_maps(lambda pairs: np.zeros((P, M)), P)
