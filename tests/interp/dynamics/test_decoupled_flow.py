"""Decoupled flow against its loss, invariants and published numbers."""

import numpy as np
import pytest
from builders import complex_amplitudes

from interp.dynamics.decoupled_flow import gradient_descent, gradient_flow, invariants, velocity
from interp.dynamics.frequency_lottery import blowup_time
from interp.spectra.fourier import complex_amplitude

# The loss, written out: sum over pairs of cross-entropy of sum_m xi_m (theta_m[x] + theta_m[y])^2.


def logits(theta, xi):
    reads = theta[:, :, None] + theta[:, None, :]  # (m, x, y)
    return np.einsum("mxy,mj->xyj", reads**2, xi)


def summed_loss(theta, xi, uniform):
    """Loss summed over pairs; `uniform` linearizes the log-softmax.

    To first order around equal logits, log-softmax is f_c - mean f - log p.
    """
    p = theta.shape[1]
    f = logits(theta, xi)
    label = (np.arange(p)[:, None] + np.arange(p)) % p
    of_label = np.take_along_axis(f, label[..., None], axis=-1)[..., 0]
    normalizer = f.mean(axis=-1) + np.log(p) if uniform else np.log(np.exp(f).sum(axis=-1))
    return (normalizer - of_label).sum()


def downhill(theta, xi, uniform, h=1e-5):
    """Negative gradient of the loss, by central differences."""
    slopes = []
    for which in (0, 1):
        slope = np.zeros_like((theta, xi)[which])
        for place in np.ndindex(*slope.shape):
            ends = []
            for sign in (1, -1):
                moved = [theta.copy(), xi.copy()]
                moved[which][place] += sign * h
                ends.append(summed_loss(*moved, uniform))
            slope[place] = -(ends[0] - ends[1]) / (2 * h)
        slopes.append(slope)
    return slopes


@pytest.mark.parametrize("p", [7, 11])
def test_the_flow_is_the_gradient_of_the_loss_with_uniform_softmax(p):
    theta, xi = np.random.default_rng(p).normal(size=(2, 2, p))
    to_theta, to_xi = downhill(theta, xi, uniform=True)
    du, dv = velocity(complex_amplitude(theta)[0], complex_amplitude(xi)[0], p)
    np.testing.assert_allclose(complex_amplitude(to_theta)[0], du, atol=1e-6)
    np.testing.assert_allclose(complex_amplitude(to_xi)[0], dv, atol=1e-6)
    np.testing.assert_allclose(to_theta.mean(axis=1), 0, atol=1e-6)  # constants stay as they are
    np.testing.assert_allclose(to_xi.mean(axis=1), 0, atol=1e-6)


def test_with_the_true_softmax_the_flow_is_the_gradient_for_small_weights_only():
    p = 7
    theta, xi = np.random.default_rng(3).normal(size=(2, 2, p))
    errors = []
    for scale in (0.1, 0.05):
        to_theta, _ = downhill(scale * theta, scale * xi, uniform=False)
        du, _ = velocity(complex_amplitude(scale * theta)[0], complex_amplitude(scale * xi)[0], p)
        errors.append(np.abs(complex_amplitude(to_theta)[0] - du).max() / np.abs(du).max())
    assert errors[0] < 0.05
    assert errors[0] / errors[1] == pytest.approx(2**3, rel=0.4)  # logits are cubes of the weights


def test_polar_form():
    u, v = complex_amplitudes(50)
    p, dt = 11, 1e-7
    alpha, beta, D = np.abs(u), np.abs(v), np.angle(u * u * np.conj(v))
    du, dv = velocity(u, v, p)
    u1, v1 = u + dt * du, v + dt * dv
    D1 = np.angle(u1 * u1 * np.conj(v1))
    np.testing.assert_allclose((np.abs(u1) - alpha) / dt, 2 * p * alpha * beta * np.cos(D), atol=1e-5)
    np.testing.assert_allclose((np.abs(v1) - beta) / dt, p * alpha**2 * np.cos(D), atol=1e-5)
    slope = -p * (4 * beta + alpha**2 / beta) * np.sin(D)
    np.testing.assert_allclose(np.angle(np.exp(1j * (D1 - D))) / dt, slope, rtol=1e-3, atol=1e-3)


