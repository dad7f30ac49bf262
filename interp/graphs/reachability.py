"""Units of a mask that lie on a path from input to output.

Paths run forward over kept weights, one layer at a time. They do not depend on the construction of the mask
graph. `layers` is the chain of bool masks of `interp.graphs.mask_graph`, row = source unit, column = target.

Shape letters: i, o = input and output units; "_ _" = any two sizes; d = units of one layer.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

from interp.graphs.mask_graph import layer_sizes


def live_units(layers: Sequence[Bool[np.ndarray, "_ _"]]) -> tuple[Bool[np.ndarray, " _"], ...]:
    """Units on a path from an input to an output, per layer.

    A hidden unit that is not live carries no signal: either no input reaches the unit, or the unit reaches no
    output (a unit whose only target is dead is dead too).

    Parameters
    ----------
    layers : Sequence[Bool[np.ndarray, "_ _"]]
        Masks from input to output.

    Returns
    -------
    tuple[Bool[np.ndarray, "d"], ...]
        `len(layers) + 1` arrays, input units first; True = live. All False if no path connects input and
        output.

    Raises
    ------
    ValueError
        As in `interp.graphs.mask_graph.layer_sizes`.

    References
    ----------
    .. [1] Tanaka et al., arXiv:2006.05467, Sec. 3 (layer collapse: no live unit in a layer).

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
    reaching: list[np.ndarray] = [np.ones(sizes[-1], dtype=bool)]
    for mask in reversed(layers):
        reaching.append(np.any(mask[:, reaching[-1]], axis=1, keepdims=True)[:, 0])
    pairs = zip(reached, reversed(reaching), strict=True)
    return tuple(from_input & to_output for from_input, to_output in pairs)


def count_dead_units(layers: Sequence[Bool[np.ndarray, "_ _"]]) -> int:
    """Number of hidden units on no path from an input to an output.

    Input and output units are not counted: an unused input is not a dead neuron.

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
    """Outputs that each input reaches by a forward path.

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
    reached = layers[0]
    for mask in layers[1:]:
        reached = reached.astype(np.float32) @ mask.astype(np.float32) > 0  # (i, d)
    return reached
