from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest
import torch

from interp.masks.topk import keep_count
from training.models.implementation import chain_flow
from training.models.registry import MODELS
from training.models.transformer.architecture import Transformer
from training.models.transformer.network import flow as transformer_flow
from training.models.transformer.weight_names import W_E, W_IN, W_K, W_O, W_OUT, W_POS, W_Q, W_U, W_V
from training.pruning.method import CannotPrune, Subject
from training.pruning.registry import METHODS
from training.pruning.synflow import synaptic_flow, synflow, synflow_minegishi, synflow_one_shot

FLOWLESS = {W_Q, W_K}


def flowing(weights):
    return {name: w for name, w in weights.items() if name not in FLOWLESS}


def slow_R(weights):
    """Return R as a product of matrices.

    A transformer without positions has four ways past its two blocks.
    """
    if W_U not in weights:
        return torch.linalg.multi_dot(list(weights.values())).sum()
    E, unembed = weights[W_E], weights[W_U]
    attention, mlp = (weights[W_V], weights[W_O]), (weights[W_IN], weights[W_OUT])
    return (
        torch.einsum("vd,dp->", E, unembed)
        + torch.einsum("vd,dm,me,ep->", E, *mlp, unembed)
        + torch.einsum("vd,hdk,hke,ep->", E, *attention, unembed)
        + torch.einsum("vd,hdk,hke,em,mf,fp->", E, *attention, *mlp, unembed)
    )


def slow_flow(weights):
    """Return R, and |θ| ⊙ ∂R/∂|θ|, by autograd."""
    sizes = {
        name: torch.tensor(abs(w), dtype=torch.double, requires_grad=True)
        for name, w in flowing(weights).items()
    }
    R = slow_R(sizes)
    gradients = torch.autograd.grad(R, list(sizes.values()))
    pairs = zip(sizes.items(), gradients, strict=True)
    return float(R.detach()), {name: (w * g).detach().numpy() for (name, w), g in pairs}


def slow_synflow(subject, rounds, slow_keep):
    """Return the mask of SynFlow by autograd and sorting.

    Rounds are as in the paper; quotas are applied in the last one.
    """
    density, scope = subject.density, subject.scope
    mask = {name: np.ones(w.shape, bool) for name, w in flowing(subject.initial).items()}
    for i in range(1, rounds + 1):
        R, scores = slow_flow({name: subject.initial[name] * is_kept for name, is_kept in mask.items()})
        tied = {name: np.vectorize(lambda v: float(f"{v:.11e}"))(score / R) for name, score in scores.items()}
        scores = {name: np.where(mask[name], score, -np.inf) for name, score in tied.items()}
        if i < rounds:
            mask = slow_keep(scores, density ** (i / rounds), scope)
    sizes = {name: abs(w) for name, w in subject.initial.items() if name in FLOWLESS}
    for name, is_kept in slow_keep(sizes, density, "layer").items():
        scores[name] = np.where(is_kept, np.inf, -np.inf)
    return slow_keep({name: scores[name] for name in subject.initial}, density, scope)


def test_shares_equal_autograd_over_R(subject, model):
    s = subject(model)
    R, scores = slow_flow(s.initial)
    shares = synaptic_flow(s.flow, s.initial)
    assert shares.keys() == scores.keys()
    for name, share in shares.items():
        np.testing.assert_allclose(share, scores[name] / R, rtol=2e-12)
        if model != "transformer":
            assert share.sum() == pytest.approx(1)


@pytest.fixture
def tiny_transformer():
    """Return weights with positions and `=`, few enough to walk all paths."""
    model = Transformer(d_model=2, n_heads=2, d_head=2, d_mlp=3, equals=True, positions=True)
    rng = np.random.default_rng(0)
    return {name: rng.standard_normal(shape) for name, shape in model.shapes(3, 3).items()}


