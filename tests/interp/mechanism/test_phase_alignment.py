"""Neurons with planted frequencies and phases.

m neurons, p residues, K = (p - 1) / 2.
"""

import numpy as np
import pytest
from builders import rng

from interp.mechanism.phase_alignment import frequency_agreement, misalignment, wrap_angle
from interp.spectra.fourier import amplitude_phase, fourier_basis
from interp.spectra.weight_spectrum import neuron_frequency

P = 23
K = 11


def cosines(k, amplitude, phase):
    """Cosine waves, one row per neuron."""
    angle = 2 * np.pi * np.asarray(k)[:, None] * np.arange(P) / P
    return np.asarray(amplitude)[:, None] * np.cos(angle + np.asarray(phase)[:, None])


def planted(m, D, seed=0):
    """Maps of m single-frequency neurons, and their planted parameters."""
    k = rng(seed).integers(1, K + 1, m)
    alpha, beta = rng(seed + 1).uniform(0.5, 2, (2, m))
    phi = rng(seed + 2).uniform(-np.pi, np.pi, m)
    return cosines(k, alpha, phi), cosines(k, beta, 2 * phi - D), k, alpha, beta, phi


# wrap


def test_wrap_is_the_angle_of_the_point_on_the_circle():
    angle = rng().uniform(-50, 50, 1000)
    wrapped = wrap_angle(angle)
    np.testing.assert_allclose(np.exp(1j * wrapped), np.exp(1j * angle), atol=1e-12)
    assert (wrapped >= -np.pi).all() and (wrapped < np.pi).all()


def test_wrap_is_half_open_and_exact_inside():
    edge = [np.pi, -np.pi, 3 * np.pi, np.nextafter(np.pi, 0), np.nextafter(-np.pi, -4), -3 * np.pi]
    wrapped = wrap_angle(np.array(edge))
    assert (wrapped >= -np.pi).all() and (wrapped < np.pi).all()
    inside = rng().uniform(-3.1, 3.1, 100)
    np.testing.assert_array_equal(wrap_angle(inside), inside)
    assert np.isnan(wrap_angle(np.array([np.nan]))).all()


# misalignment


def test_a_neuron_that_writes_another_frequency_is_left_out_and_counted():
    W_in, W_out, *_ = planted(5, np.full(5, 0.2))
    reads_2_writes_5 = cosines([2], [1.0], [0.3]), cosines([5], [1.0], [-2.0])
    dead = cosines([3], [1.0], [0.0]), np.zeros((1, P))
    maps = [np.concatenate(rows) for rows in zip((W_in, W_out), reads_2_writes_5, dead, strict=True)]
    for saved in (maps, [w.astype(np.float32) for w in maps]):
        result = misalignment(*saved)
        assert 0 < result.output_amplitude[5] < 1e-6  # rounding, whose phase entered the means
        assert np.isnan(result.D[5:]).all() and np.isnan(result.output_phase[5])
        assert result.input_phase[5] == pytest.approx(0.3)
        assert (result.n_dead, result.n_silent) == (1, 1)
        assert result.mean_cos == pytest.approx(np.cos(0.2)) == pytest.approx(result.weighted_cos)
        assert result.mean_abs_sin == pytest.approx(np.sin(0.2), rel=1e-5)
    turned = misalignment(maps[0], maps[1], frequency=np.full(7, 5))  # read at 5 by none of the last two
    assert np.isnan(turned.input_phase[5]) and np.isnan(turned.D[5])


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_weighted_means_are_free_of_scale(scale):
    W_in, W_out, *_ = planted(5, np.linspace(0, 2, 5))
    expected = misalignment(W_in, W_out).weighted_cos
    assert misalignment(scale * W_in, scale * W_out).weighted_cos == pytest.approx(expected)


def test_planted_misalignments_come_back():
    D = rng(5).uniform(-np.pi, np.pi, 40)
    W_in, W_out, k, alpha, beta, phi = planted(40, D)
    result = misalignment(W_in, W_out)
    np.testing.assert_array_equal(result.frequency, k)
    np.testing.assert_allclose(result.D, D, atol=1e-12)
    np.testing.assert_allclose(result.input_amplitude, alpha, atol=1e-12)
    np.testing.assert_allclose(result.output_amplitude, beta, atol=1e-12)
    np.testing.assert_allclose(result.input_phase, phi, atol=1e-12)
    assert result.mean_abs_sin == pytest.approx(np.abs(np.sin(D)).mean())
    assert result.mean_cos == pytest.approx(np.cos(D).mean())
    weight = alpha**2 * beta**2
    assert result.weighted_cos == pytest.approx((weight * np.cos(D)).sum() / weight.sum())
    assert result.n_dead == 0


