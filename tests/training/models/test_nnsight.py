"""Hooked modules under nnsight, where it is installed."""

import numpy as np
import pytest
import torch

from training.models.embed_mlp.architecture import EmbedMLP
from training.models.hooked.pruned_weights import keep_pruned_zero
from training.models.one_hot_mlp.architecture import OneHotMLP
from training.models.transformer.architecture import Transformer

nnsight = pytest.importorskip("nnsight", reason="nnsight is not installed")
P = 7
PAIRS = torch.cartesian_prod(torch.arange(P), torch.arange(P))
NEURONS = "blocks.0.mlp.hook_post"
MODELS = [EmbedMLP(d_emb=8, d_mlp=6), OneHotMLP(d_mlp=6, activation="square")]
MODELS.append(Transformer(d_model=6, d_head=5, d_mlp=9))


def silence(neurons, hook=None):
    """Return activations without the first three neurons."""
    changed = neurons.clone()
    changed[..., :3] = 0
    return changed


@pytest.fixture(params=MODELS, ids=lambda model: model.name)
def network(request):
    rng = np.random.default_rng(1)
    shapes = request.param.shapes(P, P).items()
    return request.param.hooked_network(
        {n: torch.from_numpy(rng.normal(scale=0.7, size=s)) for n, s in shapes}
    )


def test_activations_and_outputs_are_those_of_the_cache(network):
    logits, cache = network.run_with_cache(PAIRS)
    model = nnsight.NNsight(network)
    with model.trace(PAIRS):
        neurons = model.blocks[0].mlp.hook_post.output.save()
        out = model.output.save()
    assert torch.equal(neurons, cache[NEURONS]) and torch.equal(out, logits)


def test_edits_are_those_of_hooks(network):
    model, before = nnsight.NNsight(network), network(PAIRS)
    with model.trace(PAIRS):
        model.blocks[0].mlp.hook_post.output[..., :3] = 0
        out = model.output.save()
    assert torch.equal(out, network.run_with_hooks(PAIRS, fwd_hooks=[(NEURONS, silence)]))
    assert (out - before).abs().max() > 1e-3
    assert torch.equal(network(PAIRS), before)  # nothing stays


def test_gradients_of_activations_are_torchs(network):
    model = nnsight.NNsight(network)
    with model.trace(PAIRS):
        neurons = model.blocks[0].mlp.hook_post.output
        with model.output.square().sum().backward():
            gradient = neurons.grad.save()
    kept = []

    def keep(value, hook):
        value.retain_grad()
        kept.append(value)

    network.run_with_hooks(PAIRS, fwd_hooks=[(NEURONS, keep)]).square().sum().backward()
    torch.testing.assert_close(gradient, kept[0].grad)


def test_a_weight_is_edited_and_pruned_ones_stay_zero():
    model = MODELS[0]
    weights = {n: torch.randn(s, dtype=torch.double) for n, s in model.shapes(P, P).items()}
    network = model.hooked_network(weights)
    keep_pruned_zero(network, {"W_E": weights["W_E"] > 0})
    traced, kept = nnsight.NNsight(network), weights["W_E"].clamp(min=0)
    with traced.trace(PAIRS):
        W_E = traced.hook_W_E.output.save()
        traced.hook_W_E.output = 2 * traced.hook_W_E.output
        out = traced.output.save()
    torch.testing.assert_close(W_E, kept)
    torch.testing.assert_close(out, model.hooked_network(weights | {"W_E": 2 * kept})(PAIRS))
