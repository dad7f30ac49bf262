"""Input and output maps of a network's neurons over residues."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

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
        If the model has no such maps.
    """
    maps = network.setting.model.neuron_maps(weights)
    return maps["input"], maps["output"]


def second_input_map(network: Network, weights: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """Return what neurons read of b in a network with two input maps, (T, m, p); None with one map.

    It is the map `second input` of a plug-in's model; then `input` is that of a.
    """
    return network.setting.model.neuron_maps(weights).get("second input")
