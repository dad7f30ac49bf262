from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest
import torch

from interp.masks.topk import keep_count
from training.models.implementation import chain_flow
from training.models.transformer.architecture import Transformer
from training.models.transformer.network import flow as transformer_flow
from training.models.transformer.weight_names import W_E, W_IN, W_K, W_O, W_OUT, W_POS, W_Q, W_U, W_V
from training.pruning.method import CannotPrune, Subject
from training.pruning.registry import METHODS
from training.pruning.synflow import synaptic_flow, synflow, synflow_one_shot

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
