"""Logits as a vote of the neurons: accuracy of subsets of neurons.

    p  classes, odd and at least 3      m  neurons     K  frequencies     o  orders     n  sizes of the vote
    examples  axes of `labels`: all ordered pairs (p, p), or a list such as the test pairs

A neuron's vote is its activation times its row of the output map, one logit per class. The votes of all
neurons add up to the network's logits. A *vote curve* is the accuracy, margin and loss of the votes so far
as neurons are added; the output's bias, if there is one, is there before the first vote. No function holds
the votes of more than one group in memory.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from einops import rearrange
from jaxtyping import Float, Int

from interp.mechanism.logit_fit import cross_entropy, logit_margin
from interp.spectra.fourier import checked_map
from interp.spectra.weight_spectrum import checked_frequency

__all__ = ["GroupVotes", "VoteCurve", "group_votes", "grouped_vote_curve", "vote_curve"]

N_SIZES = 32
"""Default number of sizes of a vote curve."""


@dataclass(frozen=True, kw_only=True)
class VoteCurve:
    """Accuracy, margin and loss per order (row) and size (column)."""

    sizes: Int[np.ndarray, " n"]
    """Number of voting neurons, of voting frequencies, or of voting neurons per frequency; ascending."""
    accuracy: Float[np.ndarray, "o n"]
    """Share of examples whose true class has the largest logit; a tie counts as wrong."""
    margin: Float[np.ndarray, "o n"]
    """Mean over examples of the true logit less the largest other logit."""
    loss: Float[np.ndarray, "o n"]
    """Mean cross-entropy in nats."""


@dataclass(frozen=True, kw_only=True)
class GroupVotes:
    """Accuracy, margin and loss of the neurons of each frequency."""

    n_neurons: Int[np.ndarray, " K"]
    """Number of neurons of frequencies 1..K."""
    accuracy: Float[np.ndarray, " K"]
    """As in `VoteCurve`; NaN for a frequency without neurons."""
    margin: Float[np.ndarray, " K"]
    """As in `VoteCurve`; NaN for a frequency without neurons."""
    loss: Float[np.ndarray, " K"]
    """As in `VoteCurve`; NaN for a frequency without neurons."""


def vote_curve(
    activations: Float[np.ndarray, "*examples m"],
    output_map: Float[np.ndarray, "m p"],
    labels: Int[np.ndarray, "*examples"],
    rng: np.random.Generator,
    n_orders: int = 10,
    sizes: Int[np.ndarray, " n"] | None = None,
    bias: Float[np.ndarray, " p"] | None = None,
) -> VoteCurve:
    """Vote curve of neurons added in random orders.

    Parameters
    ----------
    activations : Float[np.ndarray, "*examples m"]
        Activation of every neuron, after its nonlinearity
        (`interp.mechanism.two_layer_forward.pair_activations`).
    output_map : Float[np.ndarray, "m p"]
        Entry (i, c) is what a unit activation of neuron i adds to class c.
    labels : Int[np.ndarray, "*examples"]
        True class of every example.
    rng : np.random.Generator
        Draws the orders.
    n_orders : int
        Number of orders, at least 1.
    sizes : Int[np.ndarray, " n"], optional
        Numbers of neurons at which to measure, ascending, in 1..m. By default at most 32 sizes from 1 to m,
        evenly spaced in their logarithm.
    bias : Float[np.ndarray, " p"], optional
        What the logits are without any neuron. By default 0.

    Returns
    -------
    VoteCurve
        Per order and size; the caller takes the mean over orders. At size m all orders agree.

    Raises
    ------
    ValueError
        If p is even or below 3, the shapes do not match, an array is not finite, a label is outside 0..p-1,
        `n_orders` is below 1, or `sizes` does not ascend or is outside 1..m.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, majority voting (there the argument; the curve is ours).

    Examples
    --------
    >>> activations = np.eye(3).repeat(2, axis=1)  # two neurons for each of three examples
    >>> output_map, labels = np.eye(3).repeat(2, axis=0), np.arange(3)
    >>> curve = vote_curve(activations, output_map, labels, np.random.default_rng(0), 2, np.array([1, 5, 6]))
    >>> print(curve.accuracy.round(2))
    [[0.33 1.   1.  ]
     [0.33 1.   1.  ]]
    """
    acts, writes, label = _checked_votes(activations, output_map, labels)
    n = _checked_sizes(sizes, len(writes), n_orders)
    positions = (np.argsort(rng.permutation(len(writes))) for _ in range(n_orders))
    return _curve(acts, writes, label, _checked_bias(bias, writes), positions, n)


def grouped_vote_curve(
    activations: Float[np.ndarray, "*examples m"],
    output_map: Float[np.ndarray, "m p"],
    labels: Int[np.ndarray, "*examples"],
    frequency: Int[np.ndarray, " m"],
    by: str,
    rng: np.random.Generator,
    n_orders: int = 10,
    sizes: Int[np.ndarray, " n"] | None = None,
    bias: Float[np.ndarray, " p"] | None = None,
) -> VoteCurve:
    """Vote curve of frequencies, or of neurons within frequencies.

    Either whole frequencies are added one after the other, or one neuron of every frequency at a time.

    Parameters
    ----------
    activations, output_map, labels
        As in `vote_curve`.
    frequency : Int[np.ndarray, " m"]
        Group of each neuron, 1..K, K = (p - 1) / 2. A neuron with 0 is in no group and never votes.
    by : "frequencies" or "neurons"
        "frequencies": all neurons of some frequencies vote. "neurons": some neurons (phases) of all
        frequencies vote; a frequency with fewer neurons than the size votes with all of its neurons.
    rng, n_orders
        As in `vote_curve`; orders of the frequencies or of the neurons.
    sizes : Int[np.ndarray, " n"], optional
        Numbers of frequencies, up to the number in use; or numbers of neurons per frequency, up to the size
        of the largest group. By default as in `vote_curve`.
    bias
        As in `vote_curve`.

    Returns
    -------
    VoteCurve
        Per order and size.

    Raises
    ------
    ValueError
        As `vote_curve`, or if a frequency is outside 0..K, there is not one per neuron, all are 0, or `by` is
        unknown.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, frequency diversification and phase symmetry (losses of subsets of
       the frequencies and phases of ideal neurons).

    Examples
    --------
    >>> from interp.mechanism.two_layer_forward import pair_activations
    >>> from interp.mechanism.flawed_indicator import ideal_neurons
    >>> input_map, output_map = ideal_neurons(np.full(3, 5))
    >>> acts, sums = pair_activations(input_map, "square"), np.add.outer(np.arange(7), np.arange(7)) % 7
    >>> k, rng = np.repeat([1, 2, 3], 5), np.random.default_rng(0)
    >>> print(grouped_vote_curve(acts, output_map, sums, k, "frequencies", rng).loss[0].round(3))
    [0.859 0.262 0.022]
    """
    acts, writes, label = _checked_votes(activations, output_map, labels)
    k = _checked_groups(frequency, writes)
    if by not in ("frequencies", "neurons"):
        raise ValueError(f"by: expected 'frequencies' or 'neurons', got {by!r}")
    groups, group, size = np.unique(k[k > 0], return_inverse=True, return_counts=True)
    if groups.size == 0:
        raise ValueError("frequency: expected a number above 0 for a neuron, got 0 for all")
    n = _checked_sizes(sizes, groups.size if by == "frequencies" else int(size.max()), n_orders)
    starts = size.cumsum() - size

    def draw_positions() -> Int[np.ndarray, " live"]:
        """Position of each live neuron in a random order."""
        if by == "frequencies":
            return rng.permutation(groups.size)[group]
        order = rng.permutation(group.size)
        order = order[np.argsort(group[order], kind="stable")]  # sorted by group, random within a group
        return np.argsort(order) - starts[group]

    live = k > 0
    orders = (draw_positions() for _ in range(n_orders))
    return _curve(acts[:, live], writes[live], label, _checked_bias(bias, writes), orders, n)


def group_votes(
    activations: Float[np.ndarray, "*examples m"],
    output_map: Float[np.ndarray, "m p"],
    labels: Int[np.ndarray, "*examples"],
    frequency: Int[np.ndarray, " m"],
    bias: Float[np.ndarray, " p"] | None = None,
) -> GroupVotes:
    """Accuracy, margin and loss of each frequency's neurons alone.

    Parameters
    ----------
    activations, output_map, labels
        As in `vote_curve`.
    frequency : Int[np.ndarray, " m"]
        Group of each neuron, 1..K, K = (p - 1) / 2; 0 for no group.
    bias
        As in `vote_curve`.

    Returns
    -------
    GroupVotes
        An entry per frequency.

    Raises
    ------
    ValueError
        As `vote_curve`, or if a frequency is outside 0..K or there is not one per neuron.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, frequency diversification (no single frequency is enough).

    Examples
    --------
    >>> from interp.mechanism.two_layer_forward import pair_activations
    >>> from interp.mechanism.flawed_indicator import ideal_neurons
    >>> input_map, output_map = ideal_neurons(np.array([3, 0, 5]))
    >>> sums = np.add.outer(np.arange(7), np.arange(7)) % 7
    >>> k = np.repeat([1, 3], [3, 5])
    >>> print(group_votes(pair_activations(input_map, "square"), output_map, sums, k).n_neurons)
    [3 0 5]
    """
    acts, writes, label = _checked_votes(activations, output_map, labels)
    k, K = _checked_groups(frequency, writes), writes.shape[1] // 2
    first = _checked_bias(bias, writes)
    accuracy, mean_margin, loss = np.full((3, K), np.nan)
    for group in np.unique(k[k > 0]):
        members, i = k == group, group - 1
        accuracy[i], mean_margin[i], loss[i] = _score(first + acts[:, members] @ writes[members], label)
    count = np.bincount(k, minlength=K + 1)[1:]
    return GroupVotes(n_neurons=count, accuracy=accuracy, margin=mean_margin, loss=loss)


def _curve(
    acts: Float[np.ndarray, "e m"],
    writes: Float[np.ndarray, "m p"],
    label: Int[np.ndarray, " e"],
    bias: Float[np.ndarray, " p"],
    orders: Iterable[Int[np.ndarray, " m"]],
    sizes: Int[np.ndarray, " n"],
) -> VoteCurve:
    """Vote curve from the neurons' positions in each order."""
    scores = []
    for position in orders:
        logits = np.tile(bias, (len(acts), 1))  # (examples, p)
        for before, size in pairwise([0, *sizes]):
            new = (position >= before) & (position < size)
            logits += acts[:, new] @ writes[new]
            scores.append(_score(logits, label))
    accuracy, mean_margin, loss = rearrange(np.array(scores), "(o n) score -> score o n", n=sizes.size)
    return VoteCurve(sizes=sizes, accuracy=accuracy, margin=mean_margin, loss=loss)