def paths(weights):
    """Yield the weights and the attention of every path to a logit.

    A path starts at a token or at a position.
    """
    n_tokens, n_positions = len(weights[W_E]), len(weights[W_POS])
    n_heads, d_model, d_head = weights[W_V].shape
    d_mlp, p = weights[W_OUT].shape[0], weights[W_U].shape[1]
    for t, d in product(range(n_positions), range(d_model)):
        enters = [(W_E, (v, d)) for v in range(n_tokens)] + [(W_POS, (t, d))]
        to_stream = [([], d, 1.0)] if t == n_positions - 1 else []  # (weights, where in the stream, share)
        for h, k, e in product(range(n_heads), range(d_head), range(d_model)):
            to_stream.append(([(W_V, (h, d, k)), (W_O, (h, k, e))], e, 1 / n_positions))
        for enter, (attended, e, share) in product(enters, to_stream):
            past_mlp = [([], e)]
            for m, f in product(range(d_mlp), range(d_model)):
                past_mlp.append(([(W_IN, (e, m)), (W_OUT, (m, f))], f))
            for (computed, f), c in product(past_mlp, range(p)):
                yield [enter, *attended, *computed, (W_U, (f, c))], share


def test_a_transformers_flow_is_the_sum_over_all_paths(tiny_transformer):
    R, scores = 0.0, {name: np.zeros(w.shape) for name, w in tiny_transformer.items()}
    for places, path_flow in paths(tiny_transformer):
        for name, place in places:
            path_flow *= abs(tiny_transformer[name][place])
        R += path_flow
        for name, place in places:
            scores[name][place] += path_flow
    sizes = {name: torch.tensor(abs(w)) for name, w in tiny_transformer.items()}
    assert float(transformer_flow(sizes)) == pytest.approx(R, rel=1e-13)
    shares = synaptic_flow(transformer_flow, tiny_transformer)
    assert tiny_transformer.keys() - shares.keys() == FLOWLESS
    assert not any(scores[name].any() for name in FLOWLESS)
    for name, share in shares.items():
        np.testing.assert_allclose(share, scores[name] / R, rtol=2e-12)


def test_flow_is_conserved_through_each_unit_and_at_both_ends(tiny_transformer):
    """All paths take W_U, and W_E or W_pos; some bypass a block."""
    shares = synaptic_flow(transformer_flow, tiny_transformer)
    total = {name: share.sum() for name, share in shares.items()}
    assert total[W_U] == pytest.approx(1)
    assert total[W_E] + total[W_POS] == pytest.approx(1)
    assert 0 < total[W_V] < 1 and 0 < total[W_IN] < 1
    np.testing.assert_allclose(shares[W_V].sum(1), shares[W_O].sum(2))  # every channel of every head
    np.testing.assert_allclose(shares[W_IN].sum(0), shares[W_OUT].sum(1))  # every neuron


@pytest.mark.parametrize("rounds", [1, 100])
@pytest.mark.parametrize("density", [0.1, 0.37, 0.6])
def test_queries_and_keys_keep_their_largest_at_the_networks_density(
    subject, scope, slow_keep, rounds, density
):
    s = subject("transformer", density, scope=scope)
    mask = synflow(s, rounds)
    for name in FLOWLESS:
        largest = slow_keep({name: abs(s.initial[name])}, density, "layer")[name]
        assert (mask[name] == largest).all() and largest.sum() == keep_count(24, density)
    total = sum(w.size for w in s.initial.values())
    if scope == "global":
        assert sum(int(is_kept.sum()) for is_kept in mask.values()) == keep_count(total, density)
    other = {name: w if name not in FLOWLESS else 1 / w for name, w in s.initial.items()}
    again = synflow(replace(s, initial=other), rounds)
    assert all((again[name] == mask[name]).all() != (name in FLOWLESS) for name in mask)


@pytest.mark.parametrize("rounds", [1, 2, 10])
def test_masks_equal_the_slow_version(subject, model, scope, same, slow_keep, rounds):
    for density in (0.3, 0.5):
        s = subject(model, density, scope=scope)
        assert same(synflow(s, rounds), slow_synflow(s, rounds, slow_keep))


def test_the_registered_methods_have_a_hundred_rounds_and_one(subject, model, same):
    s = subject(model)
    assert same(METHODS["synflow"].prune(s), synflow(s, 100))
    assert same(METHODS["synflow_one_shot"].prune(s), synflow(s, 1))
    assert not same(synflow(s, 100), synflow_one_shot(s))


