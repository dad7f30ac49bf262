"""Removal of a transformer's heads, attention and neurons as a whole.

n  pairs      h  heads      k = d_head      m  neurons      p  residues
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from analyses.ablation.pair_network import PairNetwork
from analyses.ablation.transformer_pass import TransformerPass
from interp.mechanism.ablation import REMOVALS, replaced


def transformer_removals(
    network: PairNetwork, components: tuple[str, ...]
) -> Iterator[tuple[str, int, str, np.ndarray]]:
    """Yield component, index, removal and logits (p, n) of heads, attention and the MLP.

    A head is removed at its sum over positions, before W_O; attention and the MLP at what they add to the
    residual stream, biases included.
    """
    own = network.transformer
    assert own is not None
    d_head = len(own.z) // own.n_heads
    of_neurons = network.logits - own.direct
    for removal in REMOVALS:
        stand_in = _replaced(network, own.z, removal)  # (h k, n)
        change, is_zero = stand_in - own.z, removal == "zero"
        if "head" in components:
            for h in range(own.n_heads):
                rows = slice(h * d_head, (h + 1) * d_head)
                yield "head", h, removal, own.logits_after(change[rows], rows)
        if "attention" in components and removal == "resample":
            yield "attention", 0, removal, own.logits_after(change, slice(None))
        elif "attention" in components:
            yield "attention", 0, removal, _constant_attention(network, own, stand_in, not is_zero)
        if "mlp" in components:
            bias = own.mlp_bias[:, None] if is_zero else 0.0
            yield "mlp", 0, removal, own.direct + _replaced(network, of_neurons, removal) - bias


def _constant_attention(
    network: PairNetwork, own: TransformerPass, stand_in: np.ndarray, with_bias: bool
) -> np.ndarray:
    """Return the logits, (p, n), if heads read one value per part.

    The neurons then depend on the part and the last token alone.
    """
    sizes = np.diff([*network.starts, len(network.labels)])
    n_last = own.pre_of_last.shape[1]
    part = np.repeat(np.arange(len(sizes)), sizes)
    z = np.repeat(stand_in[:, list(network.starts)], n_last, axis=1)
    few = own.read_as(z, np.tile(np.arange(n_last), len(sizes)), with_bias)
    return few.logits()[:, part * n_last + own.last]


def _replaced(network: PairNetwork, values: np.ndarray, removal: str) -> np.ndarray:
    """Return what stands in for removed values, pairs last."""
    return replaced(values, removal, network.starts, network.permutation)
