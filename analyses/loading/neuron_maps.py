"""Input and output maps of a network's neurons over residues."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from training.runs.atomic_files import RunError

if TYPE_CHECKING:
    from training.inspection.trained_network import Network


def neuron_maps(network: Network, weights: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the neurons' input and output map, (T, m, p) each.

    Parameters
    ----------
    weights : mapping
        As `Network.weights()` returns them; without the axis of checkpoints the maps have none either.

    Raises
    ------
    RunError
        If the task is not about residues, or the model has no such maps.
    """
    assert network.p
    maps = network.setting.model.neuron_maps(weights)
    return maps["input"], maps["output"]


def maps_of_summed_inputs(
    network: Network, weights: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return both maps of a network that sums its two inputs.

    Raises
    ------
    RunError
        If the task is not about residues, or the network does more than sum its two inputs.
    """
    model = network.setting.model
    if network.p and not model.symmetric:
        expected = "expected a network that adds its two inputs"
        raise RunError(f"{network.files.path}: {expected}, and this one is a {model.name}")
    return neuron_maps(network, weights)