def test_rounds_are_nested_and_exact(subject, model, monkeypatch):
    s, masks, keep = subject(model, 0.3), [], Subject.keep
    monkeypatch.setattr(Subject, "keep", lambda self, scores: masks.append(keep(self, scores)) or masks[-1])
    last = METHODS["synflow"].prune(s)
    *rounds, quotas, final = masks
    assert quotas.keys() == last.keys() - flowing(s.initial).keys() and final is last
    sizes = {name: w.size for name, w in s.initial.items()}
    counts = [sum(int(is_kept.sum()) for is_kept in mask.values()) for mask in rounds]
    assert counts == [keep_count(sum(flowing(sizes).values()), 0.3 ** (i / 100)) for i in range(1, 100)]
    assert sum(int(is_kept.sum()) for is_kept in last.values()) == keep_count(sum(sizes.values()), 0.3)
    for before, after in pairwise([*rounds, last]):
        assert all((after[name] <= before[name]).all() for name in before)


def test_masks_ignore_signs_data_generator_and_a_factor_per_matrix(subject, model, same):
    """Factors of a pair of matrices cancel if a residual stream bypasses both."""
    s = subject(model)
    mask, rng = METHODS["synflow"].prune(s), np.random.default_rng(9)
    signed = {name: w * rng.choice([-1, 1], w.shape) for name, w in s.initial.items()}
    powers = {name: int(rng.integers(-400, 400)) for name in s.initial}
    if model == "transformer":
        powers |= {W_O: -powers[W_V], W_OUT: -powers[W_IN], W_U: 3}
    scaled = {name: w * 2.0 ** powers[name] for name, w in s.initial.items()}

    def refuse(*_):
        raise AssertionError("SynFlow looked at data")

    for other in (signed, scaled):
        blind = replace(s, initial=other, final=None, outputs=refuse, loss=refuse)
        assert same(mask, METHODS["synflow"].prune(replace(blind, generator=np.random.default_rng(7))))


def test_deep_products_neither_overflow_nor_underflow():
    rng = np.random.default_rng(0)
    plain = {f"W_{i}": rng.standard_normal((6, 6)) for i in range(120)}
    expected = slow_flow(plain)  # 1e85 or so: autograd can still do it
    for factor in (2.0**-300, 2.0**300):
        flow = synaptic_flow(chain_flow, {name: factor * w for name, w in plain.items()})
        for name, share in flow.items():
            np.testing.assert_allclose(share, expected[1][name] / expected[0], rtol=1e-10)


@pytest.fixture
def wide_and_narrow(subject):
    """Return a subject with nearly all weights in the first matrix.

    Each of these weights has a small share of the flow.
    """
    rng = np.random.default_rng(0)
    shapes = {"W_0": (60, 60), "W_1": (60, 2), "W_2": (2, 2)}
    initial = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    return subject(density=0.02, initial=initial, final=None)


def test_iteration_keeps_weights_in_a_layer_that_one_shot_empties(wide_and_narrow):
    with pytest.raises(CannotPrune, match=r"W_0 would be left without a weight; raise pruning.min_per_layer"):
        synflow_one_shot(wide_and_narrow)
    mask = synflow(wide_and_narrow)
    assert np.linalg.multi_dot([is_kept.astype(float) for is_kept in mask.values()]).any()  # a path is left


def test_the_minimum_per_layer_rescues_one_shot(wide_and_narrow):
    mask = synflow_one_shot(replace(wide_and_narrow, min_per_layer=3))
    assert mask["W_0"].sum() == 3
    assert sum(int(is_kept.sum()) for is_kept in mask.values()) == keep_count(3724, 0.02)


