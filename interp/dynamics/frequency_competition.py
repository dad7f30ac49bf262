"""Competition of a neuron's frequencies in the decoupled flow.

    m  neurons     K  frequencies, (p - 1) / 2     ... leading axes

u and v are the complex amplitudes of input and output map (`interp.dynamics.decoupled_flow`). Each neuron's
frequencies grow until the neuron has grown by a given factor. Neurons reach it at very different times, so
each neuron has a time variable of its own.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Complex, Float
from scipy.integrate import solve_ivp

from interp.dynamics.decoupled_flow import TOLERANCE, velocity

__all__ = ["CompetitionResult", "neuron_norm", "simulate_competition"]

MAX_CLOCK_TIME = 200.0
"""Longest integration, in the neurons' own time, which counts e-foldings up to a factor near 1."""
FINISHED_SHARE = 0.99
"""Share of the growth at which a neuron counts as finished: near full growth its own time slows to a halt."""


@dataclass(frozen=True, kw_only=True)
class CompetitionResult:
    """Time and amplitudes of every neuron at the end of its growth."""

    time: Float[np.ndarray, " m"]
    """Time of the flow at which the neuron finished; for an unfinished neuron, the last time reached."""
    u: Complex[np.ndarray, "m K"]
    """Input amplitudes at this time."""
    v: Complex[np.ndarray, "m K"]
    """Output amplitudes at this time."""
    finished: Bool[np.ndarray, " m"]
    """True where the neuron grew by the given factor; False if its weights are zero or in balance."""


def simulate_competition(
    u: Complex[np.ndarray, "m K"], v: Complex[np.ndarray, "m K"], p: int, *, growth: float
) -> CompetitionResult:
    """Grow every neuron's frequencies by the flow, to a given size.

    The fastest frequency of a neuron is then the largest. A neuron's own time depends on its size and stops
    at the final size, so that one integration serves all neurons, whenever each blows up.

    Parameters
    ----------
    u, v : Complex[np.ndarray, "m K"]
        Amplitudes at time 0, a neuron per row.
    p : int
        Number of residues.
    growth : float
        Final norm sqrt(sum_k alpha_k^2 + beta_k^2) over the norm at time 0, above 1.

    Returns
    -------
    CompetitionResult
        Per neuron: time in the flow of the summed loss, amplitudes, and whether it finished (reached 99 % of
        the final norm).

    Raises
    ------
    ValueError
        If the shapes differ or are not (m, K), or `growth` is not above 1.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, lottery of the frequencies (the neurons' own times are ours).

    Examples
    --------
    >>> u, v = np.full((1, 2), 0.02 + 0j), np.array([[0.02 + 0j, 0.01 + 0j]])
    >>> end = simulate_competition(u, v, 23, growth=100.0)
    >>> bool(end.finished[0]), int(abs(end.u[0]).argmax()) + 1
    (True, 1)
    """
    if np.shape(u) != np.shape(v) or np.ndim(u) != 2:
        raise ValueError(f"u and v: expected one shape (m, K), got {np.shape(u)} and {np.shape(v)}")
    if not growth > 1:
        raise ValueError(f"growth: expected a number above 1, got {growth}")
    m, K = u.shape
    initial_norm = neuron_norm(u, v)  # (m,)
    zero = initial_norm == 0
    unit = np.where(zero, 1, initial_norm)  # so that one absolute tolerance fits all neurons

    def unpack(y: Complex[np.ndarray, " n"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        amplitudes = y[m:].reshape(2, m, K)
        return y[:m].real, amplitudes[0], amplitudes[1]

    def rate(_: float, y: Complex[np.ndarray, " n"]) -> Complex[np.ndarray, " n"]:
        a, b = unpack(y)[1:]
        size = np.where(zero, growth, neuron_norm(a, b))
        tick = np.maximum(1 - size / growth, 0) / (p * size)  # (m,), flow time per own time
        da, db = velocity(a, b, p)
        return np.concatenate([tick, (da * tick[:, None]).ravel(), (db * tick[:, None]).ravel()])

    def slowest_left(_: float, y: Complex[np.ndarray, " n"]) -> float:
        a, b = unpack(y)[1:]
        return float(FINISHED_SHARE * growth - np.where(zero, growth, neuron_norm(a, b)).min())

    slowest_left.terminal = True  # type: ignore[attr-defined]
    start = np.concatenate([np.zeros(m), (u / unit[:, None]).ravel(), (v / unit[:, None]).ravel()])
    path = solve_ivp(
        rate,
        (0, MAX_CLOCK_TIME),
        start,
        method="DOP853",
        events=slowest_left,
        rtol=TOLERANCE,
        atol=TOLERANCE,
    )
    time, a, b = unpack(path.y[:, -1])
    finished = ~zero & (neuron_norm(a, b) >= FINISHED_SHARE * growth * (1 - 1e-9))
    return CompetitionResult(time=time / unit, u=a * unit[:, None], v=b * unit[:, None], finished=finished)


def neuron_norm(u: Complex[np.ndarray, "... K"], v: Complex[np.ndarray, "... K"]) -> Float[np.ndarray, "..."]:
    """Norm of a neuron's amplitudes, sqrt(sum_k alpha_k^2 + beta_k^2).

    Parameters
    ----------
    u, v : Complex[np.ndarray, "... K"]
        Amplitudes, frequencies on the last axis.

    Returns
    -------
    Float[np.ndarray, "..."]
        In the units of the amplitudes. The part that is constant over the residues is excluded.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, norm of the weights (here of one neuron).

    Examples
    --------
    >>> float(neuron_norm(np.array([3 + 0j]), np.array([4j])))
    5.0
    """
    return np.asarray(np.sqrt((np.abs(u) ** 2 + np.abs(v) ** 2).sum(axis=-1)))
