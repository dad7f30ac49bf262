"""Votes against the sum of every neuron's contribution."""

import numpy as np
import pytest
from builders import rng
from scipy.special import log_softmax

from interp.mechanism.flawed_indicator import ideal_neurons
from interp.mechanism.logit_fit import logit_margin
from interp.mechanism.majority_vote import group_votes, grouped_vote_curve, vote_curve
from interp.mechanism.two_layer_forward import pair_activations

P = 7
M = 12
SUMS = np.add.outer(np.arange(P), np.arange(P)) % P


def network(seed=0):
    """Activations over all pairs, and output map, of M neurons."""
    W_in, W_out = rng(seed).standard_normal((2, M, P))
    return pair_activations(W_in), W_out


def slow_score(votes, labels):
    """Accuracy and mean margin of votes (m, p, p, p)."""
    logits, right, margins = votes.sum(axis=0), 0, []
    for x, y in np.ndindex(P, P):
        others = np.delete(logits[x, y], labels[x, y])
        right += logits[x, y, labels[x, y]] > others.max()
        margins.append(logits[x, y, labels[x, y]] - others.max())
    return right / P**2, np.mean(margins)


def contributions(activations, output_map):
    return np.einsum("xym,mc->mxyc", activations, output_map)


# curve


def test_the_curve_equals_that_of_neurons_added_one_by_one():
    acts, W_out = network()
    curve = vote_curve(acts, W_out, SUMS, rng(3), 4, np.arange(1, M + 1))
    votes, draws = contributions(acts, W_out), rng(3)
    for o in range(4):
        order = draws.permutation(M)
        for i in range(M):
            slow = slow_score(votes[order[: i + 1]], SUMS)
            assert curve.accuracy[o, i] == pytest.approx(slow[0])
            assert curve.margin[o, i] == pytest.approx(slow[1])


def test_sizes_select_points_of_the_curve():
    acts, W_out = network()
    every_size = vote_curve(acts, W_out, SUMS, rng(3), 4, np.arange(1, M + 1))
    some = vote_curve(acts, W_out, SUMS, rng(3), 4, np.array([2, 5, 9]))
    np.testing.assert_array_equal(some.sizes, [2, 5, 9])
    np.testing.assert_allclose(some.margin, every_size.margin[:, [1, 4, 8]], atol=1e-12)
    default = vote_curve(acts, W_out, SUMS, rng(3), 4)
    assert default.sizes[0] == 1 and default.sizes[-1] == M
    np.testing.assert_allclose(default.margin[:, -1], default.margin[0, -1], rtol=1e-9)


