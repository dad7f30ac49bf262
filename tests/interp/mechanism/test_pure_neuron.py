"""Shares of pure neurons against closed forms, and clusters under every activation.

p residues, m neurons.
"""

import numpy as np
import pytest
from scipy.special import iv

from interp.mechanism.key_frequency_rules import neuron_key_frequencies
from interp.mechanism.pure_neuron import SCALE_FREE, cluster_threshold, pure_neuron_share
from interp.mechanism.two_layer_forward import ACTIVATIONS, pair_activations
from interp.spectra.pair_spectrum import activation_frequency

P = 23
KEYS = [2, 7, 11]
EVEN_PART = 64 / (9 * np.pi**4)  # energy of cos x cos y in |cos x + cos y| / 2
EXACT = {
    "relu": (1 / 4 + EVEN_PART) / (1 / 2 - 16 / np.pi**4),
    "abs": EVEN_PART / (1 / 4 - 16 / np.pi**4),
    "square": 4 / 5,
    "cube": 81 / 100,
}


def cosines(frequencies, amplitude=1.0, phases=7):
    """Return the input map of pure neurons, some phases for each frequency."""
    k = np.repeat(frequencies, phases)
    phi = np.tile(2 * np.pi * np.arange(phases) / phases + 0.1, len(frequencies))
    return amplitude * np.cos(2 * np.pi * k[:, None] * np.arange(P) / P + phi[:, None])


@pytest.mark.parametrize("name", EXACT)
def test_shares_have_their_closed_form(name):
    kink = name in ("relu", "abs")
    assert pure_neuron_share(name)[0] == pytest.approx(EXACT[name], abs=1e-4 if kink else 1e-12)
    if name == "relu":
        assert EXACT[name] == pytest.approx(0.962, abs=1e-4)


@pytest.mark.parametrize("amplitude", [0.01, 1.0, 3.0, 10.0])
def test_shares_of_exp_are_bessel_functions(amplitude):
    constant, first = iv(0, amplitude), iv(1, amplitude)  # exp(A cos x) = I0 + 2 Σ In cos nx
    block = (constant**2 + 2 * first**2) ** 2 - constant**4
    exact = block / (iv(0, 2 * amplitude) ** 2 - constant**4)
    assert pure_neuron_share("exp", amplitude)[0] == pytest.approx(exact, rel=1e-9)
    assert pure_neuron_share("exp", amplitude, 3.0)[0] == pytest.approx(exact, rel=1e-9)  # a factor


def test_softplus_is_linear_at_small_amplitudes_and_relu_at_large_ones():
    small, large = pure_neuron_share("softplus", np.array([1e-3, 1e4]))
    assert small == pytest.approx(1, abs=1e-6)
    assert large == pytest.approx(pure_neuron_share("relu")[0], abs=1e-6)
    assert pure_neuron_share("softplus", 1.0, 30.0)[0] == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_shares_are_those_of_neurons_on_many_residues(name):
    p = 113
    row = 0.2 + 1.5 * np.cos(2 * np.pi * 5 * np.arange(p) / p + 0.4)
    mean = 0.0 if name in SCALE_FREE else 0.2
    frequency, share = activation_frequency(pair_activations((row - 0.2 + mean)[None], name))
    assert frequency[0] == 5
    assert pure_neuron_share(name, 1.5, mean)[0] == pytest.approx(share[0], abs=2e-4)


@pytest.mark.parametrize("name", SCALE_FREE)
def test_amplitudes_make_no_difference_to_scale_free_activations(name):
    shares = pure_neuron_share(name, np.array([1e-3, 1.0, 40.0]))
    np.testing.assert_allclose(shares, shares[1], rtol=1e-9)


def test_neurons_without_a_pure_counterpart_have_no_share():
    assert np.isnan(pure_neuron_share("softplus", np.array([0.0, 1.0]))).tolist() == [True, False]
    assert np.isnan(pure_neuron_share("relu", 1.0, -5.0)[0])  # below zero everywhere
    assert np.isnan(pure_neuron_share("exp", 1e3)[0])  # overflow


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_planted_clusters_come_back_under_every_activation(name):
    input_map = cosines(KEYS, amplitude=1.7)
    mixed = (cosines([3]) + cosines([5])) / 2  # frequencies 3 and 5 at once: in no cluster
    rows = np.concatenate([input_map, mixed, np.zeros((1, P))])
    threshold = cluster_threshold(name, rows)
    assert np.shape(threshold) == (() if name in SCALE_FREE else (len(rows),))
    np.testing.assert_array_equal(neuron_key_frequencies(pair_activations(rows, name), threshold), KEYS)


def test_published_threshold_is_kept_for_relu_and_finds_nothing_under_a_square():
    assert cluster_threshold("relu") == 0.85
    assert cluster_threshold("square") == pytest.approx(0.85 / EXACT["relu"] * 0.8, abs=1e-4)
    squares = pair_activations(cosines(KEYS), "square")
    np.testing.assert_allclose(activation_frequency(squares)[1], 0.8)
    assert neuron_key_frequencies(squares).size == 0


def test_unknown_activations_and_missing_maps_are_refused():
    for function in (pure_neuron_share, cluster_threshold):
        with pytest.raises(ValueError, match="activation: expected one of relu"):
            function("gelu")
    with pytest.raises(ValueError, match="input_map: expected"):
        cluster_threshold("softplus")
