"""Spectra of planted waves and of white noise.

p residues, K frequencies, n random neurons.
"""

import numpy as np
import pytest
from builders import noise

from interp.spectra.concentration import (
    fourier_entropy,
    gini_coefficient,
    inverse_participation_ratio,
    neuron_gini,
)
from interp.spectra.embedding_spectrum import fourier_coefficient_ratio, fourier_frequency_density
from interp.spectra.fourier import amplitude_phase, fourier_basis, fourier_coefficients
from interp.spectra.weight_spectrum import (
    frequency_norms,
    frequency_power,
    mean_over_neurons,
    neuron_frequency,
)

P = 67
K = 33
MEASURES = {
    "energy_share": lambda W: neuron_frequency(W)[1],
    "ipr_frequency": inverse_participation_ratio,
    "ipr_basis": lambda W: inverse_participation_ratio(W, "basis"),
    "gini_frequencies": neuron_gini,
    "gini_basis": lambda W: neuron_gini(W, "basis"),
    "entropy": fourier_entropy,
    "entropy_paper": lambda W: fourier_entropy(W, paper_compat=True),
}
ON_MAPS = {
    **MEASURES,
    "coefficients": fourier_coefficients,
    "amplitude_phase": amplitude_phase,
    "power": lambda W: frequency_power(np.swapaxes(W, -1, -2)),
}


def cosine(p, k, amplitude=1.0, phase=0.0):
    return amplitude * np.cos(2 * np.pi * k * np.arange(p) / p + phase)


def relabelled(W, unit):
    """Map with all residues multiplied by a unit."""
    return W[..., np.arange(W.shape[-1]) * unit % W.shape[-1]]