def test_accuracy_grows_with_the_number_of_ideal_neurons():
    W_in, W_out = ideal_neurons(np.full(P // 2, 20))
    sizes = np.array([1, 4, 16, 60])
    curve = vote_curve(pair_activations(W_in, "square"), W_out, SUMS, rng(), 20, sizes)
    accuracy = curve.accuracy.mean(axis=0)
    assert (np.diff(accuracy) > 0).all() and accuracy[-1] == 1
    np.testing.assert_allclose(curve.margin[:, -1].min(), curve.margin[:, -1].max())


def test_examples_may_be_some_pairs_and_neurons_may_be_dead():
    acts, W_out = network()
    test = rng(1).random((P, P)) < 0.4
    some = vote_curve(acts[test], W_out, SUMS[test], rng(2), 2, np.array([M]))
    logits = contributions(acts, W_out).sum(axis=0)
    assert some.accuracy[0, 0] == pytest.approx((logits.argmax(axis=-1) == SUMS)[test].mean())
    silent = vote_curve(np.zeros_like(acts), W_out, SUMS, rng(), 1)
    assert (silent.accuracy == 0).all() and (silent.margin == 0).all()


def test_the_curve_depends_on_the_generator_only():
    acts, W_out = network()
    first, again, other = (vote_curve(acts, W_out, SUMS, rng(seed)).margin for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


# subsets


K_OF = np.array([1, 1, 1, 3, 3, 0, 0, 1, 3, 3, 3, 0])  # four, none and five neurons of K = 3 frequencies


def test_all_neurons_of_a_frequency_are_added_together():
    acts, W_out = network()
    curve = grouped_vote_curve(acts, W_out, SUMS, K_OF, "frequencies", rng(3), 8)
    votes = contributions(acts, W_out)
    alone = {slow_score(votes[k == K_OF], SUMS) for k in (1, 3)}
    both = slow_score(votes[K_OF > 0], SUMS)
    assert curve.sizes.tolist() == [1, 2]
    first = {tuple(row) for row in np.stack([curve.accuracy, curve.margin])[:, :, 0].T.round(9)}
    assert first == {tuple(np.round(score, 9)) for score in alone}
    np.testing.assert_allclose(curve.margin[:, 1], both[1])
    np.testing.assert_allclose(curve.accuracy[:, 1], both[0])


def test_each_frequency_has_the_given_number_of_voters_or_all_of_its_neurons():
    acts = np.full((3, M), 2.0 ** np.arange(M))  # neuron i adds 2^i to class 0: the margin names the voters
    W_out = np.zeros((M, P)) + np.eye(P)[0]
    sizes = np.arange(1, 6)
    curve = grouped_vote_curve(acts, W_out, np.zeros(3, dtype=int), K_OF, "neurons", rng(), 400, sizes)
    votes = curve.margin.astype(int)[..., None] >> np.arange(M) & 1  # (order, size, neuron)
    np.testing.assert_allclose(curve.margin, votes @ acts[0], rtol=1e-12)
    for k, n_neurons in ((0, 0), (1, 4), (3, 5)):
        n_voters = np.minimum(sizes, n_neurons)
        assert (votes[..., k == K_OF].sum(axis=-1) == n_voters).all()
        if n_neurons:  # every neuron of the group votes equally often
            share = np.broadcast_to(n_voters[:, None] / n_neurons, (5, n_neurons))
            np.testing.assert_allclose(votes[..., k == K_OF].mean(axis=0), share, atol=0.1)
    everyone = grouped_vote_curve(*network(), SUMS, K_OF, "neurons", rng(), 2)
    assert everyone.sizes[-1] == 5
    acts, W_out = network()
    live = contributions(acts, W_out)[K_OF > 0]
    np.testing.assert_allclose(everyone.margin[:, -1], slow_score(live, SUMS)[1])


def test_losses_of_a_curve_are_those_of_its_logits():
    acts, W_out = network()
    loss = vote_curve(acts, W_out, SUMS, rng(), 1, np.array([M])).loss.item()
    logits = contributions(acts, W_out).sum(axis=0)
    log_p = np.take_along_axis(log_softmax(logits, axis=-1), SUMS[..., None], axis=-1)
    assert loss == pytest.approx(-log_p.mean())
    groups = group_votes(acts, W_out, SUMS, np.ones(M, dtype=int))
    assert groups.loss[0] == pytest.approx(loss) and np.isnan(groups.loss[1:]).all()


# groups


def test_groups_vote_among_themselves():
    acts, W_out = network()
    k = np.array([1, 1, 1, 3, 3, 0, 0, 1, 3, 3, 3, 0])
    groups, votes = group_votes(acts, W_out, SUMS, k), contributions(acts, W_out)
    np.testing.assert_array_equal(groups.n_neurons, [4, 0, 5])
    for group in (1, 3):
        slow = slow_score(votes[k == group], SUMS)
        assert (groups.accuracy[group - 1], groups.margin[group - 1]) == pytest.approx(slow)
    assert np.isnan(groups.accuracy[1]) and np.isnan(groups.margin[1])


def test_one_ideal_frequency_has_a_smaller_margin_than_all():
    counts = np.full(P // 2, 5)
    W_in, W_out = ideal_neurons(counts)
    acts = pair_activations(W_in, "square")
    alone = group_votes(acts, W_out, SUMS, np.repeat(np.arange(1, P // 2 + 1), counts))
    together = vote_curve(acts, W_out, SUMS, rng(), 1, np.array([15])).margin[0, 0]
    np.testing.assert_allclose(alone.margin, alone.margin[0])  # p is prime: relabelled residues
    assert together > 3 * alone.margin[0]


# failure


@pytest.mark.usefixtures("unchecked")
def test_wrong_arguments_are_refused():
    acts, W_out = network()
    with pytest.raises(
        ValueError, match=r"activations: expected shape \(\*labels.shape, m\) .* \(7, 7, 11\)"
    ):
        vote_curve(acts[..., 1:], W_out, SUMS, rng())
    with pytest.raises(ValueError, match="m at least 1"):
        vote_curve(acts[..., :0], W_out[:0], SUMS, rng())
    with pytest.raises(ValueError, match=r"activations: expected finite values, got 588 that are not"):
        vote_curve(np.full_like(acts, np.nan), W_out, SUMS, rng())
    with pytest.raises(ValueError, match="output_map: expected p odd"):
        vote_curve(acts, W_out[:, 1:], SUMS, rng())
    with pytest.raises(ValueError, match=r"labels: expected whole numbers in 0\.\.6"):
        vote_curve(acts, W_out, SUMS + 1, rng())
    with pytest.raises(ValueError, match="n_orders: expected at least 1, got 0"):
        vote_curve(acts, W_out, SUMS, rng(), 0)
    for sizes in ([], [0, 2], [2, 2], [3, 13]):
        with pytest.raises(ValueError, match=r"sizes: expected ascending numbers within 1\.\.12, got"):
            vote_curve(acts, W_out, SUMS, rng(), 1, np.array(sizes, dtype=int))
    with pytest.raises(ValueError, match="by: expected 'frequencies' or 'neurons', got 'phases'"):
        grouped_vote_curve(acts, W_out, SUMS, K_OF, "phases", rng())
    with pytest.raises(ValueError, match="frequency: expected a number above 0 for a neuron, got 0 for all"):
        grouped_vote_curve(acts, W_out, SUMS, 0 * K_OF, "neurons", rng())
    with pytest.raises(ValueError, match=r"sizes: expected ascending numbers within 1\.\.2, got"):
        grouped_vote_curve(acts, W_out, SUMS, K_OF, "frequencies", rng(), 1, np.array([3]))
    with pytest.raises(ValueError, match=r"frequency: expected shape \(12,\), got shape \(11,\)"):
        group_votes(acts, W_out, SUMS, np.ones(11, dtype=int))
    with pytest.raises(ValueError, match=r"frequency: expected 1\.\.3, or 0 for none, got 4\.\.4"):
        group_votes(acts, W_out, SUMS, np.full(M, 4))


# bias


def test_all_neurons_with_the_bias_are_the_network():
    (acts, W_out), bias, k = network(), 3 * rng(5).standard_normal(P), np.repeat([1, 2, 3], M // 3)
    margins = logit_margin(acts @ W_out + bias, SUMS)
    curve = vote_curve(acts, W_out, SUMS, rng(3), 2, bias=bias)
    by_frequency = grouped_vote_curve(acts, W_out, SUMS, k, "frequencies", rng(3), 2, bias=bias)
    for votes in (curve, by_frequency):
        np.testing.assert_allclose(votes.margin[:, -1], margins.mean(), rtol=1e-12)
        assert (votes.accuracy[:, -1] == (margins > 0).mean()).all()
    alone = group_votes(acts, W_out, SUMS, k, bias=bias)
    one = logit_margin(acts[..., k == 2] @ W_out[k == 2] + bias, SUMS)
    assert alone.margin[1] == pytest.approx(one.mean(), rel=1e-12)
    assert vote_curve(acts, W_out, SUMS, rng(3), 2).margin[0, -1] != pytest.approx(margins.mean())


@pytest.mark.parametrize("bias", [np.zeros(P + 2), np.zeros((1, P))])
def test_a_bias_of_another_shape_is_refused(bias, unchecked):
    acts, W_out = network()
    with pytest.raises(ValueError, match=rf"bias: expected shape \({P},\), one number per class, got shape"):
        vote_curve(acts, W_out, SUMS, rng(3), bias=bias)