# gradient_flow


@pytest.mark.parametrize("seed", range(3))
def test_invariants_drift_by_less_than_2e_7(seed):
    u, v = complex_amplitudes(40, seed=seed)
    T = blowup_time(u, v, 23).min()
    path = gradient_flow(u, v, 23, np.linspace(0, 0.99 * T, 50))
    first, second = invariants(path.u, path.v)
    assert len(path.time) == 50 and path.blowup_time == np.inf
    assert np.abs(path.v[-1]).max() > 10 * np.abs(v).max()
    assert (np.abs(first - first[0]) / (np.abs(u) ** 2 + 2 * np.abs(v) ** 2)).max() < 2e-7
    assert (np.abs(second - second[0]) / (np.abs(u) ** 2 * np.abs(v))).max() < 2e-7


def test_aligned_and_balanced_neurons_follow_a_closed_form():
    """Balanced and aligned: beta = 1 / (2p (T - t)) at all times."""
    p, beta = 23, 0.02
    path = gradient_flow(
        np.array([np.sqrt(2) * beta + 0j]), np.array([beta + 0j]), p, np.linspace(0, 1.0, 11)
    )
    T = 1 / (2 * p * beta)
    np.testing.assert_allclose(path.v[:, 0].real, 1 / (2 * p * (T - path.time)), rtol=1e-8)
    np.testing.assert_allclose(path.v.imag, 0, atol=1e-12)


def test_the_flow_stops_at_the_blow_up_and_returns_the_times_before():
    p, beta = 23, 0.02
    T = 1 / (2 * p * beta)
    path = gradient_flow(np.array([np.sqrt(2) * beta + 0j]), np.array([beta + 0j]), p, np.linspace(0, 5, 101))
    assert path.blowup_time == pytest.approx(T, rel=1e-9)
    assert 0.95 * T < path.time[-1] < T and len(path.u) == len(path.time) == len(path.v)
    assert np.isfinite(path.u).all()


def test_the_mean_loss_is_slower_by_p_squared():
    u, v = complex_amplitudes(5)
    p, time = 11, np.linspace(0, 0.5, 4)
    of_sum = gradient_flow(u, v, p, time)
    of_mean = gradient_flow(u, v, p, time * p**2, mean_loss=True)
    np.testing.assert_allclose(of_mean.u, of_sum.u, rtol=1e-8)
    late = gradient_flow(u, v, p, np.array([1e9]), mean_loss=True)
    assert late.blowup_time == pytest.approx(
        p**2 * gradient_flow(u, v, p, np.array([1e9])).blowup_time, rel=1e-8
    )
    assert len(late.time) == 0


def test_shifts_rotate_the_flow_and_scales_change_its_speed():
    u, v = complex_amplitudes(6)
    time = np.linspace(0, 0.3, 3)
    path = gradient_flow(u, v, 23, time)
    turn = np.exp(
        1j * np.linspace(0, 5, 6)
    )  # a shift by s is a phase omega_k s in the input, 2 omega_k s out
    shifted = gradient_flow(u * turn, v * turn**2, 23, time)
    np.testing.assert_allclose(shifted.u, path.u * turn, rtol=1e-8)
    np.testing.assert_allclose(shifted.v, path.v * turn**2, rtol=1e-8)
    larger = gradient_flow(1000 * u, 1000 * v, 23, time / 1000)
    np.testing.assert_allclose(larger.v, 1000 * path.v, rtol=1e-8)


def test_zero_amplitudes_stay_zero():
    zero = np.zeros(3, dtype=complex)
    path = gradient_flow(zero, zero, 5, np.array([0.0, 1e6]))
    assert not path.u.any() and not path.v.any() and path.blowup_time == np.inf


