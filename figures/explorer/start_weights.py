"""Weights of the neurons at the first checkpoint, which networks of one start have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from figures.explorer.packing import quantized

if TYPE_CHECKING:
    from figures.explorer.network_content import Arrays
    from training.inspection.trained_network import Network

SIDES = {"W_in": "in", "W_out": "out"}
"""Weights into neurons, which are its columns, and out of neurons, which are its rows."""
Content = tuple[dict[str, Any], "Arrays"]


def add_start_weights(networks: Sequence[Network], contents: Sequence[Content]) -> None:
    """Add to each network's content its neurons' weights at the first checkpoint, a row per neuron.

    A network whose weights there are an earlier one's under its own mask refers to that one, by
    `start_of`, its place among the networks.
    """
    starts: list[dict[str, np.ndarray]] = []
    for place, (network, (words, arrays)) in enumerate(zip(networks, contents, strict=True)):
        names = _names(network) if "neurons" in arrays else {}
        start = {name: network.weights(name)[0] for name in names}
        starts.append(start)
        words["starts"] = [{"side": side, "layer": name} for name, side in names.items()]
        alike = [
            i
            for i in range(place)
            if np.array_equal(contents[i][1].get("neurons", ()), arrays.get("neurons", ()))
        ]
        words["start_of"] = next((i for i in alike if _is_under_mask(start, starts[i], network)), place)
        if words["start_of"] == place:
            for name, side in names.items():
                rows = start[name].T if side == "in" else start[name]
                arrays[f"start_{side}"], arrays[f"start_{side}_step"] = quantized(rows[arrays["neurons"]])


def _names(network: Network) -> dict[str, str]:
    """Return the sides of the neurons' weights, by name."""
    shapes = network.setting.shapes()
    return {
        name: SIDES[last]
        for name, shape in shapes.items()
        if (last := name.split(".")[-1]) in SIDES and len(shape) == 2
    }


def _is_under_mask(start: dict[str, np.ndarray], other: dict[str, np.ndarray], network: Network) -> bool:
    """Return True if a network's start is another's under its own mask."""
    mask: Mapping[str, np.ndarray] = network.mask or {}
    return start.keys() == other.keys() and all(
        W.shape == other[name].shape and np.array_equal(W, other[name] * mask.get(name, True))
        for name, W in start.items()
    )
