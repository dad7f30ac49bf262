"""The decoupled gradient flow: how a neuron's frequencies grow, each on its own, while logits are small.

    t  saved times     ... any axes: neurons, frequencies

Component (neuron, frequency) has the complex amplitudes u = alpha exp(i phi) of its input map and
v = beta exp(i psi) of its output map (`interp.spectra.fourier.complex_amplitude`). For the network
sum_m xi_m (theta_m[x] + theta_m[y])^2 over one-hot inputs, cross-entropy with the softmax held uniform and
summed over all p^2 pairs, gradient flow is exactly u' = 2p conj(u) v, v' = p u^2; the mean loss divides both
by p^2. Every component runs off to infinity in finite time, but for a few that balance.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float, Int
from scipy.integrate import solve_ivp

__all__ = ["Trajectory", "gradient_descent", "gradient_flow", "invariants", "velocity"]

TOLERANCE = 1e-11  # relative, of the integrator


@dataclass(frozen=True, kw_only=True)
class Trajectory:
    """What was reached, at the times asked for up to the blow-up."""

    time: Float[np.ndarray, " t"]
    """Of the flow, or learning rate times updates."""
    u: Complex[np.ndarray, " t *shape"]
    """Input amplitudes."""
    v: Complex[np.ndarray, " t *shape"]
    """Output amplitudes."""
    blowup_time: float
    """When the first component leaves for infinity; inf if none does before the last time asked for."""


def velocity(
    u: Complex[np.ndarray, "*shape"], v: Complex[np.ndarray, "*shape"], p: int
) -> tuple[Complex[np.ndarray, "*shape"], Complex[np.ndarray, "*shape"]]:
    """Right-hand side of the flow of the summed loss: 2p conj(u) v and p u^2.

    Parameters
    ----------
    u, v : Complex[np.ndarray, "*shape"]
        Amplitudes of every component, in the units of the maps.
    p : int
        Number of residues.

    Returns
    -------
    tuple of Complex[np.ndarray, "*shape"]
        u' and v', amplitude per time.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, decoupled gradient flow (polar there; complex here, so beta = 0 is
       no special case).

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
    """What the flow of a component leaves as it is: alpha^2 - 2 beta^2 and alpha^2 beta sin D.

    Parameters
    ----------
    u, v : Complex[np.ndarray, "*shape"]
        Amplitudes.

    Returns
    -------
    tuple of Float[np.ndarray, "*shape"]
        In squares and cubes of the amplitudes' units; D = 2 phi - psi.

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
    """Follow all components together, until the last time or the first blow-up.

    Parameters
    ----------
    u, v : Complex[np.ndarray, "*shape"]
        Amplitudes at time 0.
    p : int
        Number of residues.
    time : Float[np.ndarray, "t"]
        Increasing, from 0 on: when to save.
    mean_loss : bool
        Of the loss averaged over the p^2 pairs, not summed: p^2 times slower.
    growth : float
        Blow-up is when the largest amplitude is so many times the largest at time 0; what is then left of
        its course, 1 / (2p beta), is added to the time.

    Returns
    -------
    Trajectory
        Saved times up to the blow-up, and its time.

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
    half = u.size

    def rate(_: float, y: Complex[np.ndarray, " n"]) -> Complex[np.ndarray, " n"]:
        return np.concatenate(velocity(y[:half], y[half:], p)) / scale

    def room(_: float, y: Complex[np.ndarray, " n"]) -> float:
        return float(limit - np.abs(y).max(initial=0))

    room.terminal = True  # type: ignore[attr-defined]
    start = np.concatenate([u.ravel(), v.ravel()])
    path = solve_ivp(
        rate,
        (0, time[-1]),
        start,
        method="DOP853",
        t_eval=time,
        events=room,
        rtol=TOLERANCE,
        atol=TOLERANCE * limit / growth,
    )
    blowup_time = np.inf
    assert path.t_events is not None and path.y_events is not None
    if len(path.t_events[0]):
        beta = np.abs(path.y_events[0][0][half:]).max()
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
    """The same by plain gradient descent, which is the explicit Euler method with step `lr`.

    Parameters
    ----------
    u, v : Complex[np.ndarray, "*shape"]
        Amplitudes before the first update.
    p : int
        Number of residues.
    updates : Int[np.ndarray, "t"]
        Increasing, from 0 on: after how many to save.
    lr : float
        Learning rate.
    mean_loss : bool
        Of the loss averaged over the p^2 pairs, as networks are trained.
    growth : float
        Stop once the largest amplitude is so many times the largest at the start.

    Returns
    -------
    Trajectory
        Saved updates up to the stop, with `time` = lr * updates; `blowup_time` is that of the stop.

    Raises
    ------
    ValueError
        If the shapes differ, `updates` does not increase from 0 or later, or `growth` is not above 1.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, decoupled gradient flow. Its simulated cases are this with lr = 1;
       its contour this with the summed loss.

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
    kept = np.array(saved, dtype=np.complex128).reshape(len(saved), 2, *u.shape)  # (t, 2, ...)
    reached = lr * updates[: len(saved)]
    return Trajectory(time=reached, u=kept[:, 0], v=kept[:, 1], blowup_time=blowup_time)


def _checked(
    u: Complex[np.ndarray, "..."], v: Complex[np.ndarray, "..."]
) -> tuple[Complex[np.ndarray, "..."], Complex[np.ndarray, "..."]]:
    u, v = np.asarray(u, dtype=np.complex128), np.asarray(v, dtype=np.complex128)
    if u.shape != v.shape:
        raise ValueError(f"u and v: expected one shape, got {u.shape} and {v.shape}")
    return u, v


def _limit(u: Complex[np.ndarray, "..."], v: Complex[np.ndarray, "..."], growth: float) -> float:
    """The amplitude at which components count as blown up."""
    if not growth > 1:
        raise ValueError(f"growth: expected a number above 1, got {growth}")
    largest = max(np.abs(u).max(initial=0), np.abs(v).max(initial=0))
    return float(growth * (largest or 1.0))