def test_wrong_arguments_of_the_flow(unchecked):
    u, v = complex_amplitudes(3)
    for time in ([], [0.0], [1.0, 1.0], [-1.0, 1.0], [[1.0]]):
        with pytest.raises(ValueError, match="time: expected increasing numbers from 0"):
            gradient_flow(u, v, 5, np.array(time))
    with pytest.raises(ValueError, match=r"u and v: expected one shape, got \(3,\) and \(2,\)"):
        gradient_flow(u, v[:2], 5, np.array([1.0]))
    with pytest.raises(ValueError, match=r"growth: expected a number above 1, got 1"):
        gradient_flow(u, v, 5, np.array([1.0]), growth=1.0)


# gradient_descent


@pytest.mark.parametrize(
    ("phi", "psi", "n", "alpha", "beta", "D"),
    [(1.5, 0.18, 1400, 0.047961, 0.036738, 0.029655), (-0.72, -2.91, 700, 0.110965, 0.079722, 0.007968)],
)
def test_the_published_cases(phi, psi, n, alpha, beta, D):
    u, v = 0.02 * np.exp(1j * np.array([phi])), 0.02 * np.exp(1j * np.array([psi]))
    end = gradient_descent(u, v, 23, np.array([n]), 1.0)
    u, v = end.u[0, 0], end.v[0, 0]
    assert [round(float(x), 6) for x in (np.abs(u), np.abs(v), np.angle(u * u * np.conj(v)))] == [
        alpha,
        beta,
        D,
    ]


@pytest.mark.parametrize(("start", "beta"), [(0.01, 0.0139668), (0.02, 0.0602074)])
def test_the_published_contour(start, beta):
    z = np.array([start + 0j])
    end = gradient_descent(z, z, 23, np.array([100]), 0.01, mean_loss=False)
    assert round(float(end.v[0, 0].real), 7) == beta


def test_many_small_steps_tend_to_the_flow():
    u, v = complex_amplitudes(8)
    exact = gradient_flow(u, v, 11, np.array([0.5]))
    errors = [
        np.abs(gradient_descent(u, v, 11, np.array([n]), 0.5 / n, mean_loss=False).u - exact.u).max()
        for n in (500, 1000)
    ]
    assert errors[1] < 1e-4 and errors[0] / errors[1] == pytest.approx(2, rel=0.02)  # first order


def test_decoupled_descent_is_gradient_descent_of_the_network():
    p, scale, lr, n = 11, 0.02, 1.0, 30
    theta, xi = np.random.default_rng(1).normal(scale=scale, size=(2, 2, p))
    u, v = complex_amplitude(theta)[0], complex_amplitude(xi)[0]
    for _ in range(n):
        to_theta, to_xi = downhill(theta, xi, uniform=False)
        theta, xi = theta + lr * to_theta / p**2, xi + lr * to_xi / p**2
    end = gradient_descent(u, v, p, np.array([n]), lr)
    moved = np.abs(end.u[0] - u).max()
    assert np.abs(end.u[0] - complex_amplitude(theta)[0]).max() < 2e-3 * moved
    assert np.abs(end.v[0] - complex_amplitude(xi)[0]).max() < 2e-3 * moved


def test_descent_saves_the_given_updates_and_stops_at_the_blow_up():
    u, v = complex_amplitudes(4)
    path = gradient_descent(u, v, 11, np.array([0, 10, 20]), 0.5)
    np.testing.assert_array_equal(path.time, [0, 5, 10])
    np.testing.assert_array_equal(path.u[0], u)
    one = gradient_descent(path.u[1], path.v[1], 11, np.array([10]), 0.5)
    np.testing.assert_array_equal(one.u[0], path.u[2])
    stopped = gradient_descent(u, v, 11, np.array([0, 10, 10**6]), 0.5, growth=100.0)
    assert len(stopped.time) == 2 and np.isfinite(stopped.u).all()
    assert stopped.blowup_time == pytest.approx(
        gradient_flow(u, v, 11, np.array([1e9]), mean_loss=True).blowup_time, rel=0.05
    )
    for updates in ([], [3, 3], [-1]):
        with pytest.raises(ValueError, match="updates: expected increasing numbers from 0"):
            gradient_descent(u, v, 11, np.array(updates, dtype=int), 0.5)