def test_weights_in_series_have_exactly_equal_flow(subject):
    """Each of three chains has one unit per layer and equal flow throughout."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        diagonals = {f"W_{i}": np.diag(rng.uniform(0.1, 9, 3)) for i in range(4)}
        flow = np.array([np.diag(share) for share in synaptic_flow(chain_flow, diagonals).values()])
        assert (flow == flow[0]).all()


def test_bad_weights_are_refused(subject):
    ones = np.ones((2, 2))
    with pytest.raises(CannotPrune, match="no path"):
        synaptic_flow(chain_flow, {"W_0": np.diag([1.0, 0.0]), "W_1": np.diag([0.0, 1.0])})
    with pytest.raises(CannotPrune, match="no path"):
        synaptic_flow(chain_flow, {"W_0": ones, "W_1": 0 * ones})
    with pytest.raises(CannotPrune, match="W_1 are not finite"):
        synaptic_flow(chain_flow, {"W_0": ones, "W_1": np.nan * ones})
    with pytest.raises(ValueError, match="rounds: expected 1 or more, got 0"):
        synflow(subject(), rounds=0)


PAIRS = np.random.default_rng(3).integers(0, 7, (25, 2)) ** 2 % 7  # tokens occur from no to many times


def published_outputs(w, inputs):
    """Return the outputs of Minegishi et al.'s network, pair by pair."""
    if "W_0" in w:
        for name in ("W_0", "W_1"):
            inputs = torch.relu(inputs @ w[name].T)
        return inputs @ w["W_2"].T
    if W_U not in w:
        embedded = [w["W_E"][:, a] + w["W_E"][:, b] for a, b in inputs.tolist()]
        return torch.stack([w["W_U"] @ w["W_out"] @ torch.relu(w["W_in"] @ e) for e in embedded])
    rows = []
    for a, b in inputs.tolist():
        x = torch.stack([w[W_E][:, token] for token in (a, b, 7)])
        mid = x[-1]
        for query, key, value, output in zip(w[W_Q], w[W_K], w[W_V], w[W_O], strict=True):
            scores = torch.stack([(query @ x[-1]) @ (key @ other) for other in x]) / len(query) ** 0.5
            mid = mid + output @ (value @ (torch.softmax(scores, 0) @ x))
        rows.append(w[W_U] @ (mid + w[W_OUT] @ torch.relu(w[W_IN] @ mid)))
    return torch.stack(rows)


def published_scores(weights, inputs):
    """Return |gradient · weight| of a batch's summed outputs, at absolute weights, (in, out)."""
    stored = {name: torch.tensor(abs(w)).mT.clone().requires_grad_() for name, w in weights.items()}
    published_outputs(stored, inputs).sum().backward()
    return {name: (w.grad * w).abs().mT.detach().numpy() for name, w in stored.items()}


@pytest.fixture
def batch_subject(subject, model):
    """Return a subject on a batch, and the batch."""
    features = np.random.default_rng(4).standard_normal((9, 4))
    inputs = torch.as_tensor(features if model == "mlp" else PAIRS)
    network_forward = MODELS[model]().implementation().forward
    return replace(subject(model), outputs=lambda weights: network_forward(weights, inputs)), inputs


def test_the_flow_of_the_training_batch_equals_the_published_scores(batch_subject, scores_of):
    s, inputs = batch_subject
    expected, actual = published_scores(s.initial, inputs), scores_of(synflow_minegishi, s)
    assert actual.keys() == expected.keys()
    ratio = (
        expected["W_0" if "W_0" in expected else next(iter(expected))].sum()
        / next(iter(actual.values())).sum()
    )
    for name, scores in actual.items():
        np.testing.assert_allclose(scores * ratio, expected[name], rtol=1e-10, atol=1e-13 * ratio)


def test_the_mask_of_the_training_batch_keeps_the_largest_published_scores(batch_subject, slow_keep, same):
    s, inputs = batch_subject
    scores = published_scores(s.initial, inputs)
    total = max(score.sum() for score in scores.values())
    tied = {name: np.vectorize(lambda v: float(f"{v:.11e}"))(score / total) for name, score in scores.items()}
    assert same(synflow_minegishi(s), slow_keep(tied, s.density, s.scope))


def test_tokens_weighted_by_their_counts_have_the_flow_of_the_batch(subject, scores_of, same):
    network_forward = MODELS["embed_mlp"]().implementation().forward
    s = replace(subject(), outputs=lambda weights: network_forward(weights, torch.as_tensor(PAIRS)))
    counts = torch.bincount(torch.as_tensor(PAIRS).flatten(), minlength=7)
    assert counts.min() == 0 and counts.max() > 10

    def counted_flow(sizes):
        return chain_flow(sizes | {"W_E": sizes["W_E"] * counts[:, None]})

    by_counts, by_batch = synaptic_flow(counted_flow, s.initial), scores_of(synflow_minegishi, s)
    for name, share in by_counts.items():
        np.testing.assert_allclose(by_batch[name], share, rtol=3e-12, atol=0)
    assert not same(synflow_minegishi(s), synflow_one_shot(s))
