"""Measures that separate the Clock from the Pizza algorithm.

Both add residues as angles on circles. The Clock multiplies the two inputs' cosines and sines. The Pizza
averages the two embeddings, so that its logits depend on the distance of the inputs.

p  residues, odd and at least 3     a, b  the two inputs, residues     d_model  width of the embedding
n  triples (a, b, c)                ... leading axes: checkpoints, arms
"""

import numpy as np
from jaxtyping import Float, Int

from interp.spectra.fourier import RELATIVE_ROUNDING, checked_map
from interp.spectra.weight_spectrum import mean_over_neurons, neuron_frequency

__all__ = ["circularity", "distance_irrelevance", "gradient_symmetricity"]


def distance_irrelevance(correct_logits: Float[np.ndarray, "... p p"]) -> Float[np.ndarray, "..."]:
    """Distance irrelevance: high for the Clock, low for the Pizza.

    It measures how little the true class's logit depends on the distance of the two inputs. With L the table
    of these logits, it is the mean over d of the standard deviation over i of L[i, i + d], divided by the
    standard deviation of all of L. Indices are mod p; standard deviations are divided by the number of
    entries (ddof 0).

    Parameters
    ----------
    correct_logits : Float[np.ndarray, "... p p"]
        Entry (a, b) is the logit of class a + b mod p at inputs (a, b). The row is i = a, the distance is
        d = b - a.

    Returns
    -------
    Float[np.ndarray, "..."]
        In [0, 1]: 0 if L is a function of b - a alone, 1 if L is a function of a + b alone; white noise
        averages about 1 - 3/(4p). NaN if L is constant.

    Raises
    ------
    ValueError
        If the two axes differ, p is even or below 3, or `correct_logits` is not finite.

    References
    ----------
    .. [1] Zhong et al., arXiv:2306.17844, distance irrelevance.

    Examples
    --------
    >>> wave = np.cos(2 * np.pi * np.arange(7) / 7)
    >>> a = np.arange(7)
    >>> both = np.stack([wave[(a[:, None] + a) % 7], wave[(a[:, None] - a) % 7]])
    >>> print(distance_irrelevance(both).round(9) + 0.0)
    [1. 0.]
    """
    shape = np.shape(correct_logits)
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise ValueError(f"correct_logits: expected shape (..., p, p), got shape {shape}")
    L = checked_map(correct_logits, "correct_logits")
    i = np.arange(L.shape[-1])
    by_distance = L[..., i, (i[:, None] + i) % i.size]  # (..., d, i)
    flat = np.ptp(L, axis=(-1, -2)) <= RELATIVE_ROUNDING * np.abs(L).max(axis=(-1, -2))
    spread = by_distance.std(axis=-1).mean(axis=-1)
    return np.asarray(spread / np.where(flat, np.nan, L.std(axis=(-1, -2))))


