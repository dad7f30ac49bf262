"""Tables of training against two flows from its start.

T  checkpoints     m  neurons, each at its frequency
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.integrate import solve_ivp

from analyses.flow.schema import DEVIATIONS, INVARIANTS, NETWORKS, NEURONS
from analyses.loading.neuron_maps import neuron_maps
from analyses.tables.long_format import gather, long_table
from analyses.tables.schema import Table
from interp.dynamics.decoupled_flow import gradient_flow, invariants
from interp.dynamics.frequency_lottery import blowup_time
from interp.mechanism.phase_alignment import wrap_angle
from interp.spectra.fourier import complex_amplitude
from interp.spectra.weight_spectrum import neuron_frequency
from training.inspection.loss_gradient import training_gradient
from training.schema.validation import ConfigError

if TYPE_CHECKING:
    from training.inspection.trained_network import Network

CONTRASTS = {
    "flow": ("trained", "flow"),
    "softmax": ("own_loss", "flow"),
    "steps": ("trained", "own_loss"),
    "warm_up": ("flow_by_steps", "flow"),
}
"""Courses that are compared, by the contrast's name.

`flow` is the whole difference. Its parts are `softmax`, since the decoupled flow holds the softmax uniform,
and `steps`, from finite steps and float32. `warm_up` is what a clock that counts every step in full would
add.
"""
TOLERANCE = 1e-8
"""Relative tolerance of the flow of the network's own loss."""


@dataclass(frozen=True)
class Course:
    """Amplitudes of every neuron at its frequency, over time."""

    u: np.ndarray
    """Complex amplitudes of the input map, (T, m); NaN once a flow has blown up."""
    v: np.ndarray
    """Complex amplitudes of the output map, (T, m)."""

    @property
    def moment(self) -> np.ndarray:
        """Product alpha^2 beta exp(iD)."""
        return self.u**2 * np.conj(self.v)


def flow_tables(networks: Sequence[Network], until: int) -> dict[Table, pd.DataFrame]:
    """Return all tables, of the checkpoints up to a step.

    Raises
    ------
    ConfigError
        If no checkpoint but the first is that early.
    """
    parts = [_network_tables(network, until) for network in networks]
    return {table: gather([part[table] for part in parts]) for table in parts[0]}


def _network_tables(network: Network, until: int) -> dict[Table, pd.DataFrame]:
    is_early = network.steps <= until
    steps = network.steps[is_early]
    if len(steps) < 2:
        raise ConfigError(f"--until: expected a step from {network.steps[1]}, got {until}")
    weights = {name: w[is_early] for name, w in network.weights().items()}
    frequency, _ = neuron_frequency(neuron_maps(network, weights)[0][0])  # (m,)
    trained = _course(network, weights, frequency)
    optimizer = network.setting.optimizer
    clock = np.cumsum([0.0, *map(optimizer.lr_at, range(steps[-1]))])  # after n steps
    time, time_by_steps = clock[steps] - clock[steps[0]], optimizer.lr * (steps - steps[0])
    courses = {
        "trained": trained,
        "flow": _decoupled_flow(trained, network.p, time),
        "flow_by_steps": _decoupled_flow(trained, network.p, time_by_steps),
        "own_loss": _course(network, _flow_of_own_loss(network, weights, time), frequency),
    }
    blowup = blowup_time(trained.u[0], trained.v[0], network.p, mean_loss=True).min()
    blowup_step = steps[-1] + (blowup - time[-1]) / optimizer.lr  # warm-up is long over
    neurons = {"frequency": frequency} | _polar(trained, "") | _polar(courses["flow"], "flow_")
    return {
        DEVIATIONS: gather(
            [
                _deviations(network, steps, contrast, *(courses[course] for course in pair))
                for contrast, pair in CONTRASTS.items()
            ]
        ),
        INVARIANTS: gather(
            [_drifts(network, steps, course, courses[course]) for course in ("trained", "flow")]
        ),
        NETWORKS: pd.DataFrame(
            [{"arm": network.arm, "seed": network.seed} | {"blowup_time": blowup, "blowup_step": blowup_step}]
        ),
        NEURONS: long_table(network, {"step": steps, "neuron": range(len(frequency))}, neurons),
    }


