"""Values of a function of two residues on all ordered pairs.

    p  residues, odd and at least 3     n  pairs     m  columns: classes or neurons
    pairs  p^2, b varying fastest

A *network* is a function that takes pairs (n, 2) and returns values (n, m): logits, or activations of
neurons. In its place every measure takes the values themselves, on all pairs.
"""

import sys
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from interp.spectra.fourier import check_modulus

__all__ = ["Network", "all_pairs", "checked_pairs", "pair_grid"]

Network = Callable[[Any], Any] | np.ndarray
"""Function from pairs (n, 2) to values (n, m), or its values on all pairs, (p, p, m) or (p^2, m)."""


def all_pairs(p: int) -> Int[np.ndarray, "pairs 2"]:
    """All ordered pairs (a, b) of residues.

    Parameters
    ----------
    p : int
        Number of residues.

    Returns
    -------
    Int[np.ndarray, "pairs 2"]
        b varies fastest, int64.

    Raises
    ------
    ValueError
        If `p` is even or below 3.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 3 (all pairs mod p as inputs).

    Examples
    --------
    >>> all_pairs(3)[:4].tolist()
    [[0, 0], [0, 1], [0, 2], [1, 0]]
    """
    check_modulus(p)
    return np.stack(np.divmod(np.arange(p * p), p), axis=1)


def pair_grid(
    network: Network, p: int | None = None, pairs: Int[np.ndarray, "n 2"] | None = None
) -> Float[np.ndarray, "p p m"]:
    """Values of a network on the grid of all ordered pairs.

    Parameters
    ----------
    network : Network
        A function is called once, with `all_pairs(p)`: a torch module, or a method of one, with an int64
        tensor on the module's device, any other function with a NumPy array. It returns one row per pair,
        as an array or a tensor of any floating-point type; gradients are not kept. Or the values themselves,
        (p, p, m), or a row per pair, (p^2, m).
    p : int, optional
        Number of residues. A function needs it; of values it is read off their shape.
    pairs : Int[np.ndarray, "n 2"], optional
        Pair of each row of values (p^2, m), in any order, every ordered pair once. By default `all_pairs(p)`.

    Returns
    -------
    Float[np.ndarray, "p p m"]
        Value of every column at inputs (a, b). float64, in the units of the network.

    Raises
    ------
    ValueError
        If p is even or below 3 or is missing, the values have another shape, a function returns another
        number of rows than pairs, some pair is missing or repeated, or a value is not finite.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 4 (activations and logits over all pairs).

    Examples
    --------
    >>> products = pair_grid(lambda pairs: np.cos(pairs.prod(axis=1, keepdims=True)), p=5)
    >>> products.shape, products[2, 3].round(3).tolist()
    ((5, 5, 1), [0.96])
    """
    if not callable(network):
        return _grid_of_values(_as_array(network), p, pairs)
    if p is None or pairs is not None:
        got = "no p" if p is None else "pairs"
        raise ValueError(f"network: expected p, and no pairs, with a function; got {got}")
    torch = sys.modules.get("torch")  # a tensor exists only where torch is imported
    with nullcontext() if torch is None else torch.no_grad():
        values = _as_array(network(_as_input(network, all_pairs(p), torch)))
    if values.ndim != 2 or len(values) != p * p:
        raise ValueError(
            f"network: expected a function that returns shape ({p * p}, columns), a row per pair, "
            f"got shape {values.shape}"
        )
    return _grid_of_values(values, p, None)


def checked_pairs(pairs: Int[np.ndarray, "n 2"], p: int) -> Int[np.ndarray, "n 2"]:
    """Return pairs of residues after checking their shape and values.

    Parameters
    ----------
    pairs : Int[np.ndarray, "n 2"]
        At least one.
    p : int
        Number of residues.

    Returns
    -------
    Int[np.ndarray, "n 2"]
        The same pairs, as an array.

    Raises
    ------
    ValueError
        If there is no pair, the shape is another one, or an entry is not a whole number in 0..p-1.

    References
    ----------
    .. [1] Residues 0..p-1, as in `all_pairs`.

    Examples
    --------
    >>> checked_pairs(np.array([[4, 0]]), 5).tolist()
    [[4, 0]]
    """
    x = np.asarray(pairs)
    if x.ndim != 2 or x.shape[1] != 2 or len(x) == 0:
        raise ValueError(f"pairs: expected shape (n, 2) with at least one pair, got shape {x.shape}")
    if not np.issubdtype(x.dtype, np.integer) or x.min() < 0 or x.max() >= p:
        raise ValueError(
            f"pairs: expected whole numbers in 0..{p - 1}, got {x.min()}..{x.max()} of type {x.dtype}"
        )
    return x


def _grid_of_values(
    values: np.ndarray, p: int | None, pairs: Int[np.ndarray, "n 2"] | None
) -> Float[np.ndarray, "p p m"]:
    """Grid of values (p, p, m), or of rows (p^2, m)."""
    is_grid = values.ndim == 3 and pairs is None
    if p is None:
        p = len(values) if is_grid else round(len(values) ** 0.5) if values.ndim == 2 else 0
    check_modulus(p)
    fits = values.shape[:2] == (p, p) if is_grid else values.ndim == 2
    if not fits or values.shape[-1] == 0:
        raise ValueError(
            f"network: expected values of shape ({p}, {p}, columns), or ({p * p}, columns), a row per pair, "
            f"got shape {values.shape}"
        )
    if not np.isfinite(values).all():
        raise ValueError(
            f"network: expected finite values, got {np.count_nonzero(~np.isfinite(values))} that are not"
        )
    if not is_grid:
        values = values[_row_of_pair(pairs, len(values), p)]
    return values.reshape(p, p, values.shape[-1])


def _row_of_pair(pairs: Int[np.ndarray, "n 2"] | None, n_rows: int, p: int) -> Int[np.ndarray, " pairs"]:
    """Row of every ordered pair, b varying fastest."""
    rows = all_pairs(p)[:n_rows] if pairs is None else checked_pairs(pairs, p)
    if len(rows) != n_rows and pairs is not None:
        raise ValueError(f"pairs: expected one for each of {n_rows} rows of values, got {len(rows)}")
    index = rows[:, 0] * p + rows[:, 1]
    n_missing = p * p - len(np.unique(index))
    if n_missing or n_rows != p * p:
        raise ValueError(
            f"network: expected a row for every ordered pair of {p} residues, {p * p} in all, got {n_rows} "
            f"rows, without {n_missing} of the pairs"
        )
    return np.argsort(index)


def _as_input(function: Callable[..., Any], pairs: Int[np.ndarray, "n 2"], torch: Any) -> Any:
    """Pairs, as a tensor for a torch module or its method."""
    module = getattr(function, "__self__", function)
    if torch is None or not isinstance(module, torch.nn.Module):
        return pairs
    parameter = next(module.parameters(), None)
    return torch.as_tensor(pairs, device=None if parameter is None else parameter.device)


def _as_array(values: Any) -> np.ndarray:
    """Values of an array or tensor in float64."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().double()
    array = np.asarray(values)
    if not np.issubdtype(array.dtype, np.floating) and not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"network: expected real numbers, got type {array.dtype}")
    return np.asarray(array, dtype=np.float64)