def circularity(W_E: Float[np.ndarray, "... p d_model"], n_components: int = 4) -> Float[np.ndarray, "..."]:
    """Share of one frequency in an embedding's principal components.

    The principal components of the p rows, less their mean, are functions of the residue. For each of the
    first components, take the share of its best single frequency; circularity is the mean of these shares.
    Components of equal variance span a plane without preferred axes. This has no effect on a single circle
    (any two axes of its plane have its frequency), but the components of two circles of exactly equal size
    mix both frequencies, and circularity is then below 1.

    Parameters
    ----------
    W_E : Float[np.ndarray, "... p d_model"]
        A row per residue. The caller leaves out rows of other tokens (such as =).
    n_components : int
        Number of principal components to average, those of largest variance.

    Returns
    -------
    Float[np.ndarray, "..."]
        In [1/K, 1], K = (p - 1) / 2: 1 if each component has a single frequency. Left out of the mean are
        components whose singular value is at most 1e-12 of the norm of `W_E` (rounding), and components
        beyond d_model. NaN if all rows are equal.

    Raises
    ------
    ValueError
        If p is even or below 3, `W_E` is not finite or has no row axis, or `n_components` is outside 1..p-1.

    References
    ----------
    .. [1] Zhong et al., arXiv:2306.17844, circularity.

    Examples
    --------
    >>> from interp.spectra.fourier import fourier_basis
    >>> F = fourier_basis(11)
    >>> circles = F[[3, 4, 7, 8]].T * [3, 3, 1, 1]
    >>> float(circularity(circles).round(9))
    1.0
    """
    if np.ndim(W_E) < 2:
        raise ValueError(f"W_E: expected shape (..., p, d_model), got shape {np.shape(W_E)}")
    W = np.swapaxes(checked_map(np.swapaxes(W_E, -1, -2), "W_E"), -1, -2)
    if not 1 <= n_components < W.shape[-2]:
        raise ValueError(f"n_components: expected a number in 1..{W.shape[-2] - 1}, got {n_components}")
    U, size, _ = np.linalg.svd(W - W.mean(axis=-2, keepdims=True), full_matrices=False)
    _, share = neuron_frequency(np.swapaxes(U[..., :n_components], -1, -2))  # (..., n_components)
    rounding = RELATIVE_ROUNDING * np.linalg.norm(W, axis=(-1, -2))[..., None]
    return mean_over_neurons(np.where(size[..., :n_components] > rounding, share, np.nan))[0]


def gradient_symmetricity(
    grad_a: Float[np.ndarray, "... n d_model"], grad_b: Float[np.ndarray, "... n d_model"]
) -> tuple[Float[np.ndarray, "..."], Int[np.ndarray, "..."]]:
    """Mean cosine similarity of a logit's two input gradients.

    The gradients are those of one logit with respect to the embeddings of the two inputs.

    Parameters
    ----------
    grad_a, grad_b : Float[np.ndarray, "... n d_model"]
        Row t is for the t-th triple (a, b, c): the gradient of the logit of class c at inputs (a, b) with
        respect to the embedding of a, and of b. The two embeddings are separate variables even if a = b.

    Returns
    -------
    mean : Float[np.ndarray, "..."]
        In [-1, 1]: 1 if the network depends only on the sum of the embeddings. NaN if every triple is
        excluded.
    n_skipped : Int[np.ndarray, "..."]
        Number of triples with a gradient of exactly 0 (all neurons off), excluded from the mean.

    Raises
    ------
    ValueError
        If the shapes differ or have no triple, or a gradient is not finite.

    References
    ----------
    .. [1] Zhong et al., arXiv:2306.17844, gradient symmetricity (there 100 random triples; here the caller
       chooses the triples).

    Examples
    --------
    >>> grad_a, grad_b = np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([[3.0, 4.0], [1.0, 1.0]])
    >>> mean, n_skipped = gradient_symmetricity(grad_a, grad_b)
    >>> print(mean.round(9), n_skipped)
    0.6 1
    """
    a, b = _directions(grad_a, "grad_a"), _directions(grad_b, "grad_b")
    if a.shape != b.shape:
        raise ValueError(f"grad_b: expected the shape of grad_a, {a.shape}, got {b.shape}")
    return mean_over_neurons((a * b).sum(axis=-1))  # the mean is over triples; NaN is left out and counted


def _directions(
    gradient: Float[np.ndarray, "... n d_model"], argument: str
) -> Float[np.ndarray, "... n d_model"]:
    """Gradients scaled to length 1; NaN for gradients of length 0."""
    g = np.asarray(gradient, dtype=np.float64)
    if g.ndim < 2 or 0 in g.shape:
        raise ValueError(f"{argument}: expected shape (..., n, d_model), none of them 0, got shape {g.shape}")
    if not np.isfinite(g).all():
        raise ValueError(
            f"{argument}: expected finite values, got {np.count_nonzero(~np.isfinite(g))} NaN or infinite"
        )
    top = np.abs(g).max(axis=-1, keepdims=True)
    g = g / np.where(top > 0, top, np.nan)
    return g / np.linalg.norm(g, axis=-1, keepdims=True)
