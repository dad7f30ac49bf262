"""What neurons read of each of two residues, from their pre-activations.

p  residues, odd and at least 3     m  neurons
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from interp.pairs.evaluation import Network, pair_grid
from interp.spectra.fourier import RELATIVE_ROUNDING

__all__ = ["AdditiveMaps", "additive_maps"]


class AdditiveMaps(NamedTuple):
    """Input maps of neurons that add what they read of two residues."""

    first: Float[np.ndarray, "m p"]
    """What neuron m reads of residue a as the first input; each row has mean 0."""
    second: Float[np.ndarray, "m p"]
    """What neuron m reads of residue b as the second input; each row has mean 0."""
    constant: Float[np.ndarray, " m"]
    """Mean pre-activation: bias, and the means that both rows lack."""
    share: Float[np.ndarray, " m"]
    """Share of the neuron's variance over pairs in the two maps: 1 if it adds; NaN if it is constant."""


def additive_maps(pre_activations: Network, p: int | None = None) -> AdditiveMaps:
    """Input maps of neurons, read off their pre-activations on all pairs.

    The pre-activation of (a, b) is constant + first[a] + second[b] plus a rest, which is 0 for networks
    without attention. The maps are what `interp.mechanism.phase_alignment.misalignment` takes as `input_map`
    and `second_map`; means and biases have no phase.

    Parameters
    ----------
    pre_activations : Network
        Inputs of the neurons before their nonlinearity, as `interp.pairs.evaluation.pair_grid` takes them.
    p : int, optional
        Number of residues; needed with a function.

    Returns
    -------
    AdditiveMaps
        In the units of the pre-activations. Look at `share`: maps of a neuron that does not add are its best
        fit by a sum, and say little where the share is low.

    Raises
    ------
    ValueError
        As `pair_grid`.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849 (theta_m[x] + theta_m[y], one map for both inputs; here two).

    Examples
    --------
    >>> maps = additive_maps(lambda pairs: 1 + pairs @ np.array([[1.0], [-2.0]]), p=3)
    >>> maps.first.tolist(), maps.second.tolist(), maps.constant.tolist(), maps.share.round(9).tolist()
    ([[-1.0, 0.0, 1.0]], [[2.0, 0.0, -2.0]], [0.0], [1.0])
    """
    x = pair_grid(pre_activations, p)  # (a, b, m)
    constant = x.mean(axis=(0, 1))
    centred = x - constant
    first, second = centred.mean(axis=1), centred.mean(axis=0)  # (p, m)
    variance = (centred**2).mean(axis=(0, 1))
    added = (first**2).mean(axis=0) + (second**2).mean(axis=0)
    varies = np.ptp(x, axis=(0, 1)) > RELATIVE_ROUNDING * np.abs(x).max(axis=(0, 1))
    return AdditiveMaps(first.T, second.T, constant, added / np.where(varies, variance, np.nan))
