"""Leakage of a ReLU against numerical gradients and against its limit."""

import numpy as np
import pytest

from interp.dynamics.harmonic_leakage import relu_leakage, relu_leakage_limit
from interp.spectra.fourier import amplitude_phase


@pytest.mark.parametrize("p", [97, 101, 113])
def test_large_p_is_within_2e_3_of_the_limit_at_every_phase(p):
    limit = np.stack(relu_leakage_limit(9))
    phases = [*np.linspace(0, np.pi, 13), *np.random.default_rng(0).uniform(0, np.pi, 20)]
    errors = [np.abs(np.stack(relu_leakage(p, 9, phase=float(phase))) - limit).max() for phase in phases]
    assert max(errors) < 2e-3
    assert np.abs(np.stack(relu_leakage(11, 5, phase=0.3)) - limit[:, :5]).max() > 2e-3


@pytest.mark.parametrize("D", [0.0, 0.9, -2.5])
def test_leakage_is_the_gradient_of_the_network(D):
    """Central differences of the loss with uniform softmax, one ReLU neuron."""
    p, k, phi, h = 11, 3, 0.4, 1e-6
    angle = 2 * np.pi * k * np.arange(p) / p
    label = (np.arange(p)[:, None] + np.arange(p)) % p

    def loss(theta, xi):
        activation = np.maximum(theta[:, None] + theta, 0)
        return (activation * (xi.mean() - xi[label])).sum()

    theta, xi = np.cos(angle + phi), np.cos(angle + 2 * phi - D)
    unit = np.eye(p)
    to_theta = [(loss(theta - h * e, xi) - loss(theta + h * e, xi)) / (2 * h) for e in unit]
    to_xi = [(loss(theta, xi - h * e) - loss(theta, xi + h * e)) / (2 * h) for e in unit]
    leakage = relu_leakage(p, 5, frequency=k, phase=phi, misalignment=D)
    harmonics = [min(r * k % p, p - r * k % p) for r in range(1, 6)]
    for slope, got in zip((to_theta, to_xi), leakage, strict=True):
        amplitude, _ = amplitude_phase(np.array(slope))
        expected = [amplitude[r - 1] / amplitude[k - 1] for r in harmonics]
        np.testing.assert_allclose(got, expected, atol=1e-7)


@pytest.mark.parametrize("k", [2, 5, 48])
def test_every_frequency_leaks_alike_into_its_own_harmonics(k):
    for one, other in zip(relu_leakage(97, 7, 1, 0.3), relu_leakage(97, 7, k, 0.3), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-10)


def test_phases_with_vanishing_sums_are_as_accurate():
    (exact, _), (nearby, _) = (
        relu_leakage(97, 9, phase=np.pi / 2),
        relu_leakage(97, 9, phase=np.pi / 2 + 1e-6),
    )
    np.testing.assert_allclose(exact, nearby, atol=2e-3)


def test_the_limit_by_hand():
    into_input, into_output = relu_leakage_limit(5)
    np.testing.assert_allclose(into_input, [1, 0, 3 / 5, 0, 1 / 7])
    np.testing.assert_allclose(into_output, [1, 1 / 5, 3 / 35, 1 / 21, 1 / 33])


@pytest.mark.parametrize("D", [0.3, np.pi / 2, -2.0])
def test_a_misaligned_neuron_tends_to_its_limit_too(D):
    limit = np.stack(relu_leakage_limit(7, D))
    phases = np.linspace(0, np.pi, 7)
    errors = [
        max(np.abs(np.stack(relu_leakage(p, 7, phase=phi, misalignment=D)) - limit).max() for phi in phases)
        for p in (101, 401)
    ]
    assert errors[1] < 5e-3 and errors[1] < errors[0] / 3


def test_the_limit_of_misaligned_neurons_by_hand():
    into_input, into_output = relu_leakage_limit(5, np.array([0, np.pi / 2, np.pi]))
    np.testing.assert_allclose(into_input[1], [1, 0, 1 / 5, 0, 1 / 35], atol=1e-15)
    np.testing.assert_allclose(into_input[2], into_input[0], rtol=1e-12)
    assert into_output.shape == (3, 5) and (into_output == into_output[0]).all()


def test_wrong_arguments():
    with pytest.raises(ValueError, match="p: expected an odd number"):
        relu_leakage(10, 2)
    with pytest.raises(ValueError, match="no factor in common with p = 15, got 3"):
        relu_leakage(15, 2, frequency=3)
    with pytest.raises(ValueError, match=r"n_harmonics: expected a number in 1\.\.5, got 6"):
        relu_leakage(11, 6)
    with pytest.raises(ValueError, match="at least 1, got 0"):
        relu_leakage_limit(0)
