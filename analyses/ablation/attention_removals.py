"""Removal of a transformer's heads, attention and neurons as a whole.

n  pairs      h  heads      k = d_head      d = d_model      m  neurons      p  residues
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from analyses.ablation.pair_network import PairNetwork
from interp.mechanism.ablation import REMOVALS, replaced
from training.models.transformer.weight_names import B_IN, B_O, B_OUT, B_V, W_IN, W_O, W_U, W_V


def transformer_removals(
    network: PairNetwork, components: tuple[str, ...]
) -> Iterator[tuple[str, int, str, np.ndarray]]:
    """Yield component, index, removal and logits (p, n) of heads, attention and the MLP.

    A head is removed at its sum over positions, before W_O; attention and the MLP at what they add to the
    residual stream, biases included.
    """
    parts = _LastPosition(network)
    for removal in REMOVALS:
        changes = [parts.replaced_head(h, removal) - z for h, z in enumerate(parts.z_hkn)]
        if "head" in components:
            for h, change_kn in enumerate(changes):
                stream_dn = parts.W_O[h].T @ change_kn
                yield "head", h, removal, parts.logits_after(stream_dn)
        if "attention" in components:
            stream_dn = parts.written(np.stack(changes))
            if removal == "zero":
                stream_dn -= parts.b_O[:, None]
            yield "attention", 0, removal, parts.logits_after(stream_dn)
        if "mlp" in components:
            change_mn = replaced(network.hidden, removal, network.starts, network.permutation)
            logits = network.logits + network.output_map.T @ (change_mn - network.hidden)
            if removal == "zero":
                logits -= (parts.b_out @ parts.W_U)[:, None]
            yield "mlp", 0, removal, logits


class _LastPosition:
    """Heads and neurons at the last position of one network."""

    def __init__(self, network: PairNetwork):
        import torch

        from training.models.transformer.network import embed, forward_from

        weights = {name: torch.from_numpy(w.astype(np.float64)) for name, w in network.weights.items()}
        arrays = {name: w.numpy() for name, w in weights.items()}
        p, rate = len(network.logits), getattr(network.setting.model, "attention_rate", 1.0)
        self.network, self.W_in, self.W_O, self.W_U = network, arrays[W_IN], arrays[W_O], arrays[W_U][:, :p]
        d, m = self.W_in.shape
        self.b_O, self.b_out = (arrays.get(name, np.zeros(d)) for name in (B_O, B_OUT))
        self.b_in = arrays.get(B_IN, np.zeros(m))
        with torch.no_grad():
            x_ntd = embed(weights, torch.from_numpy(network.pairs))
            pattern_nht = forward_from(weights, x_ntd, rate).pattern
            v_nhtk = torch.einsum("ntd,hdk->nhtk", x_ntd, weights[W_V])
            if B_V in weights:
                v_nhtk = v_nhtk + weights[B_V][:, None]
            self.z_hkn = torch.einsum("nht,nhtk->hkn", pattern_nht, v_nhtk).numpy()
            last_dn = x_ntd[:, -1].T.numpy()
        self.mid_dn = last_dn + self.written(self.z_hkn) + self.b_O[:, None]

    def written(self, z_hkn: np.ndarray) -> np.ndarray:
        """Return what heads write to the stream, (d, n)."""
        return np.einsum("hkd,hkn->dn", self.W_O, z_hkn, optimize=True)

    def replaced_head(self, h: int, removal: str) -> np.ndarray:
        """Return what stands in for a head's sum over positions, (k, n)."""
        return replaced(self.z_hkn[h], removal, self.network.starts, self.network.permutation)

    def logits_after(self, change_dn: np.ndarray) -> np.ndarray:
        """Return the logits if the stream before the neurons changes, (p, n)."""
        pre_mn = self.W_in.T @ (self.mid_dn + change_dn) + self.b_in[:, None]
        change_mn = np.maximum(pre_mn, 0) - self.network.hidden
        return self.network.logits + self.W_U.T @ change_dn + self.network.output_map.T @ change_mn
