"""Neurons with given frequencies, phases and amplitudes."""

import numpy as np
import pytest
from builders import rng
from scipy import stats

from interp.mechanism.diversification import amplitude_variation, frequency_counts, phase_symmetry

K = 11


# phase symmetry


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8])
def test_evenly_spaced_phases_cancel_unless_the_order_divides(n):
    result = phase_symmetry(0.3 + 2 * np.pi * np.arange(n) / n, np.full(n, 2), K)
    np.testing.assert_allclose(result.R[1], [float(order % n == 0) for order in (1, 2, 3, 4)], atol=1e-12)
    assert result.n_neurons[1] == n
    assert result.baseline[1] == pytest.approx(np.sqrt(np.pi / (4 * n)))
    assert np.isnan(result.R[0]).all() and np.isnan(result.baseline[0]) and result.n_neurons[0] == 0


def test_uniform_phases_average_the_baseline():
    result = phase_symmetry(rng().uniform(-np.pi, np.pi, (4000, 50)), np.full((4000, 50), 1), 1)
    np.testing.assert_allclose(result.R.mean(axis=0)[0], result.baseline[0, 0], rtol=0.02)


def test_phase_symmetry_equals_the_loop_and_ignores_rotation():
    phase, k = rng().uniform(-np.pi, np.pi, (2, 30)), rng(1).integers(0, 4, (2, 30))
    phase[1, 3] = np.nan
    result, turned = phase_symmetry(phase, k, 4), phase_symmetry(phase + 1.0, k, 4)
    np.testing.assert_allclose(turned.R, result.R, atol=1e-12)
    for t in range(2):
        for group in range(1, 5):
            members = [p for p, g in zip(phase[t], k[t], strict=True) if g == group and not np.isnan(p)]
            assert result.n_neurons[t, group - 1] == len(members)
            for order in range(1, 5):
                if members:
                    slow = abs(sum(np.exp(1j * order * p) for p in members)) / len(members)
                    assert result.R[t, group - 1, order - 1] == pytest.approx(slow)


@pytest.mark.usefixtures("unchecked")
def test_phase_symmetry_refuses_wrong_arguments():
    with pytest.raises(ValueError, match="phase and frequency: expected one shape"):
        phase_symmetry(np.zeros(3), np.ones(2, dtype=int), K)
    with pytest.raises(ValueError, match=r"frequency: expected 1..1, or 0 for none, got 2..2"):
        phase_symmetry(np.zeros(3), np.full(3, 2), 1)


# frequency counts


def test_even_use_is_certain_and_single_use_is_not():
    even = frequency_counts(np.tile(np.arange(1, K + 1), 5), K)
    np.testing.assert_array_equal(even.count, 5)
    assert even.chi2 == 0 and even.p_value == pytest.approx(1)
    single = frequency_counts(np.full(55, 3), K)
    assert single.chi2 == pytest.approx(55 * (K - 1)) and single.p_value < 1e-12


def test_counts_match_the_formula_on_a_stack_with_dead_neurons():
    k = rng().integers(0, K + 1, (3, 40))
    k[2] = 0
    result = frequency_counts(k, K)
    for t in range(2):
        count = np.array([(k[t] == i).sum() for i in range(1, K + 1)])
        chi2 = ((count - count.mean()) ** 2 / count.mean()).sum()
        np.testing.assert_array_equal(result.count[t], count)
        assert result.n_dead[t] == (k[t] == 0).sum()
        assert result.chi2[t] == pytest.approx(chi2)
        assert result.p_value[t] == pytest.approx(stats.chi2.sf(chi2, K - 1))
    assert np.isnan(result.p_value[2]) and np.isnan(result.chi2[2]) and result.n_dead[2] == 40


@pytest.mark.parametrize("level", [0.05, 0.5, 0.9])
def test_uniform_use_has_uniform_p_values(level):
    p_value = frequency_counts(rng().integers(1, K + 1, (4000, 40 * K)), K).p_value
    assert (p_value <= level).mean() == pytest.approx(level, abs=0.03)  # sd at most .008


def test_counts_do_not_depend_on_labels_of_frequencies():
    k = rng().integers(1, K + 1, 40)
    renamed = np.append(0, rng(1).permutation(K) + 1)[k]
    assert frequency_counts(renamed, K).p_value == pytest.approx(float(frequency_counts(k, K).p_value))


def test_one_frequency_cannot_be_tested_and_outside_ones_are_refused():
    assert np.isnan(frequency_counts(np.array([1, 1]), 1).p_value)
    with pytest.raises(ValueError, match=r"frequency: expected 1..2, or 0 for none, got 1..3"):
        frequency_counts(np.array([1, 3]), 2)


# variation of amplitudes


def test_amplitude_variation_is_deviation_over_mean_of_the_live():
    amplitude = np.array([[2.0, 2.0, 2.0, 0.0], [1.0, 3.0, np.nan, 0.0], [0.0, np.nan, 0.0, 0.0]])
    np.testing.assert_allclose(amplitude_variation(amplitude), [0, 0.5, np.nan])
    x = rng().uniform(0.1, 1, 50)
    assert amplitude_variation(x) == pytest.approx(np.std(x) / np.mean(x))
    assert amplitude_variation(1e-200 * x) == pytest.approx(np.std(x) / np.mean(x))
    with pytest.raises(ValueError, match=r"amplitude: expected at least 0, got -1.0"):
        amplitude_variation(np.array([1.0, -1.0]))
