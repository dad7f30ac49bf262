"""Competition of frequencies against the flow of single neurons."""

import numpy as np
import pytest
from builders import complex_amplitudes

from interp.dynamics.decoupled_flow import gradient_flow
from interp.dynamics.frequency_competition import neuron_norm, simulate_competition
from interp.dynamics.frequency_lottery import blowup_time
from interp.spectra.fourier import complex_amplitude


def test_the_norm_equals_that_of_centred_weights():
    theta, xi = np.random.default_rng(0).normal(size=(2, 4, 11))
    centred = [w - w.mean(axis=1, keepdims=True) for w in (theta, xi)]
    expected = np.sqrt(2 / 11 * sum((w**2).sum(axis=1) for w in centred))  # |cos|^2 is p / 2
    np.testing.assert_allclose(
        neuron_norm(*(complex_amplitude(w)[0] for w in (theta, xi))), expected, rtol=1e-12
    )
    assert neuron_norm(np.zeros((2, 3), dtype=complex), np.zeros((2, 3), dtype=complex)).tolist() == [0, 0]


def test_every_neuron_ends_where_its_flow_is_at_its_final_time():
    u, v = complex_amplitudes(4, 5)
    u[0], v[0] = u[0] / 100, v[0] / 100  # a hundred times later than the others
    end = simulate_competition(u, v, 11, growth=20.0)
    assert end.finished.all() and end.time[0] > 20 * end.time[1:].max()
    for m in range(4):
        alone = gradient_flow(u[m], v[m], 11, end.time[[m]])
        np.testing.assert_allclose(end.u[m], alone.u[0], rtol=1e-6)
        np.testing.assert_allclose(end.v[m], alone.v[0], rtol=1e-6)

    grown = neuron_norm(end.u, end.v) / neuron_norm(u, v)
    assert (grown > 0.98 * 20).all() and (grown <= 20).all()


def test_elapsed_and_remaining_time_add_up_to_the_blow_up_time():
    u, v = complex_amplitudes(30, 11)
    end = simulate_competition(u, v, 23, growth=50.0)
    left = blowup_time(end.u, end.v, 23)
    np.testing.assert_allclose(end.time[:, None] + left, blowup_time(u, v, 23), rtol=1e-8)


def test_a_balanced_neuron_does_not_finish_and_the_others_do():
    u = np.array([[0.02], [0.02], [0.0], [0.0]], dtype=complex)
    v = np.array([[-0.02], [0.02], [0.02], [0.0]], dtype=complex)
    end = simulate_competition(u, v, 23, growth=20.0)
    assert end.finished.tolist() == [False, True, False, False]
    assert np.isfinite(end.u).all() and np.isfinite(end.time).all()
    assert np.abs(end.v[0]) == pytest.approx(np.sqrt(0.02**2 - 0.02**2 / 2), rel=1e-6)  # alpha went to 0


def test_wrong_arguments_of_the_competition(unchecked):
    u, v = complex_amplitudes(3)
    with pytest.raises(ValueError, match=r"one shape \(m, K\), got \(3,\) and \(3,\)"):
        simulate_competition(u, v, 5, growth=20.0)
    with pytest.raises(ValueError, match=r"growth: expected a number above 1, got 0\.5"):
        simulate_competition(u[None], v[None], 5, growth=0.5)
