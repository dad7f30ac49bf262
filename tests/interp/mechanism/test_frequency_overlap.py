import itertools

import numpy as np
import pytest

from interp.mechanism.frequency_overlap import second_harmonic, set_overlap, weighted_agreement
from interp.spectra.fourier import complex_amplitude

# overlap of two sets


def test_known_overlaps():
    same = set_overlap(np.array([3, 9, 20]), np.array([20, 3, 9]), 33)
    assert (same.common, same.jaccard) == (3, 1.0)
    assert same.p_value == pytest.approx(6 / (33 * 32 * 31))
    apart = set_overlap(np.array([1, 2]), np.array([3]), 33)
    assert (apart.common, apart.jaccard, apart.p_value) == (0, 0.0, 1.0)
    everything = set_overlap(np.arange(1, 6), np.array([2]), 5)
    assert everything.jaccard == everything.chance == pytest.approx(0.2)
    nothing = set_overlap(np.array([], dtype=int), np.array([], dtype=int), 5)
    assert np.isnan(nothing.jaccard) and np.isnan(nothing.chance) and nothing.p_value == 1


@pytest.mark.parametrize(("n_first", "n_second"), [(2, 3), (4, 4), (1, 5), (0, 2)])
def test_chance_is_the_mean_over_all_sets(n_first, n_second):
    K, second = 6, set(range(1, n_second + 1))
    drawn = [set(subset) for subset in itertools.combinations(range(1, K + 1), n_first)]
    jaccards = [len(subset & second) / len(subset | second) for subset in drawn]
    for first in drawn:
        overlap = set_overlap(np.array(sorted(first), dtype=int), np.array(sorted(second)), K)
        assert overlap.jaccard == pytest.approx(len(first & second) / len(first | second))
        assert overlap.chance == pytest.approx(np.mean(jaccards))
        as_many = [len(subset & second) >= len(first & second) for subset in drawn]
        assert overlap.p_value == pytest.approx(np.mean(as_many))


def test_overlaps_do_not_depend_on_labels_of_frequencies():
    renamed = np.random.default_rng(0).permutation(9) + 1
    first, second = np.array([1, 4, 6]), np.array([4, 6, 8, 9])
    assert set_overlap(renamed[first - 1], renamed[second - 1], 9) == set_overlap(first, second, 9)


@pytest.mark.parametrize("wrong", [[0], [6], [2, 2]])
def test_malformed_sets_of_frequencies_are_refused(wrong):
    with pytest.raises(ValueError, match=r"first: expected different frequencies in 1\.\.5, got"):
        set_overlap(np.array(wrong), np.array([1]), 5)
    with pytest.raises(ValueError, match="second: expected"):
        set_overlap(np.array([1]), np.array(wrong), 5)


# weighted agreement


def test_known_agreement():
    reference, weight = np.array([1, 2, 3, 0]), np.array([5.0, 3.0, 2.0, 100.0])
    share, _ = weighted_agreement(np.array([[1, 2, 3, 4], [1, 1, 1, 1], [0, 2, 1, 1]]), reference, weight)
    assert share.tolist() == [1.0, 0.5, 0.6]
    unweighted, _ = weighted_agreement(np.array([1, 1, 3, 1]), reference)
    assert unweighted == pytest.approx(2 / 3)


def test_chance_is_the_mean_over_all_orders():
    rng = np.random.default_rng(1)
    k, reference, weight = rng.integers(1, 3, 6), rng.integers(1, 3, 6), rng.random(6)
    orders = [
        weighted_agreement(k[list(order)], reference, weight)[0] for order in itertools.permutations(range(6))
    ]
    assert weighted_agreement(k, reference, weight)[1] == pytest.approx(np.mean(orders))
    dead = np.append(k, 0), np.append(reference, 2), np.append(weight, 3.0)
    np.testing.assert_allclose(weighted_agreement(*dead), weighted_agreement(k, reference, weight))


def test_units_and_order_of_neurons_do_not_matter():
    rng = np.random.default_rng(2)
    k, reference, weight = rng.integers(0, 5, (3, 20)), rng.integers(0, 5, 20), rng.random(20)
    order = rng.permutation(20)
    expected = weighted_agreement(k, reference, weight)
    np.testing.assert_allclose(weighted_agreement(k[:, order], reference[order], 7 * weight[order]), expected)


def test_nothing_to_compare_is_nan():
    for k, weight in (([0, 1], [1.0, 0.0]), ([0, 0], [1.0, 1.0])):
        assert np.isnan(weighted_agreement(np.array(k), np.array([1, 1]), np.array(weight))).all()


def test_wrong_arguments_are_refused(unchecked):
    k = np.array([1, 2])
    with pytest.raises(ValueError, match=r"shapes \(\.\.\., m\), \(m,\) and \(m,\), got \(2,\), \(3,\)"):
        weighted_agreement(k, np.array([1, 2, 3]))
    with pytest.raises(ValueError, match=r"got -2\.\.-1"):
        weighted_agreement(-k, k)
    for wrong in ([1.0, -1.0], [1.0, np.inf]):
        with pytest.raises(ValueError, match="weight: expected finite numbers from 0"):
            weighted_agreement(k, k, np.array(wrong))


# the second harmonic


@pytest.mark.parametrize("p", [5, 7, 67])
def test_a_wave_without_its_sign_is_at_twice_its_frequency(p):
    j = np.arange(p)
    for k in range(1, (p - 1) // 2 + 1):
        squared, _ = complex_amplitude(np.cos(2 * np.pi * k * j / p + 0.3) ** 2)  # ½ + ½ cos(2 ω j + .6)
        read = second_harmonic(squared)
        assert np.abs(read).argmax() + 1 == k
        assert read[k - 1] == pytest.approx(0.5 * np.exp(0.6j))


def test_no_amplitude_is_lost():
    z = np.random.default_rng(3).normal(size=(2, 4, 33, 2)) @ [1, 1j]
    assert second_harmonic(z).shape == z.shape
    np.testing.assert_allclose(np.sort(np.abs(second_harmonic(z)), axis=-1), np.sort(np.abs(z), axis=-1))


def test_second_harmonics_are_the_amplitudes_of_every_second_residue():
    """Compare with the spectrum of every second residue.

    Reading a row at 2j mod p moves frequency k to k / 2.
    """
    p = 31
    row = np.random.default_rng(4).normal(size=p)
    half = (p + 1) // 2
    expected, _ = complex_amplitude(row[half * np.arange(p) % p])
    np.testing.assert_allclose(second_harmonic(complex_amplitude(row)[0]), expected, atol=1e-12)


def test_without_a_frequency_there_is_no_harmonic(unchecked):
    with pytest.raises(ValueError, match="K at least 1, got"):
        second_harmonic(np.array(1j))
