"""Stitching: one network's neurons read by another network's output map.

    m  neurons     r  places: the neurons that the output map was trained with     p  classes
    n  examples, those of each part one after another     x  residues, or examples     K  frequencies

Networks that began with the same weights keep the order of their neurons. Others are matched: each place gets
the neuron that is most like the reader's own there, by the sum over all places.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.optimize import linear_sum_assignment

from interp.mechanism.ablation import replaced
from interp.spectra.fourier import RELATIVE_ROUNDING, complex_amplitude

__all__ = ["NO_NEURON", "matched_neurons", "spectrum_similarity", "stitched_logits", "wave_similarity"]

NO_NEURON = -1
"""In place of a neuron's index: nothing is read at this place."""


def stitched_logits(
    activations: Float[np.ndarray, "m n"],
    output_map: Float[np.ndarray, "r p"],
    neurons: Int[np.ndarray, " _"] | None = None,
    kept: Bool[np.ndarray, " m"] | None = None,
    starts: Sequence[int] = (0,),
) -> Float[np.ndarray, "p n"]:
    """Logits of neurons that are read by an output map.

    Parameters
    ----------
    activations : Float[np.ndarray, "m n"]
        Activation of every neuron, after its activation function.
    output_map : Float[np.ndarray, "r p"]
        Entry (i, c) is what a unit activation at place i adds to class c.
    neurons : Int[np.ndarray, " _"], optional
        Neuron that is read at each place, as from `matched_neurons`, -1 for none; by default neuron i at
        place i.
    kept : Bool[np.ndarray, " m"], optional
        Neurons that vary; all others are at their mean over the part's examples. All by default.
    starts : Sequence[int]
        First example of each part.

    Returns
    -------
    Float[np.ndarray, "p n"]
        In the units of the output map times the activation. A row per class, as for
        `interp.mechanism.ablation.part_scores`. A network read by its own output map has its own logits.

    Raises
    ------
    ValueError
        If there is not a place for every neuron and `neurons` does not say which are read, or it names a
        neuron that is not there.

    References
    ----------
    .. [1] DEFINITIONS.md, section 6, interventions: stitching.
    .. [2] Lenc and Vedaldi, arXiv:1411.5908 (stitching by a trained layer; here no layer is trained).

    Examples
    --------
    >>> activations, output_map = np.array([[1.0, 2.0], [0.0, 5.0]]), np.array([[1.0, 0.0], [0.0, 10.0]])
    >>> stitched_logits(activations, output_map).tolist()
    [[1.0, 2.0], [0.0, 50.0]]
    >>> stitched_logits(activations, output_map, np.array([1, -1])).tolist()
    [[0.0, 5.0], [0.0, 0.0]]
    """
    m, r = len(activations), len(output_map)
    if neurons is None and m != r:
        raise ValueError(f"neurons: expected the neuron of each of {r} places, for {m} neurons, got none")
    read = np.arange(m) if neurons is None else np.asarray(neurons)
    if read.shape != (r,) or ((read < NO_NEURON) | (read >= m)).any():
        raise ValueError(f"neurons: expected {r} indices of {m} neurons, -1 for none, got {read.tolist()}")
    if kept is not None:
        mean = replaced(activations, "mean", starts, np.arange(activations.shape[1]))
        activations = np.where(kept[:, None], activations, mean)
    has_neuron = read != NO_NEURON
    return output_map[has_neuron].T @ activations[read[has_neuron]]


def matched_neurons(similarity: Float[np.ndarray, "m r"]) -> Int[np.ndarray, " r"]:
    """Neuron of each place, by the assignment of largest total similarity.

    Parameters
    ----------
    similarity : Float[np.ndarray, "m r"]
        Of every neuron, and the reader's own neuron at every place.

    Returns
    -------
    Int[np.ndarray, " r"]
        Every neuron at most once; -1 at places that are left over if there are fewer neurons than places.

    Raises
    ------
    ValueError
        If a similarity is not finite.

    References
    ----------
    .. [1] Kuhn, The Hungarian method for the assignment problem, Naval Res. Logist. Q. 2 (1955).
    .. [2] Li et al., arXiv:1511.07543 (one-to-one matching of two networks' units).

    Examples
    --------
    >>> matched_neurons(np.array([[0.9, 0.8, 0.0], [0.8, 0.1, 0.0]])).tolist()
    [1, 0, -1]
    """
    if not np.isfinite(similarity).all():
        raise ValueError("similarity: expected finite numbers")
    rows, columns = linear_sum_assignment(similarity, maximize=True)
    neurons = np.full(similarity.shape[1], NO_NEURON)
    neurons[columns] = rows
    return neurons


