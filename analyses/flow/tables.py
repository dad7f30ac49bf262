"""A trained network held against flows from its start: the decoupled one, and that of its own loss.

T  checkpoints     m  neurons, each at its frequency
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.integrate import solve_ivp

from analyses.tables.long_format import gather, long_table
from interp.dynamics.decoupled_flow import gradient_flow, invariants
from interp.dynamics.frequency_lottery import blowup_time
from interp.mechanism.phase_alignment import wrap_angle
from interp.spectra.fourier import complex_amplitude
from interp.spectra.weight_spectrum import neuron_frequency
from training.inspection.loss_gradient import training_gradient
from training.runs.atomic_files import RunError
from training.schema.validation import ConfigError
from training.tasks.modular import ModularTask

if TYPE_CHECKING:
    from analyses.loading.trained_network import Network

CONTRASTS = {
    "flow": ("trained", "flow"),
    "softmax": ("own_loss", "flow"),
    "steps": ("trained", "own_loss"),
    "warm_up": ("flow_by_steps", "flow"),
}
"""What is compared, by name: all of the difference; what the decoupled flow leaves out, which is that the
softmax is not uniform; finite steps and float32; and what counting every step in full would shift."""
TOLERANCE = 1e-8  # relative, of the flow of the network's own loss


@dataclass(frozen=True)
class Course:
    """Amplitudes of every neuron at its frequency; NaN once a flow has blown up."""

    u: np.ndarray
    """Of the input map, complex, (T, m)."""
    v: np.ndarray
    """Of the output map."""

    @property
    def moment(self) -> np.ndarray:
        """alpha^2 beta exp(iD)."""
        return self.u**2 * np.conj(self.v)


def tables_of_run(networks: Sequence[Network], until: int) -> dict[str, pd.DataFrame]:
    """Every network's courses up to a step: how far apart, what stays invariant, and the neurons' own.

    Raises
    ------
    RunError
        If the decoupled flow is not about one of the networks.
    ConfigError
        If no checkpoint but the first is that early.
    """
    for network in networks:
        _check(network)
    parts = [_network(network, until) for network in networks]
    return {suffix: gather([part[suffix] for part in parts]) for suffix in parts[0]}


def _check(network: Network) -> None:
    setting = network.setting
    assert network.p
    task, optimizer, function = setting.task, setting.optimizer, setting.model.function
    assert isinstance(task, ModularTask)
    expected = None
    if function != "one_hot_mlp.square":
        expected = f"a one_hot_mlp with activation square, and this one is {function}"
    elif optimizer.name != "sgd" or optimizer.weight_decay:
        decay = f"{optimizer.name} with weight decay {optimizer.weight_decay:g}"
        expected = f"gradient descent without weight decay, and this one is by {decay}"
    elif task.name != "add" or task.frac_train < 1:
        expected = f"addition on all pairs, and this one is {task.name} on {task.frac_train:g} of them"
    if expected is not None:
        raise RunError(f"{network.files.path}: expected {expected}; --arms chooses others")


def _network(network: Network, until: int) -> dict[str, pd.DataFrame]:
    kept = network.steps <= until
    steps = network.steps[kept]
    if len(steps) < 2:
        raise ConfigError(f"--until: expected a step from {network.steps[1]}, got {until}")
    weights = {name: w[kept] for name, w in network.weights().items()}
    frequency, _ = neuron_frequency(network.maps(weights)[0][0])  # (m,)
    trained = _course(network, weights, frequency)
    optimizer = network.setting.optimizer
    clock = np.cumsum([0.0, *map(optimizer.lr_at, range(steps[-1]))])  # after n steps
    time, full = clock[steps] - clock[steps[0]], optimizer.lr * (steps - steps[0])
    courses = {
        "trained": trained,
        "flow": _flow(trained, network.p, time),
        "flow_by_steps": _flow(trained, network.p, full),
        "own_loss": _course(network, _own_flow(network, weights, time), frequency),
    }
    apart = [_apart(network, steps, name, *(courses[c] for c in both)) for name, both in CONTRASTS.items()]
    drifts = [_drift(network, steps, name, courses[name]) for name in ("trained", "flow")]
    each = {"frequency": frequency} | _polar(courses["trained"], "") | _polar(courses["flow"], "flow_")
    T = blowup_time(trained.u[0], trained.v[0], network.p, mean_loss=True).min()
    end = {"arm": network.arm, "seed": network.seed, "blowup_time": T}
    end["blowup_step"] = steps[-1] + (T - time[-1]) / optimizer.lr  # warm-up is long over
    return {
        "": gather(apart),
        "_invariants": gather(drifts),
        "_neurons": long_table(network, {"step": steps, "neuron": range(len(frequency))}, each),
        "_networks": pd.DataFrame([end]),
    }


def _course(network: Network, weights: Mapping[str, np.ndarray], frequency: np.ndarray) -> Course:
    both = (complex_amplitude(x)[0] for x in network.maps_of_sums(weights))  # (T, m, K)
    return Course(*(np.take_along_axis(z, frequency[None, :, None] - 1, axis=-1)[..., 0] for z in both))


def _flow(start: Course, p: int, time: np.ndarray) -> Course:
    path = gradient_flow(start.u[0], start.v[0], p, time, mean_loss=True)
    missing = ((0, len(time) - len(path.time)), (0, 0))
    return Course(*(np.pad(z, missing, constant_values=np.nan) for z in (path.u, path.v)))


def _own_flow(network: Network, weights: Mapping[str, np.ndarray], time: np.ndarray) -> dict[str, np.ndarray]:
    """The gradient flow of the network's training loss, its softmax as it is, at these times."""
    gradient = training_gradient(network.setting)
    shapes = network.setting.shapes()
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes.values()])

    def views(flat: np.ndarray) -> dict[str, np.ndarray]:
        pieces = np.split(flat, ends[:-1], axis=-1)
        return {
            name: x.reshape(*flat.shape[:-1], *shapes[name]) for name, x in zip(shapes, pieces, strict=True)
        }

    def flat(parts: Mapping[str, np.ndarray]) -> np.ndarray:
        return np.concatenate([parts[name].ravel() for name in shapes])

    def downhill(_: float, y: np.ndarray) -> np.ndarray:
        return -flat(gradient(views(y)))

    start = flat({name: weights[name][0].astype(np.float64) for name in shapes})
    path = solve_ivp(
        downhill,
        (0, time[-1]),
        start,
        method="DOP853",
        t_eval=time,
        rtol=TOLERANCE,
        atol=TOLERANCE * np.abs(start).max(),
    )
    assert path.success, path.message
    return views(path.y.T)