def _score(logits: Float[np.ndarray, "e p"], label: Int[np.ndarray, " e"]) -> tuple[float, float, float]:
    """Accuracy, mean margin and mean loss."""
    margins = logit_margin(logits, label)
    return float((margins > 0).mean()), float(margins.mean()), float(cross_entropy(logits, label).mean())


def _checked_sizes(sizes: Int[np.ndarray, " n"] | None, largest: int, n_orders: int) -> Int[np.ndarray, " n"]:
    """Sizes of the vote after checking them, or the default sizes."""
    if n_orders < 1:
        raise ValueError(f"n_orders: expected at least 1, got {n_orders}")
    if sizes is None:
        return np.unique(np.geomspace(1, largest, N_SIZES).round().astype(np.int64))
    n = np.asarray(sizes)
    if n.ndim != 1 or n.size == 0 or n[0] < 1 or n[-1] > largest or (np.diff(n) <= 0).any():
        raise ValueError(f"sizes: expected ascending numbers within 1..{largest}, got {n.tolist()}")
    return n


def _checked_bias(
    bias: Float[np.ndarray, " p"] | None, writes: Float[np.ndarray, "m p"]
) -> Float[np.ndarray, " p"]:
    """Logits without any neuron, after checking them."""
    p = writes.shape[1]
    logits = np.zeros(p) if bias is None else checked_map(bias, "bias")
    if logits.shape != (p,):
        raise ValueError(f"bias: expected shape ({p},), one number per class, got shape {logits.shape}")
    return logits


