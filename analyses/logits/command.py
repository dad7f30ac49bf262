"""Command `analyses.logits`: flawed indicator and vote of the neurons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyses.logits.schema import ANALYSIS, FITS, SLICE, SWAPS, VOTES
from analyses.running.command import Command
from analyses.running.command_line import Result

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from analyses.tables.schema import Table
    from training.inspection.trained_network import Network
    from training.runs.run_directory import RunDir

FIGURES = ("logits", "output_logits", "vote_subsets")


def measure(run: RunDir, networks: list[Network]) -> Result:
    """Return tables of all networks, with a summary per arm."""
    from analyses.logits.majority_vote import ideal_tables
    from analyses.logits.summary import summarise
    from analyses.tables.long_format import gather

    parts = [_network_tables(network) for network in networks]
    tables = {table: gather([part[table] for part in parts]) for table in parts[0]}
    tables |= ideal_tables(networks[0].p)
    activations = {network.arm: _activation(network) for network in networks}
    return Result(tables, *summarise(tables, activations))


def _activation(network: Network) -> str:
    return getattr(network.setting.model, "activation", "relu")


def _network_tables(network: Network) -> dict[Table, pd.DataFrame]:
    import numpy as np

    from analyses.loading.neuron_maps import neuron_maps
    from analyses.loading.pairs import labels_of_pairs
    from analyses.logits.majority_vote import vote_tables
    from analyses.tables.long_format import long_table
    from interp.mechanism.flawed_indicator import indicator_fit
    from interp.mechanism.logit_fit import logit_margin
    from interp.mechanism.two_layer_forward import pair_logits

    input_map, output_map = neuron_maps(network, network.weights())  # (T, m, p)
    labels, activation = labels_of_pairs(network), _activation(network)
    rows = []
    for input_weights, output_weights in zip(input_map, output_map, strict=True):
        logits = pair_logits(input_weights, output_weights, activation)
        fit, margins = indicator_fit(logits, labels), logit_margin(logits, labels)
        row = {"main": fit.main, "ghost": fit.ghost, "ratio": fit.ratio, "r2": fit.r2}
        rows.append(row | {"accuracy": (margins > 0).mean(), "margin": margins.mean()})
    votes = vote_tables(network, input_map[-1], output_map[-1], labels, activation)
    curve = votes[VOTES]
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    columns["half_vote"] = np.full(len(rows), np.nan)
    columns["half_vote"][-1] = np.interp(input_map.shape[1] / 2, curve["n_neurons"], curve["accuracy"])
    return {
        FITS: long_table(network, {"step": network.steps}, columns),
        **votes,
        SLICE: _slice(network, logits, labels, float(rows[-1]["main"])),
        SWAPS: _swaps(network, input_map[-1], output_map[-1], labels),
    }


def _slice(network: Network, logits: np.ndarray, labels: np.ndarray, main: float) -> pd.DataFrame:
    """Return network and ideal logits of pairs with one x.

    Ideal logits have the network's main part, and half of it in each of the two ghosts. Both are less their
    mean over classes.
    """
    import numpy as np

    from analyses.tables.long_format import long_table

    p = network.p
    x, one_hot = p // 4, np.eye(p)
    ideal = main * (one_hot[labels[x]] + (one_hot[labels[x, x]] + one_hot[np.diagonal(labels)]) / 2)
    values = {"logit": logits[x][None], "ideal": ideal[None]}
    centred = {name: array - array.mean(axis=-1, keepdims=True) for name, array in values.items()}
    axes = {"x": [x], "y": range(p), "class": range(p)}
    return long_table(network, axes, centred | {"label": labels[x][None, :, None]})


def _swaps(
    network: Network, input_map: np.ndarray, output_map: np.ndarray, labels: np.ndarray
) -> pd.DataFrame:
    """Return scores of maps (m, p) with every activation function."""
    from analyses.tables.long_format import gather, long_table
    from interp.mechanism.two_layer_forward import ACTIVATIONS, activation_swap

    parts = []
    for activation in ACTIVATIONS:
        scores = activation_swap(input_map, output_map, labels, activation)
        axes = {"step": network.steps[-1:], "activation": [activation]}
        parts.append(long_table(network, axes, {"accuracy": scores.accuracy, "loss": scores.loss}))
    return gather(parts)


COMMAND = Command(
    analysis=ANALYSIS,
    measure=lambda run, networks, args: measure(run, networks),
    figures=FIGURES,
)
main = COMMAND.main