@pytest.mark.parametrize(("D", "cos"), [(0.0, 1.0), (np.pi, -1.0)])
def test_the_sine_cannot_tell_aligned_from_opposed_but_the_cosine_can(D, cos):
    result = misalignment(*planted(10, D)[:2])
    assert result.mean_abs_sin == pytest.approx(0, abs=1e-12)
    assert result.mean_cos == pytest.approx(cos)
    assert result.weighted_cos == pytest.approx(cos)


def test_random_maps_have_no_alignment():
    W_in, W_out = rng().standard_normal((2, 20000, P))
    result = misalignment(W_in, W_out)
    assert result.mean_abs_sin == pytest.approx(2 / np.pi, abs=0.01)
    assert result.mean_cos == pytest.approx(0, abs=0.02)


def test_misalignment_matches_the_loop_over_checkpoints_and_neurons():
    W_in, W_out = rng().standard_normal((2, 3, 5, P))
    result = misalignment(W_in, W_out)
    F = fourier_basis(P)
    for t in range(3):
        weights, terms = [], []
        for m in range(5):
            c, e = F @ W_in[t, m], F @ W_out[t, m]
            k = max(range(1, K + 1), key=lambda k, c=c: c[2 * k - 1] ** 2 + c[2 * k] ** 2)
            phi, psi = np.arctan2(-c[2 * k], c[2 * k - 1]), np.arctan2(-e[2 * k], e[2 * k - 1])
            assert result.frequency[t, m] == k
            assert np.exp(1j * result.D[t, m]) == pytest.approx(np.exp(1j * (2 * phi - psi)))
            weights.append((c[2 * k - 1] ** 2 + c[2 * k] ** 2) * (e[2 * k - 1] ** 2 + e[2 * k] ** 2))
            terms.append(np.cos(2 * phi - psi))
        assert result.weighted_cos[t] == pytest.approx(np.dot(weights, terms) / sum(weights))
        assert result.mean_cos[t] == pytest.approx(np.mean(terms))


def test_misalignment_does_not_depend_on_labels_scale_or_shift():
    W_in, W_out = rng().standard_normal((2, 6, P))
    before = misalignment(W_in, W_out)
    order = np.arange(P) * 5 % P  # may conjugate a neuron's phases, which flips the sign of its D
    after = misalignment(W_in[:, order] * 1e-60, W_out[:, order] * 1e60)
    np.testing.assert_allclose(np.cos(after.D), np.cos(before.D), atol=1e-12)
    assert after.weighted_cos == pytest.approx(float(before.weighted_cos))
    # adding s to both inputs adds 2s to the sum
    shifted = misalignment(np.roll(W_in, 4, axis=1), np.roll(W_out, 8, axis=1))
    np.testing.assert_allclose(np.exp(1j * shifted.D), np.exp(1j * before.D), atol=1e-12)


def test_a_given_frequency_serves_all_checkpoints():
    W_in, W_out = rng().standard_normal((2, 3, 5, P))
    k, _ = neuron_frequency(W_in[-1])
    result = misalignment(W_in, W_out, k)
    np.testing.assert_array_equal(result.frequency, np.stack([k] * 3))
    np.testing.assert_array_equal(result.D[-1], misalignment(W_in, W_out).D[-1])
    phase = amplitude_phase(W_in)[1]
    assert result.input_phase[0, 2] == phase[0, 2, k[2] - 1]


def test_dead_neurons_have_no_misalignment_and_are_counted():
    W_in, W_out, k, *_ = planted(4, 0.0)
    W_in, W_out = np.stack([W_in] * 2), np.stack([W_out] * 2)
    W_in[0, 1] = 0
    W_out[0, 2] = 0.3
    W_in[1] = 0
    result = misalignment(W_in, W_out)
    np.testing.assert_array_equal(np.isnan(result.D), [[False, True, True, False], [True] * 4])
    np.testing.assert_array_equal(result.n_dead, [2, 4])
    np.testing.assert_array_equal(result.frequency[0], [k[0], 0, k[2], k[3]])
    assert result.mean_cos[0] == pytest.approx(1) and result.weighted_cos[0] == pytest.approx(1)
    assert np.isnan([result.mean_abs_sin[1], result.mean_cos[1], result.weighted_cos[1]]).all()


