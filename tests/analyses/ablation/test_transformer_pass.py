"""Pass over tokens, against the forward pass of the model."""

import numpy as np
import pytest
import torch

from analyses.ablation.transformer_pass import BLOCK_SIZE, TransformerPass
from interp.pairs.evaluation import all_pairs
from training.models.transformer.architecture import Transformer

SIZES = {"d_model": 8, "n_heads": 2, "d_head": 5, "d_mlp": 12}
MODELS = [
    Transformer(**SIZES),
    Transformer(**SIZES, attention_rate=0.3, biases=True),
    Transformer(**SIZES, equals=True),
    Transformer(**SIZES, equals=True, positions=True, biases=True, equals_logit=True, attention_rate=0.6),
    Transformer(**SIZES, equals=True, positions=True, biases=("b_in", "b_out")),
    Transformer(**SIZES, positions=True),
]
P = 37
PAIRS = all_pairs(P)


@pytest.fixture(params=MODELS, ids=str)
def model(request):
    return request.param


@pytest.fixture
def weights(model):
    rng = np.random.default_rng(2)
    return {name: rng.normal(scale=0.6, size=shape) for name, shape in model.shapes(P, P).items()}


def test_logits_and_neurons_are_those_of_the_forward_pass(model, weights):
    tensors = {name: torch.from_numpy(w) for name, w in weights.items()}
    expected = model.implementation().forward(tensors, torch.from_numpy(PAIRS))[:, :P].T.numpy()
    of_pairs = TransformerPass.of(weights, PAIRS, model.attention_rate)
    assert len(PAIRS) > BLOCK_SIZE
    np.testing.assert_allclose(of_pairs.logits(), expected, rtol=0, atol=1e-12)
    hidden = np.maximum(of_pairs.pre, 0)
    np.testing.assert_allclose(
        hidden, model.pair_activations(weights).hidden.reshape(P * P, -1).T, atol=1e-12
    )
    np.testing.assert_allclose(of_pairs.direct + of_pairs.writes.T @ hidden, expected, rtol=0, atol=1e-12)


def test_some_pairs_are_those_of_all(model, weights):
    chosen = np.random.default_rng(3).permutation(P * P)[:50]
    of_all = TransformerPass.of(weights, PAIRS, model.attention_rate)
    of_some = TransformerPass.of(weights, PAIRS[chosen], model.attention_rate)
    np.testing.assert_allclose(of_all.at(chosen).logits(), of_some.logits(), atol=1e-12)
    np.testing.assert_allclose(of_all.at(chosen).pre, of_all.pre[:, chosen], atol=1e-12)