def wave_similarity(
    first: Float[np.ndarray, "m _"], second: Float[np.ndarray, "r _"]
) -> Float[np.ndarray, "m r"]:
    """Correlation of what two networks' neurons read, or do.

    Of input maps it compares frequency and phase: the correlation of two rows is the sum over frequencies of
    the product of their amplitudes and the cosine of their phases' difference, in units of both norms.

    Parameters
    ----------
    first, second : Float[np.ndarray, "_ x"]
        Input maps, a column per residue; or activations, a column per example.

    Returns
    -------
    Float[np.ndarray, "m r"]
        Pearson's correlation, in [-1, 1]; 0 for a row that does not vary.

    Raises
    ------
    ValueError
        If the numbers of columns differ.

    References
    ----------
    .. [1] Li et al., arXiv:1511.07543 (correlation of units; of their activations).

    Examples
    --------
    >>> angle = 2 * np.pi * np.arange(7) / 7
    >>> waves = np.stack([np.cos(angle), np.cos(angle + np.pi / 3), np.cos(2 * angle)])
    >>> print((wave_similarity(waves[:1], waves) + 0.0).round(6))
    [[1.  0.5 0. ]]
    """
    _check_columns(first, second)
    return _unit_rows(_centred(first)) @ _unit_rows(_centred(second)).T


def spectrum_similarity(
    first: Float[np.ndarray, "m _"], second: Float[np.ndarray, "r _"]
) -> Float[np.ndarray, "m r"]:
    """Cosine of the neurons' amplitude spectra, whatever their phases.

    Parameters
    ----------
    first, second : Float[np.ndarray, "_ p"]
        Input maps, a column per residue.

    Returns
    -------
    Float[np.ndarray, "m r"]
        In [0, 1]: 1 for neurons of the same frequencies, 0 for neurons without a common one, or dead ones.

    Raises
    ------
    ValueError
        If the numbers of residues differ, are even or below 3, or a map is not finite.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849 (frequency of a neuron); the similarity is ours.

    Examples
    --------
    >>> angle = 2 * np.pi * np.arange(7) / 7
    >>> waves = np.stack([np.cos(angle), np.cos(angle + 1), np.cos(2 * angle)])
    >>> print((spectrum_similarity(waves[:1], waves) + 0.0).round(6))
    [[1. 1. 0.]]
    """
    _check_columns(first, second)
    a, b = (np.abs(complex_amplitude(W)[0]) for W in (first, second))  # (m, K), (r, K)
    return _unit_rows(a) @ _unit_rows(b).T


def _check_columns(first: Float[np.ndarray, "m _"], second: Float[np.ndarray, "r _"]) -> None:
    if first.shape[1:] != second.shape[1:]:
        raise ValueError(
            f"first, second: expected equal columns, got shapes {first.shape} and {second.shape}"
        )


def _centred(rows: Float[np.ndarray, "m x"]) -> Float[np.ndarray, "m x"]:
    """Rows less their mean; 0 where a row is constant but for rounding."""
    x = np.asarray(rows, dtype=np.float64)
    varies = np.ptp(x, axis=1) > RELATIVE_ROUNDING * np.abs(x).max(axis=1, initial=0)
    return np.where(varies[:, None], x - x.mean(axis=1, keepdims=True), 0.0)


def _unit_rows(rows: Float[np.ndarray, "m x"]) -> Float[np.ndarray, "m x"]:
    """Rows of norm 1; a row of zeros stays."""
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(norm > 0, norm, 1)