@pytest.mark.usefixtures("unchecked")
def test_misalignment_refuses_wrong_arguments():
    W = rng().standard_normal((4, P))
    with pytest.raises(ValueError, match=r"one shape \(..., m, p\), got \(4, 23\) and \(3, 23\)"):
        misalignment(W, W[:3])
    with pytest.raises(ValueError, match=r"frequency: expected 1..11, or 0 for none, got 1..12"):
        misalignment(W, W, np.array([1, 2, 3, 12]))
    with pytest.raises(ValueError, match=r"frequency: expected a shape that fits \(4,\), got shape \(3,\)"):
        misalignment(W, W, np.array([1, 2, 3]))
    with pytest.raises(ValueError, match="input_map: expected p odd and at least 3 residues, got p = 22"):
        misalignment(W[:, 1:], W[:, 1:])
    with pytest.raises(ValueError, match="output_map: expected finite values, got 1 NaN"):
        misalignment(W, np.where(np.arange(P * 4).reshape(4, P) == 7, np.nan, W))


# agreement


@pytest.mark.usefixtures("unchecked")
def test_agreement_counts_neurons_live_in_both():
    share, n_dead = frequency_agreement(
        np.array([[1, 2, 3, 0], [0, 1, 0, 0]]), np.array([[1, 2, 4, 5], [1, 0, 0, 2]])
    )
    np.testing.assert_allclose(share, [2 / 3, np.nan])
    np.testing.assert_array_equal(n_dead, [1, 4])
    with pytest.raises(ValueError, match=r"one shape, got \(2,\), \(3,\)"):
        frequency_agreement(np.array([1, 2]), np.array([1, 2, 3]))


# two input maps


def two_maps(m, D, seed=3):
    """Maps of neurons that read their two inputs with phases of their own."""
    k = rng(seed).integers(1, K + 1, m)
    alpha, second, beta = rng(seed + 1).uniform(0.5, 2, (3, m))
    phi_a, phi_b = rng(seed + 2).uniform(-np.pi, np.pi, (2, m))
    a, b = cosines(k, alpha, phi_a), cosines(k, second, phi_b)
    return a, b, cosines(k, beta, phi_a + phi_b - D), k, (alpha, second, beta), (phi_a, phi_b)


def test_planted_misalignments_of_two_input_maps_come_back():
    D = rng(9).uniform(-np.pi, np.pi, 40)
    a, b, output, k, amplitudes, phases = two_maps(40, D)
    result = misalignment(a, output, second_map=b)
    np.testing.assert_array_equal(result.frequency, k)
    np.testing.assert_allclose(result.D, D, atol=1e-9)
    got = result.input_amplitude, result.second_amplitude, result.output_amplitude
    np.testing.assert_allclose(got, amplitudes, rtol=1e-9)
    np.testing.assert_allclose((result.input_phase, result.second_phase), phases, atol=1e-9)
    weight = amplitudes[0] * amplitudes[1] * amplitudes[2] ** 2
    np.testing.assert_allclose(result.weighted_cos, (weight * np.cos(D)).sum() / weight.sum(), rtol=1e-9)


def test_one_of_two_input_maps_shows_no_alignment_where_both_show_it():
    a, b, output, *_ = two_maps(400, 0.0)
    assert abs(misalignment(a, output).mean_cos) < 0.15
    assert misalignment(a, output, second_map=b).mean_cos == pytest.approx(1)


def test_the_first_map_given_twice_is_one_map():
    a, _, output, *_ = two_maps(30, 0.4)
    one, twice = misalignment(a, output), misalignment(a, output, second_map=a)
    for name in ("frequency", "D", "mean_cos", "weighted_cos", "n_dead", "n_silent"):
        np.testing.assert_allclose(getattr(one, name), getattr(twice, name), atol=1e-12)


def test_a_row_dead_in_the_second_map_is_counted_and_other_shapes_are_refused():
    a, b, output, *_ = two_maps(5, 0.0)
    b[2] = 0
    result = misalignment(a, output, second_map=b)
    assert np.isnan(result.D[2]) and result.n_dead == 1
    with pytest.raises(ValueError, match=r"second_map: expected shape \(5, 23\), got \(4, 23\)"):
        misalignment(a, output, second_map=b[:4])