def _polar(course: Course, prefix: str) -> dict[str, np.ndarray]:
    return {
        f"{prefix}input_amplitude": np.abs(course.u),
        f"{prefix}output_amplitude": np.abs(course.v),
        f"{prefix}D": wrap_angle(np.angle(course.moment)),
    }


def _apart(network: Network, steps: np.ndarray, contrast: str, one: Course, other: Course) -> pd.DataFrame:
    """By how much |alpha|, |beta| and D differ: the median neuron's, and the largest."""
    errors = {
        "input_amplitude": np.abs(np.abs(one.u) - np.abs(other.u)),
        "output_amplitude": np.abs(np.abs(one.v) - np.abs(other.v)),
        "D": np.abs(np.angle(one.moment * np.conj(other.moment))),
    }
    columns = {"contrast": np.array(contrast)}
    for name, error in errors.items():
        columns |= {f"{name}_median": np.median(error, axis=1), f"{name}_max": error.max(axis=1)}
    return long_table(network, {"step": steps}, columns)


def _drift(network: Network, steps: np.ndarray, course: str, own: Course) -> pd.DataFrame:
    """How far both invariants have moved, over alpha^2 + 2 beta^2 and alpha^2 beta of the start."""
    units = (np.abs(own.u[0]) ** 2 + 2 * np.abs(own.v[0]) ** 2, np.abs(own.moment[0]))
    columns = {"course": np.array(course)}
    for name, value, unit in zip(("difference", "product"), invariants(own.u, own.v), units, strict=True):
        drift = np.abs(value - value[0]) / unit
        columns |= {f"{name}_median": np.median(drift, axis=1), f"{name}_max": drift.max(axis=1)}
    return long_table(network, {"step": steps}, columns)