def moved(p, unit):
    """Frequencies 1..K after multiplying all residues by a unit."""
    k = np.arange(1, (p + 1) // 2) * unit % p
    return np.minimum(k, p - k)


def slow_coefficients(w):
    """Fourier coefficients, sum by sum."""
    p = len(w)
    c = [sum(w[j] for j in range(p)) / np.sqrt(p)]
    for k in range(1, (p - 1) // 2 + 1):
        c.append(np.sqrt(2 / p) * sum(w[j] * np.cos(2 * np.pi * k * j / p) for j in range(p)))
        c.append(np.sqrt(2 / p) * sum(w[j] * np.sin(2 * np.pi * k * j / p) for j in range(p)))
    return c


def slow_amplitudes(w):
    c, p = slow_coefficients(w), len(w)
    return [np.sqrt(2 / p) * np.sqrt(c[2 * k - 1] ** 2 + c[2 * k] ** 2) for k in range(1, (p - 1) // 2 + 1)]


def slow_gini(x):
    """Mean absolute difference over twice the mean."""
    return sum(abs(a - b) for a in x for b in x) / (2 * len(x) * sum(x))


def slow_shannon(x):
    return -sum(a / sum(x) * np.log(a / sum(x)) for a in x)


def slow_paper(x):
    q = [a / sum(x[:-1]) for a in x[:-1]]
    return -sum(a * np.log(np.exp(a) / sum(np.exp(b) for b in q)) for a in q)


SLOW = {
    "energy_share": lambda w: max(slow_amplitudes(w)) ** 2 / sum(a**2 for a in slow_amplitudes(w)),
    "ipr_frequency": lambda w: (
        sum(a**4 for a in slow_amplitudes(w)) / sum(a**2 for a in slow_amplitudes(w)) ** 2
    ),
    "ipr_basis": lambda w: (
        sum(c**4 for c in slow_coefficients(w)) / sum(c**2 for c in slow_coefficients(w)) ** 2
    ),
    "gini_frequencies": lambda w: slow_gini(slow_amplitudes(w)),
    "gini_basis": lambda w: slow_gini([abs(c) for c in slow_coefficients(w)]),
    "entropy": lambda w: slow_shannon(slow_amplitudes(w)),
    "entropy_paper": lambda w: slow_paper(slow_amplitudes(w)),
}


# by construction


@pytest.mark.parametrize("p", [3, 5, 67, 113])
def test_basis_is_orthonormal_and_ordered(p):
    F = fourier_basis(p)
    np.testing.assert_allclose(F @ F.T, np.eye(p), atol=1e-13)
    np.testing.assert_allclose(F[0], p**-0.5)
    np.testing.assert_allclose(F[1], np.sqrt(2 / p) * np.cos(2 * np.pi * np.arange(p) / p), atol=1e-14)
    np.testing.assert_allclose(
        F[p - 1], np.sqrt(2 / p) * np.sin(np.pi * (p - 1) / p * np.arange(p)), atol=1e-12
    )


@pytest.mark.parametrize("k", [1, 17, K])
@pytest.mark.parametrize("phase", [-3.0, -0.5, 0.0, 1.5, 3.1])
def test_a_planted_cosine_comes_back(k, phase):
    amplitude, phases = amplitude_phase(0.7 + cosine(P, k, 2.5, phase))
    assert amplitude[k - 1] == pytest.approx(2.5, abs=1e-13)
    assert phases[k - 1] == pytest.approx(phase, abs=1e-13)
    np.testing.assert_allclose(np.delete(amplitude, k - 1), 0, atol=1e-13)


def test_amplitudes_and_phases_rebuild_the_map():
    W = noise(4, 3, P)
    amplitude, phase = amplitude_phase(W)
    angle = 2 * np.pi * np.outer(np.arange(1, K + 1), np.arange(P)) / P
    rebuilt = (amplitude[..., None] * np.cos(angle + phase[..., None])).sum(axis=-2)
    np.testing.assert_allclose(rebuilt + W.mean(axis=-1, keepdims=True), W, atol=1e-12)


def test_frequency_and_share_of_a_mixture():
    frequency, share = neuron_frequency(cosine(P, 9, 3.0, 0.4) + cosine(P, 20, 4.0, 1.0) + 5)
    assert frequency == 20
    assert share == pytest.approx(16 / 25)


@pytest.mark.parametrize("k", [1, 17, K])
def test_a_single_frequency_is_at_one_end_of_every_scale(k):
    W = cosine(P, k, 0.01, 0.3)
    assert neuron_frequency(W)[0] == k
    assert inverse_participation_ratio(W) == pytest.approx(1)
    assert neuron_gini(W) == pytest.approx(1 - 1 / K)
    assert fourier_entropy(W) == pytest.approx(0, abs=1e-10)
    if k < K:
        assert fourier_entropy(W, paper_compat=True) == pytest.approx(2.518, abs=5e-4)
    else:
        assert np.isnan(fourier_entropy(W, paper_compat=True))


def test_equal_amplitudes_are_at_the_other_end_of_every_scale():
    W = sum(cosine(P, k, 1.0, k**2) for k in range(1, K + 1))
    assert inverse_participation_ratio(W) == pytest.approx(1 / K)
    assert neuron_gini(W) == pytest.approx(0, abs=1e-12)
    assert fourier_entropy(W) == pytest.approx(np.log(K))
    assert fourier_entropy(W, paper_compat=True) == pytest.approx(3.466, abs=5e-4)


def test_a_cosine_averages_three_quarters_in_the_basis():
    phases = 2 * np.pi * np.arange(64) / 64
    assert inverse_participation_ratio(
        np.stack([cosine(P, 5, 1.0, phase) for phase in phases]), "basis"
    ).mean() == pytest.approx(3 / 4)


def test_white_noise_has_the_values_of_the_definitions():
    W = noise(20000, P)
    assert inverse_participation_ratio(W).mean() == pytest.approx(2 / (K + 1), abs=2e-4)
    assert inverse_participation_ratio(W, "basis").mean() == pytest.approx(3 / (P + 2), abs=2e-4)
    assert fourier_entropy(W).mean() == pytest.approx(3.361, abs=1e-3)
    assert fourier_entropy(W, paper_compat=True).mean() == pytest.approx(3.458, abs=1e-3)


def test_power_of_a_planted_matrix():
    W = 3 + np.stack([cosine(P, 4, 1.0), cosine(P, 4, 1.0, 2.0), cosine(P, 30, 2.0)], axis=1)  # (p, 3)
    expected = np.zeros(K)
    expected[[3, 29]] = 2 / 6, 4 / 6
    np.testing.assert_allclose(frequency_power(W), expected, atol=1e-12)
    assert frequency_norms(W)[29] == pytest.approx(2 * np.sqrt(P / 2))


# invariance


@pytest.mark.parametrize("unit", [2, 11, 66])
@pytest.mark.parametrize("name", [n for n in MEASURES if n != "entropy_paper"])
def test_relabelling_residues_by_a_unit_moves_frequencies_and_nothing_else(name, unit):
    W = noise(5, P)
    before, after = neuron_frequency(W)[0], neuron_frequency(relabelled(W, unit))[0]
    np.testing.assert_array_equal(after, moved(P, unit)[before - 1])
    amplitude = amplitude_phase(W)[0]
    np.testing.assert_allclose(
        amplitude_phase(relabelled(W, unit))[0][:, moved(P, unit) - 1], amplitude, atol=1e-12
    )
    np.testing.assert_allclose(MEASURES[name](relabelled(W, unit)), MEASURES[name](W), rtol=1e-10)


@pytest.mark.parametrize("scale", [1e-200, 1e-30, -2.0, 1e30, 1e200])
@pytest.mark.parametrize("name", MEASURES)
def test_measures_are_free_of_scale(name, scale):
    W = noise(5, P)
    np.testing.assert_allclose(MEASURES[name](scale * W), MEASURES[name](W), rtol=1e-10)


@pytest.mark.parametrize("name", [n for n in MEASURES if not n.endswith("basis")])
def test_constants_and_shifts_of_the_residues_do_not_matter(name):
    W = noise(5, P)
    np.testing.assert_allclose(MEASURES[name](np.roll(W, 7, axis=-1) + 3), MEASURES[name](W), rtol=1e-10)


def test_paper_compatible_entropy_depends_on_labels():
    W = cosine(P, K, 1.0) + cosine(P, 3, 0.5)  # frequency K is left out, and which one that is, is a label
    before, after = (fourier_entropy(x, paper_compat=True) for x in (W, relabelled(W, 2)))
    assert before == pytest.approx(2.518, abs=5e-4)
    assert after > before + 0.1


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_shares_and_norms_of_a_matrix_follow_its_scale(scale):
    W = noise(P, 5)
    np.testing.assert_allclose(frequency_power(scale * W), frequency_power(W), rtol=1e-12)
    np.testing.assert_allclose(frequency_norms(scale * W), scale * frequency_norms(W), rtol=1e-12)
    for measure in (fourier_frequency_density, fourier_coefficient_ratio):
        assert measure(scale * W) == pytest.approx(float(measure(W)))


def test_power_does_not_depend_on_the_basis_of_the_columns():
    W = noise(P, 6)
    Q, _ = np.linalg.qr(noise(6, 6, seed=1))
    np.testing.assert_allclose(frequency_power(W @ Q), frequency_power(W), rtol=1e-10)
    assert frequency_power(W).sum() == pytest.approx(1)


# oracle


def test_coefficients_match_the_sums_and_the_basis():
    W = noise(2, 3, 13)
    C = fourier_coefficients(W)
    np.testing.assert_allclose(C, W @ fourier_basis(13).T, atol=1e-13)
    np.testing.assert_allclose(C[1, 2], slow_coefficients(W[1, 2]), atol=1e-13)
    np.testing.assert_allclose((C**2).sum(axis=-1), (W**2).sum(axis=-1))


@pytest.mark.parametrize("name", MEASURES)
def test_measures_match_the_sums_on_a_stack(name):
    W = noise(2, 3, 13)
    slow = [[SLOW[name](w) for w in rows] for rows in W]
    np.testing.assert_allclose(MEASURES[name](W), slow, rtol=1e-11)


def test_norms_and_power_match_the_sums_on_a_stack():
    W = noise(2, 13, 4)
    C = np.array([[slow_coefficients(W[t, :, d]) for d in range(4)] for t in range(2)])  # (2, 4, 13)
    squares = [[sum(C[t, :, 2 * k - 1] ** 2 + C[t, :, 2 * k] ** 2) for k in range(1, 7)] for t in range(2)]
    np.testing.assert_allclose(frequency_norms(W), np.sqrt(squares), rtol=1e-12)
    np.testing.assert_allclose(frequency_power(W), [np.array(s) / sum(s) for s in squares], rtol=1e-12)


def test_single_precision_is_computed_in_double():
    W = noise(5, P).astype(np.float32)
    np.testing.assert_array_equal(fourier_entropy(W), fourier_entropy(W.astype(np.float64)))


# dead neurons


@pytest.mark.parametrize("value", [0.0, 0.3, -1e20])
@pytest.mark.parametrize("name", MEASURES)
def test_a_dead_neuron_has_no_value_and_leaves_the_others_alone(name, value):
    W = noise(2, 3, P)
    W[0, 1] = value
    result = MEASURES[name](W)
    assert np.isnan(result[0, 1]) and np.isnan(result).sum() == 1
    np.testing.assert_array_equal(result[1], MEASURES[name](W[1]))


def test_a_dead_neuron_has_frequency_0_amplitude_0_and_no_phase():
    W = np.stack([np.full(P, 0.1), cosine(P, 2)])
    np.testing.assert_array_equal(neuron_frequency(W)[0], [0, 2])
    amplitude, phase = amplitude_phase(W)
    np.testing.assert_array_equal(amplitude[0], 0)
    assert np.isnan(phase[0]).all() and not np.isnan(phase[1]).any()


def test_a_matrix_pruned_away_has_no_power():
    W = np.stack([noise(P, 4), np.ones((P, 4))])
    power = frequency_power(W)
    assert power[0].sum() == pytest.approx(1)
    assert np.isnan(power[1]).all()
    np.testing.assert_array_equal(frequency_norms(W)[1], 0)


def test_means_leave_the_dead_out_and_count_them():
    mean, n_skipped = mean_over_neurons(np.array([[1.0, np.nan, 3.0], [np.nan] * 3]))
    np.testing.assert_array_equal(mean, [2, np.nan])
    np.testing.assert_array_equal(n_skipped, [1, 3])


# failure


@pytest.mark.parametrize("p", [-3, 0, 1, 2, 66])
def test_even_and_small_p_are_refused(p):
    with pytest.raises(ValueError, match=f"p: expected an odd number from 3, got {p}"):
        fourier_basis(p)


@pytest.mark.parametrize("p", [1, 2, 66])
@pytest.mark.parametrize("name", ON_MAPS)
def test_maps_of_even_and_small_p_are_refused(name, p):
    with pytest.raises(ValueError, match=f"W: expected p odd and at least 3 residues, got p = {p}"):
        ON_MAPS[name](noise(4, p))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("name", ON_MAPS)
def test_maps_that_are_not_finite_are_refused(name, bad):
    W = noise(4, P)
    W[2, 5] = bad
    with pytest.raises(ValueError, match="W: expected finite values, got 1 NaN or infinite of 268"):
        ON_MAPS[name](W)


@pytest.mark.usefixtures("unchecked")
def test_maps_without_axes_are_refused():
    with pytest.raises(ValueError, match=r"W: expected residues on its last axis.*got shape \(\)"):
        inverse_participation_ratio(np.float64(1.0))
    with pytest.raises(ValueError, match=r"W: expected shape \(..., p, d\).*got shape \(67,\)"):
        frequency_power(np.ones(P))
    with pytest.raises(ValueError, match="values: expected neurons"):
        mean_over_neurons(np.float64(1.0))


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("measure", [inverse_participation_ratio, neuron_gini])
def test_unknown_components_are_refused(measure):
    with pytest.raises(ValueError, match="components: expected 'frequencies' or 'basis', got 'frequency'"):
        measure(noise(P), "frequency")


def test_three_residues_have_no_paper_compatible_entropy():
    assert fourier_entropy(cosine(3, 1)) == pytest.approx(0)
    with pytest.raises(ValueError, match="at least p = 5"):
        fourier_entropy(cosine(3, 1), paper_compat=True)


def test_gini_is_half_the_mean_difference_over_the_mean():
    x = np.random.default_rng(4).random((3, 9))
    slow = [np.abs(row[:, None] - row).mean() / (2 * row.mean()) for row in x]
    np.testing.assert_allclose(gini_coefficient(x), slow)
    np.testing.assert_allclose(gini_coefficient(1e-200 * x[:, ::-1]), slow)
    assert gini_coefficient(np.array([0.0, 0.0, 5.0, 0.0])) == pytest.approx(0.75)
    assert np.isnan(gini_coefficient(np.zeros(3)))


@pytest.mark.parametrize("x", [np.array([1.0, -0.5]), np.empty(0)])
def test_gini_of_negative_or_no_sizes_is_refused(x):
    with pytest.raises(ValueError, match="x: expected sizes from 0"):
        gini_coefficient(x)