def _checked_groups(
    frequency: Int[np.ndarray, " m"], writes: Float[np.ndarray, "m p"]
) -> Int[np.ndarray, " m"]:
    """Frequencies of the neurons, after checking range and number."""
    m, p = writes.shape
    k = checked_frequency(frequency, p // 2)
    if k.shape != (m,):
        raise ValueError(f"frequency: expected shape ({m},), got shape {k.shape}")
    return k


def _checked_votes(
    activations: Float[np.ndarray, "*examples m"],
    output_map: Float[np.ndarray, "m p"],
    labels: Int[np.ndarray, "*examples"],
) -> tuple[Float[np.ndarray, "e m"], Float[np.ndarray, "m p"], Int[np.ndarray, " e"]]:
    """Arrays of a vote after checking them, examples on one axis."""
    acts, label = np.asarray(activations, dtype=np.float64), np.asarray(labels)
    writes = checked_map(output_map, "output_map")
    if writes.ndim != 2 or len(writes) == 0 or acts.shape != (*label.shape, len(writes)):
        raise ValueError(
            "activations: expected shape (*labels.shape, m) with output_map (m, p), m at least 1, got "
            f"{acts.shape}, {writes.shape} and labels of shape {label.shape}"
        )
    if not np.isfinite(acts).all():
        raise ValueError(
            f"activations: expected finite values, got {np.count_nonzero(~np.isfinite(acts))} that are not"
        )
    return rearrange(acts, "... m -> (...) m"), writes, label.ravel()
