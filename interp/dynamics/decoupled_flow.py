"""Decoupled gradient flow of a neuron's frequencies at small logits.

    t  saved times     ... any axes: neurons, frequencies

A component is one frequency of one neuron. Its complex amplitudes are u = alpha exp(i phi) in the input map
and v = beta exp(i psi) in the output map (`interp.spectra.fourier.complex_amplitude`). While logits are
small, the softmax is nearly uniform and components do not influence each other: the flow is decoupled.

Take the network sum_m xi_m (theta_m[x] + theta_m[y])^2 over one-hot inputs, and cross-entropy with the
softmax held uniform, summed over all p^2 pairs. Gradient flow is then exactly u' = 2p conj(u) v, v' = p u^2.
The loss averaged over the pairs divides both by p^2. Every component grows to infinity in finite time (it
*blows up*), except those in exact balance.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float, Int
from scipy.integrate import solve_ivp

__all__ = ["Trajectory", "gradient_descent", "gradient_flow", "invariants", "velocity"]

TOLERANCE = 1e-11
"""Relative tolerance of the integrator."""


@dataclass(frozen=True, kw_only=True)
class Trajectory:
    """Amplitudes at the requested times, up to the blow-up."""

    time: Float[np.ndarray, " t"]
    """Time of the flow; for gradient descent, learning rate times number of updates."""
    u: Complex[np.ndarray, " t *shape"]
    """Input amplitudes."""
    v: Complex[np.ndarray, " t *shape"]
    """Output amplitudes."""
    blowup_time: float
    """Time at which the first component becomes infinite; inf if this is after the last requested time."""


def velocity(
    u: Complex[np.ndarray, "*shape"], v: Complex[np.ndarray, "*shape"], p: int
) -> tuple[Complex[np.ndarray, "*shape"], Complex[np.ndarray, "*shape"]]:
    """Velocity of the amplitudes: 2p conj(u) v and p u^2.

    This is the right-hand side of the flow of the summed loss.

    Parameters
    ----------
    u, v : Complex[np.ndarray, "*shape"]
        Amplitudes of every component, in the units of the maps.
    p : int
        Number of residues.

    Returns
    -------
    tuple of Complex[np.ndarray, "*shape"]
        u' and v', in amplitude per time.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, decoupled gradient flow (there in polar form; here complex, where
       beta = 0 is no special case).

    Examples
    --------
    >>> du, dv = velocity(np.array([0.5j]), np.array([2.0 + 0j]), 5)
    >>> print(du, dv)
    [0.-10.j] [-1.25+0.j]
    """
    return 2 * p * np.conj(u) * v, p * u * u


def invariants(
    u: Complex[np.ndarray, "*shape"], v: Complex[np.ndarray, "*shape"]
) -> tuple[Float[np.ndarray, "*shape"], Float[np.ndarray, "*shape"]]:
    """Conserved quantities: alpha^2 - 2 beta^2 and alpha^2 beta sin D.

    The flow of a component does not change them.

    Parameters
    ----------
    u, v : Complex[np.ndarray, "*shape"]
        Amplitudes.

    Returns
    -------
    tuple of Float[np.ndarray, "*shape"]
        In squares and cubes of the amplitudes' units; D = 2 phi - psi is the misalignment.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, decoupled gradient flow.

    Examples
    --------
    >>> first, second = invariants(np.array([3 + 0j]), np.array([2j]))
    >>> print(first, second)
    [1.] [-18.]
    """
    return np.abs(u) ** 2 - 2 * np.abs(v) ** 2, (u * u * np.conj(v)).imag


def gradient_flow(
    u: Complex[np.ndarray, "*shape"],
    v: Complex[np.ndarray, "*shape"],
    p: int,
    time: Float[np.ndarray, " t"],
    *,
    mean_loss: bool = False,
    growth: float = 1e6,
) -> Trajectory:
    """Integrate all components up to the first blow-up.

    Parameters
    ----------
    u, v : Complex[np.ndarray, "*shape"]
        Amplitudes at time 0.
    p : int
        Number of residues.
    time : Float[np.ndarray, "t"]
        Times to save, increasing, from 0 on. The last is where the integration ends.
    mean_loss : bool
        True: flow of the loss averaged over the p^2 pairs, p^2 times slower. False: of the summed loss.
    growth : float
        Integration stops when the largest amplitude is `growth` times the largest at time 0. The remaining
        time to infinity, 1 / (2p beta), is added to the blow-up time.

    Returns
    -------
    Trajectory
        Amplitudes at the requested times before the blow-up, and the blow-up time.

    Raises
    ------
    ValueError
        If the shapes differ, `time` does not increase from 0 or later, or `growth` is not above 1.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, decoupled gradient flow.

    Examples
    --------
    >>> path = gradient_flow(np.array([0.02 + 0j]), np.array([0.02 + 0j]), 23, np.linspace(0, 2, 9))
    >>> len(path.time), round(path.blowup_time, 6)
    (6, 1.354837)
    """
    u, v = _checked(u, v)
    time = np.asarray(time, dtype=np.float64)
    if time.ndim != 1 or len(time) == 0 or time[0] < 0 or (np.diff(time) <= 0).any() or time[-1] == 0:
        raise ValueError(f"time: expected increasing numbers from 0, got {time.tolist()}")
    scale = p**2 if mean_loss else 1
    limit = _limit(u, v, growth)
    n_components = u.size

    def rate(_: float, y: Complex[np.ndarray, " n"]) -> Complex[np.ndarray, " n"]:
        return np.concatenate(velocity(y[:n_components], y[n_components:], p)) / scale

    def below_limit(_: float, y: Complex[np.ndarray, " n"]) -> float:
        return float(limit - np.abs(y).max(initial=0))

    below_limit.terminal = True  # type: ignore[attr-defined]
    start = np.concatenate([u.ravel(), v.ravel()])
    path = solve_ivp(
        rate,
        (0, time[-1]),
        start,
        method="DOP853",
        t_eval=time,
        events=below_limit,
        rtol=TOLERANCE,
        atol=TOLERANCE * limit / growth,
    )
    blowup_time = np.inf
    assert path.t_events is not None and path.y_events is not None
    if len(path.t_events[0]):
        beta = np.abs(path.y_events[0][0][n_components:]).max()
        blowup_time = float(path.t_events[0][0] + scale / (2 * p * beta))
    reached = time[: len(path.t)]
    saved = np.array(path.y, dtype=np.complex128).T.reshape(len(reached), 2, *u.shape)  # (t, 2, ...)
    return Trajectory(time=reached, u=saved[:, 0], v=saved[:, 1], blowup_time=blowup_time)


def gradient_descent(
    u: Complex[np.ndarray, "*shape"],
    v: Complex[np.ndarray, "*shape"],
    p: int,
    updates: Int[np.ndarray, " t"],
    lr: float,
    *,
    mean_loss: bool = True,
    growth: float = 1e6,
) -> Trajectory:
    """Amplitudes under gradient descent with learning rate `lr`.

    Gradient descent is the explicit Euler method for `gradient_flow` with step `lr`.

    Parameters
    ----------
    u, v : Complex[np.ndarray, "*shape"]
        Amplitudes before the first update.
    p : int
        Number of residues.
    updates : Int[np.ndarray, "t"]
        Numbers of updates after which to save, increasing, from 0 on.
    lr : float
        Learning rate.
    mean_loss : bool
        True: descend on the loss averaged over the p^2 pairs, as in training. False: on the summed loss.
    growth : float
        Stop once the largest amplitude exceeds `growth` times the largest at the start.

    Returns
    -------
    Trajectory
        Amplitudes at the requested updates before the stop; `time` is lr * updates, `blowup_time` is the time
        of the stop.

    Raises
    ------
    ValueError
        If the shapes differ, `updates` does not increase from 0 or later, or `growth` is not above 1.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, decoupled gradient flow. The paper's simulated cases use lr = 1, its
       contour plot the summed loss.

    Examples
    --------
    >>> u, v = 0.02 * np.exp([1.5j]), 0.02 * np.exp([0.18j])
    >>> path = gradient_descent(u, v, 23, np.array([1400]), 1.0)
    >>> print(abs(path.u).item().__round__(6), abs(path.v).item().__round__(6))
    0.047961 0.036738
    """
    u, v = _checked(u, v)
    updates = np.asarray(updates)
    if updates.ndim != 1 or len(updates) == 0 or updates[0] < 0 or (np.diff(updates) <= 0).any():
        raise ValueError(f"updates: expected increasing numbers from 0, got {updates.tolist()}")
    step = lr / p**2 if mean_loss else lr
    limit = _limit(u, v, growth)
    saved: list[tuple[np.ndarray, np.ndarray]] = []
    blowup_time = np.inf
    for n in range(updates[-1] + 1):
        if max(np.abs(u).max(initial=0), np.abs(v).max(initial=0)) > limit:
            blowup_time = lr * n
            break
        if n == updates[len(saved)]:
            saved.append((u, v))
        du, dv = velocity(u, v, p)
        u, v = u + step * du, v + step * dv
    amplitudes = np.array(saved, dtype=np.complex128).reshape(len(saved), 2, *u.shape)  # (t, 2, ...)
    reached = lr * updates[: len(saved)]
    return Trajectory(time=reached, u=amplitudes[:, 0], v=amplitudes[:, 1], blowup_time=blowup_time)


def _checked(
    u: Complex[np.ndarray, "..."], v: Complex[np.ndarray, "..."]
) -> tuple[Complex[np.ndarray, "..."], Complex[np.ndarray, "..."]]:
    u, v = np.asarray(u, dtype=np.complex128), np.asarray(v, dtype=np.complex128)
    if u.shape != v.shape:
        raise ValueError(f"u and v: expected one shape, got {u.shape} and {v.shape}")
    return u, v


def _limit(u: Complex[np.ndarray, "..."], v: Complex[np.ndarray, "..."], growth: float) -> float:
    """Amplitude above which a component counts as blown up."""
    if not growth > 1:
        raise ValueError(f"growth: expected a number above 1, got {growth}")
    largest = max(np.abs(u).max(initial=0), np.abs(v).max(initial=0))
    return float(growth * (largest or 1.0))
