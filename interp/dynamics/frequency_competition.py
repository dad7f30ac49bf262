"""The race of a neuron's frequencies in the decoupled flow, every neuron on a clock of its own.

    m  neurons     K  frequencies, (p - 1) / 2     ... leading axes

u and v are the complex amplitudes of input and output map (`interp.dynamics.decoupled_flow`).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Complex, Float
from scipy.integrate import solve_ivp

from interp.dynamics.decoupled_flow import TOLERANCE, velocity

__all__ = ["CompetitionResult", "neuron_norm", "simulate_competition"]

MAX_CLOCK_TIME = 200.0  # on the neurons' clocks, which count e-foldings, up to a factor near 1
FINISHED_SHARE = 0.99  # share of the goal at which a race is over: clocks slow down before it


@dataclass(frozen=True, kw_only=True)
class CompetitionResult:
    """Every neuron when it has grown to the goal, each at a time of its own."""

    time: Float[np.ndarray, " m"]
    """Of the flow, when the neuron arrived; where it did not, how far it was followed."""
    u: Complex[np.ndarray, "m K"]
    """Input amplitudes then."""
    v: Complex[np.ndarray, "m K"]
    """Output amplitudes then."""
    finished: Bool[np.ndarray, " m"]
    """Whether it grew so far: not if it is zero, or balances."""


def simulate_competition(
    u: Complex[np.ndarray, "m K"], v: Complex[np.ndarray, "m K"], p: int, *, growth: float
) -> CompetitionResult:
    """Let every neuron's frequencies grow until the neuron has grown so many times; the fastest have won.

    A neuron's clock runs by its own size and halts at the goal, so that one integration serves all,
    whenever each blows up.

    Parameters
    ----------
    u, v : Complex[np.ndarray, "m K"]
        Amplitudes at time 0, a neuron per row.
    p : int
        Number of residues.
    growth : float
        The goal: the norm sqrt(sum_k alpha_k^2 + beta_k^2) over that at time 0, above 1.

    Returns
    -------
    CompetitionResult
        Time (of the summed loss), amplitudes, and whether it arrived (within 1 %), per neuron.

    Raises
    ------
    ValueError
        If the shapes differ or are not (m, K), or `growth` is not above 1.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, lottery of the frequencies (the clock is ours).

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
    first = neuron_norm(u, v)  # (m,)
    zero = first == 0
    unit = np.where(zero, 1, first)  # sizes are in units of each neuron's first: all tolerances then fit

    def parts(y: Complex[np.ndarray, " n"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        amplitudes = y[m:].reshape(2, m, K)
        return y[:m].real, amplitudes[0], amplitudes[1]

    def rate(_: float, y: Complex[np.ndarray, " n"]) -> Complex[np.ndarray, " n"]:
        a, b = parts(y)[1:]
        size = np.where(zero, growth, neuron_norm(a, b))
        tick = np.maximum(1 - size / growth, 0) / (p * size)  # (m,)
        da, db = velocity(a, b, p)
        return np.concatenate([tick, (da * tick[:, None]).ravel(), (db * tick[:, None]).ravel()])

    def left(_: float, y: Complex[np.ndarray, " n"]) -> float:
        a, b = parts(y)[1:]
        return float(FINISHED_SHARE * growth - np.where(zero, growth, neuron_norm(a, b)).min())

    left.terminal = True  # type: ignore[attr-defined]
    start = np.concatenate([np.zeros(m), (u / unit[:, None]).ravel(), (v / unit[:, None]).ravel()])
    path = solve_ivp(
        rate, (0, MAX_CLOCK_TIME), start, method="DOP853", events=left, rtol=TOLERANCE, atol=TOLERANCE
    )
    time, a, b = parts(path.y[:, -1])
    finished = ~zero & (neuron_norm(a, b) >= FINISHED_SHARE * growth * (1 - 1e-9))
    return CompetitionResult(time=time / unit, u=a * unit[:, None], v=b * unit[:, None], finished=finished)


def neuron_norm(u: Complex[np.ndarray, "... K"], v: Complex[np.ndarray, "... K"]) -> Float[np.ndarray, "..."]:
    """Size of a neuron, sqrt(sum_k alpha_k^2 + beta_k^2).

    Parameters
    ----------
    u, v : Complex[np.ndarray, "... K"]
        Amplitudes, frequencies on the last axis.

    Returns
    -------
    Float[np.ndarray, "..."]
        In the units of the amplitudes; what is constant over the residues is excluded.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, norm of the weights (of one neuron here).

    Examples
    --------
    >>> float(neuron_norm(np.array([3 + 0j]), np.array([4j])))
    5.0
    """
    return np.asarray(np.sqrt((np.abs(u) ** 2 + np.abs(v) ** 2).sum(axis=-1)))