def _course(network: Network, weights: Mapping[str, np.ndarray], frequency: np.ndarray) -> Course:
    by_frequency = (complex_amplitude(W)[0] for W in neuron_maps(network, weights))  # (T, m, K)
    at = frequency[None, :, None] - 1
    return Course(*(np.take_along_axis(z, at, axis=-1)[..., 0] for z in by_frequency))


def _decoupled_flow(start: Course, p: int, time: np.ndarray) -> Course:
    path = gradient_flow(start.u[0], start.v[0], p, time, mean_loss=True)
    missing = ((0, len(time) - len(path.time)), (0, 0))
    return Course(*(np.pad(z, missing, constant_values=np.nan) for z in (path.u, path.v)))


def _flow_of_own_loss(
    network: Network, weights: Mapping[str, np.ndarray], time: np.ndarray
) -> dict[str, np.ndarray]:
    """Return weights in the gradient flow of the training loss."""
    gradient = training_gradient(network.setting)
    shapes = network.setting.shapes()
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes.values()])

    def unpacked(flat: np.ndarray) -> dict[str, np.ndarray]:
        pieces = np.split(flat, ends[:-1], axis=-1)
        return {
            name: x.reshape(*flat.shape[:-1], *shapes[name]) for name, x in zip(shapes, pieces, strict=True)
        }

    def packed(parts: Mapping[str, np.ndarray]) -> np.ndarray:
        return np.concatenate([parts[name].ravel() for name in shapes])

    def velocity(_: float, y: np.ndarray) -> np.ndarray:
        return -packed(gradient(unpacked(y)))

    start = packed({name: weights[name][0].astype(np.float64) for name in shapes})
    path = solve_ivp(
        velocity,
        (0, time[-1]),
        start,
        method="DOP853",
        t_eval=time,
        rtol=TOLERANCE,
        atol=TOLERANCE * np.abs(start).max(),
    )
    assert path.success, path.message
    return unpacked(path.y.T)


def _polar(course: Course, prefix: str) -> dict[str, np.ndarray]:
    return {
        f"{prefix}input_amplitude": np.abs(course.u),
        f"{prefix}output_amplitude": np.abs(course.v),
        f"{prefix}D": wrap_angle(np.angle(course.moment)),
    }


def _deviations(
    network: Network, steps: np.ndarray, contrast: str, one: Course, other: Course
) -> pd.DataFrame:
    """Return the differences in amplitudes and D: median and largest."""
    errors = {
        "input_amplitude": np.abs(np.abs(one.u) - np.abs(other.u)),
        "output_amplitude": np.abs(np.abs(one.v) - np.abs(other.v)),
        "D": np.abs(np.angle(one.moment * np.conj(other.moment))),
    }
    columns = {"contrast": np.array(contrast)}
    for name, error in errors.items():
        columns |= {f"{name}_median": np.median(error, axis=1), f"{name}_max": error.max(axis=1)}
    return long_table(network, {"step": steps}, columns)


def _drifts(network: Network, steps: np.ndarray, name: str, course: Course) -> pd.DataFrame:
    """Return both invariants' relative drifts since the start."""
    scales = (np.abs(course.u[0]) ** 2 + 2 * np.abs(course.v[0]) ** 2, np.abs(course.moment[0]))
    values = invariants(course.u, course.v)
    columns = {"course": np.array(name)}
    for invariant, value, scale in zip(("difference", "product"), values, scales, strict=True):
        drift = np.abs(value - value[0]) / scale
        columns |= {f"{invariant}_median": np.median(drift, axis=1), f"{invariant}_max": drift.max(axis=1)}
    return long_table(network, {"step": steps}, columns)
