"""Tables of the vote of neurons, trained or ideal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analyses.logits.schema import FREQUENCIES, IDEAL, IDEAL_SUBSETS, SUBSETS, VOTES
from analyses.tables.long_format import gather, long_table
from interp.mechanism.flawed_indicator import ideal_neurons, indicator_logits
from interp.mechanism.majority_vote import VoteCurve, group_votes, grouped_vote_curve, vote_curve
from interp.mechanism.two_layer_forward import pair_activations, pair_logits
from interp.spectra.weight_spectrum import neuron_frequency

if TYPE_CHECKING:
    from jaxtyping import Float, Int

    from analyses.tables.schema import Table
    from training.inspection.trained_network import Network

N_ORDERS = 20
"""Random orders of neurons, and of frequencies, that the votes are averaged over."""
N_IDEAL = 128
"""Number of ideal neurons whose subsets vote, as in He et al."""
MOST_IDEAL = 8
"""Largest number of ideal neurons of every frequency that is compared with the closed form."""
SIZES = np.unique(np.round([*range(1, 16), *2 ** np.arange(4, 13, 0.25)]).astype(np.int64))
"""Sizes of subsets; a network has those up to its own largest."""


def vote_tables(
    network: Network,
    input_map: Float[np.ndarray, "m p"],
    output_map: Float[np.ndarray, "m p"],
    labels: Int[np.ndarray, "p p"],
    activation: str,
) -> dict[Table, pd.DataFrame]:
    """Return votes of subsets and single frequencies, last checkpoint."""
    acts, k = pair_activations(input_map, activation), neuron_frequency(input_map)[0]
    last = {"step": network.steps[-1:]}
    curve = vote_curve(acts, output_map, labels, np.random.default_rng(0), N_ORDERS)
    alone = group_votes(acts, output_map, labels, k)
    subsets = [
        long_table(network, last | {"of": [of], "n": votes.sizes}, _means_over_orders(votes))
        for of, votes in _subset_curves(acts, output_map, labels, k).items()
    ]
    by_frequency = {
        "n_neurons": alone.n_neurons,
        "accuracy": alone.accuracy,
        "margin": alone.margin,
        "loss": alone.loss,
    }
    return {
        VOTES: long_table(network, last | {"n_neurons": curve.sizes}, _means_over_orders(curve)),
        FREQUENCIES: long_table(network, last | {"frequency": range(1, network.p // 2 + 1)}, by_frequency),
        SUBSETS: gather(subsets) if subsets else pd.DataFrame(),
    }


def ideal_tables(p: int) -> dict[Table, pd.DataFrame]:
    """Return errors of ideal neurons, and votes of their subsets."""
    K, residue = p // 2, np.arange(p)
    sums = np.add.outer(residue, residue) % p
    errors = [
        {"n_neurons": n, "error": np.abs(pair_logits(*ideal_neurons(np.full(K, n)), "square") - exact).max()}
        for n, exact in ((n, indicator_logits(p, float(n))) for n in range(1, MOST_IDEAL + 1))
    ]
    counts = N_IDEAL // K + (np.arange(K) < N_IDEAL % K)
    input_map, output_map = ideal_neurons(counts)
    acts, k = pair_activations(input_map, "square"), np.repeat(np.arange(1, K + 1), counts)
    subsets = [
        pd.DataFrame({"of": of, "n": curve.sizes} | _means_over_orders(curve))
        for of, curve in _subset_curves(acts, output_map, sums, k).items()
    ]
    return {IDEAL: pd.DataFrame(errors), IDEAL_SUBSETS: gather(subsets)}


def _subset_curves(
    acts: Float[np.ndarray, "p p m"],
    output_map: Float[np.ndarray, "m p"],
    labels: Int[np.ndarray, "p p"],
    k: Int[np.ndarray, " m"],
) -> dict[str, VoteCurve]:
    """Return votes of some frequencies, and some neurons of each.

    Empty if no neuron has a frequency.
    """
    if not k.any():
        return {}
    _, count = np.unique(k[k > 0], return_counts=True)
    curves = {}
    for of, most in (("frequencies", count.size), ("neurons", count.max())):
        sizes, rng = np.append(SIZES[most > SIZES], most), np.random.default_rng(0)
        curves[of] = grouped_vote_curve(acts, output_map, labels, k, of, rng, N_ORDERS, sizes)
    return curves


def _means_over_orders(curve: VoteCurve) -> dict[str, Float[np.ndarray, " n"]]:
    return {
        "accuracy": curve.accuracy.mean(axis=0),
        "margin": curve.margin.mean(axis=0),
        "loss": curve.loss.mean(axis=0),
    }
