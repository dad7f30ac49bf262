"""Activations of all pairs against TransformerLens and finite differences."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from interp.mechanism.effective_weights import effective_maps
from training.models.base import Model
from training.models.embed_mlp.architecture import EmbedMLP
from training.models.mlp.architecture import MLP
from training.models.one_hot_mlp.architecture import OneHotMLP
from training.models.transformer.architecture import Transformer
from training.models.transformer.hooked_transformer import hooked_transformer
from training.runs.atomic_files import RunError

P = 7
WIDTHS = {"d_model": 12, "d_mlp": 9, "d_head": 5}
VARIANTS = {
    "minegishi": Transformer(**WIDTHS),
    "nanda": Transformer(**WIDTHS, n_heads=3, equals=True, positions=True, biases=True),
    "equals_alone": Transformer(**WIDTHS, n_heads=2, equals=True),
    "positions_alone": Transformer(**WIDTHS, n_heads=2, positions=True, biases=True),
    "published": Transformer(
        **WIDTHS, n_heads=3, equals=True, positions=True, biases=("b_in", "b_out"), equals_logit=True
    ),
    "pizza": Transformer(**WIDTHS, n_heads=2, positions=True, attention_rate=0.0),
}
ALL_VARIANTS = pytest.mark.parametrize("model", VARIANTS.values(), ids=VARIANTS)


def weights_of(model, scale=0.5):
    rng = np.random.default_rng(0)
    shapes = model.shapes(P, P)
    return {name: (scale * rng.normal(size=shape)).astype(np.float32) for name, shape in shapes.items()}


@ALL_VARIANTS
def test_logits_neurons_and_attention_equal_hooked_transformers(model):
    weights = weights_of(model)
    network = hooked_transformer(model, P, {n: torch.from_numpy(w).double() for n, w in weights.items()})
    a, b = np.divmod(np.arange(P**2), P)
    tokens = np.stack([a, b, *[np.full(P**2, P)] * model.equals], axis=1)
    logits, cache = network.run_with_cache(torch.from_numpy(tokens))
    activations = model.pair_activations(weights)
    for computed, expected in (
        (activations.logits, logits[:, -1, :P]),
        (activations.hidden, cache["blocks.0.mlp.hook_post"][:, -1]),
        (activations.attention, cache["blocks.0.attn.hook_pattern"][:, :, -1, 0]),
    ):
        assert computed.dtype == np.float64
        np.testing.assert_allclose(computed.reshape(P**2, -1), expected.detach(), atol=1e-12)


@pytest.mark.parametrize("model", [EmbedMLP(d_emb=8, d_mlp=6), OneHotMLP(d_mlp=6, activation="cube")])
def test_models_that_sum_their_inputs_equal_the_network_as_written(model):
    weights = weights_of(model)
    tensors = {name: torch.from_numpy(w).double() for name, w in weights.items()}
    pairs = torch.cartesian_prod(torch.arange(P), torch.arange(P))
    activations = model.pair_activations(weights)
    written = model.implementation().as_written(tensors)(pairs).detach()
    np.testing.assert_allclose(activations.logits.reshape(-1, P), written, atol=1e-12)
    assert activations.hidden.shape == (P, P, 6)
    assert activations.attention.shape == (P, P, 0)
    assert model.embedding_gradients(weights, np.zeros((3, 3), dtype=np.int64)) is None


@ALL_VARIANTS
def test_gradients_equal_finite_differences_of_one_token(model):
    weights = {name: w.astype(np.float64) for name, w in weights_of(model).items()}
    triples = np.array([[0, 3, 2], [5, 1, 6], [4, 2, 4]])
    by_a, by_b = model.embedding_gradients(weights, triples)
    for row, (a, b, c) in enumerate(triples):
        for token, gradient in ((a, by_a[row]), (b, by_b[row])):
            for i in range(0, model.d_model, 5):
                shifted = []
                for step in (1e-6, -1e-6):
                    moved = {name: w.copy() for name, w in weights.items()}
                    moved["embed.W_E"][token, i] += step
                    shifted.append(model.pair_activations(moved).logits[a, b, c])
                assert (shifted[0] - shifted[1]) / 2e-6 == pytest.approx(gradient[i], abs=1e-6)


@ALL_VARIANTS
def test_the_input_map_is_the_effect_under_uniform_attention(model):
    weights = weights_of(model, scale=0.1)
    weights["blocks.0.attn.W_Q"][:] = 0
    if model.biases is True:
        weights["blocks.0.attn.b_Q"][:] = 0
    maps = effective_maps("transformer", weights)
    shift = 1 + np.abs(model.pair_activations(weights).hidden).max()
    model_with = Transformer(**{**vars(model), "biases": True})
    lifted = {name: np.zeros(shape) for name, shape in model_with.shapes(P, P).items()} | weights
    lifted["blocks.0.mlp.b_in"] = lifted["blocks.0.mlp.b_in"] + 10 * shift  # no ReLU is off
    hidden = model_with.pair_activations(lifted).hidden
    n_tokens = 2 + model.equals
    for other in range(1, P):
        attention = model.attention_rate / n_tokens + 1 - model.attention_rate
        handed_on = (maps["input"][:, other] - maps["input"][:, 0]) * attention
        np.testing.assert_allclose(hidden[other, 3] - hidden[0, 3], handed_on, atol=1e-9)
        direct = maps["direct"][:, other] - maps["direct"][:, 0] if "direct" in maps else 0
        np.testing.assert_allclose(hidden[3, other] - hidden[3, 0], handed_on + direct, atol=1e-9)


def test_other_models_are_refused_in_one_line():
    with pytest.raises(
        RunError,
        match=r"^model\.name: expected one that reads pairs .*embed_mlp, embedded_mlp.*\), got mlp",
    ):
        MLP().pair_activations({})


def test_a_model_without_maps_says_what_to_define():
    @dataclass(frozen=True, kw_only=True)
    class Bare(Model):
        reads = "tokens"
        name: str = "bare"

        def shapes(self, n_inputs, n_outputs):
            return {"W": (n_inputs, n_outputs)}

        def implementation(self):
            raise AssertionError

    for method in ("neuron_maps", "residue_weights", "pair_activations"):
        needed = "pair_activations" if method == "pair_activations" else "neuron_maps"
        with pytest.raises(RunError, match=f"model bare: expected .*; define {needed} in its class"):
            getattr(Bare(), method)({})
