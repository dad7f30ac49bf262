"""What a mask lets through: which units lie on a path from an input to an output.

Paths run forward, over kept weights, one layer at a time; they know nothing of a graph's construction.
`layers` is the chain of bool masks of `interp.graphs.mask_graph`, row = source unit, column = target unit.

Shape letters: i, o = input and output units; "_ _" = any two sizes; d = units of one layer.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

from interp.graphs.mask_graph import layer_sizes


def live_units(layers: Sequence[Bool[np.ndarray, "_ _"]]) -> tuple[Bool[np.ndarray, " _"], ...]:
    """For every layer of units, which lie on a path from some input to some output.

    A hidden unit that is not live cannot carry any signal: nothing reaches it, or nothing it says gets out
    (a unit whose only target is dead is dead as well).

    Parameters
    ----------
    layers : Sequence[Bool[np.ndarray, "_ _"]]
        Masks from input to output.

    Returns
    -------
    tuple[Bool[np.ndarray, "d"], ...]
        `len(layers) + 1` arrays, input units first; all False if no path gets through.

    Raises
    ------
    ValueError
        As in `interp.graphs.mask_graph.layer_sizes`.

    References
    ----------
    .. [1] Tanaka et al., arXiv:2006.05467, Sec. 3 (layer collapse, the case of no live unit in a layer).

    Examples
    --------
    >>> masks = [np.array([[True, True]]), np.array([[True], [False]])]
    >>> [units.tolist() for units in live_units(masks)]
    [[True], [True, False], [True]]
    """
    sizes = layer_sizes(layers, "layered")
    reached: list[np.ndarray] = [np.ones(sizes[0], dtype=bool)]
    for mask in layers:
        reached.append(np.any(mask[reached[-1]], axis=0, keepdims=True)[0])
    heard: list[np.ndarray] = [np.ones(sizes[-1], dtype=bool)]
    for mask in reversed(layers):
        heard.append(np.any(mask[:, heard[-1]], axis=1, keepdims=True)[:, 0])
    return tuple(forth & back for forth, back in zip(reached, reversed(heard), strict=True))


def count_dead_units(layers: Sequence[Bool[np.ndarray, "_ _"]]) -> int:
    """Number of hidden units on no path from an input to an output.

    Input and output units are not counted: an input that is not used is no dead neuron.

    Parameters
    ----------
    layers : Sequence[Bool[np.ndarray, "_ _"]]
        Masks from input to output.

    Returns
    -------
    int
        Between 0 and the number of hidden units.

    Raises
    ------
    ValueError
        As in `interp.graphs.mask_graph.layer_sizes`.

    References
    ----------
    .. [1] Tanaka et al., arXiv:2006.05467, Sec. 3.

    Examples
    --------
    >>> count_dead_units([np.array([[True, True]]), np.array([[True], [False]])])
    1
    """
    return sum(int(np.count_nonzero(~units)) for units in live_units(layers)[1:-1])


def reachable_outputs(layers: Sequence[Bool[np.ndarray, "_ _"]]) -> Bool[np.ndarray, "i o"]:
    """Which outputs each input reaches by a forward path.

    Parameters
    ----------
    layers : Sequence[Bool[np.ndarray, "_ _"]]
        Masks from input to output.

    Returns
    -------
    Bool[np.ndarray, "i o"]
        True where a path of kept weights leads from the input unit (row) to the output unit (column).

    Raises
    ------
    ValueError
        As in `interp.graphs.mask_graph.layer_sizes`.

    References
    ----------
    .. [1] Tanaka et al., arXiv:2006.05467, Sec. 3.

    Examples
    --------
    >>> reachable_outputs([np.eye(2, dtype=bool), np.array([[True], [False]])]).tolist()
    [[True], [False]]
    """
    layer_sizes(layers, "layered")
    reach = layers[0]
    for mask in layers[1:]:
        reach = reach.astype(np.float32) @ mask.astype(np.float32) > 0  # (i, d)
    return reach
