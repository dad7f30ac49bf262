"""The recipe `n_mainline` against the published class and its training, in float64."""

import math
import random

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import log_softmax

from training.config.recipe_files import read_recipe
from training.models.weight_names import is_prunable
from training.optimization.engine import Engine

P, D, HEADS, WIDTH, NEURONS = 11, 12, 3, 4, 20
SIZES = {"d_model": D, "n_heads": HEADS, "d_head": WIDTH, "d_mlp": NEURONS}
FIRST_CODE = {"embed.W_E": "W_E", "pos_embed.W_pos": "W_pos", "unembed.W_U": "W_U"}
FIRST_CODE |= {f"blocks.0.attn.W_{kind}": f"W_{kind}" for kind in "QKVO"}
FIRST_CODE |= {f"blocks.0.mlp.{name}": name for name in ("W_in", "b_in", "W_out", "b_out")}


class Published(nn.Module):
    """Nanda et al.'s first class: matrices (out, in), p + 1 logits."""

    def __init__(self, weights):
        super().__init__()
        turned = {"W_O": weights["W_O"].flatten(0, 1)} | {
            name: weights[name] for name in ("W_E", "W_Q", "W_K", "W_V", "W_in", "W_out")
        }
        stored = weights | {name: w.mT.clone() for name, w in turned.items()}
        self.w = nn.ParameterDict({name: nn.Parameter(w.clone()) for name, w in stored.items()})

    def forward(self, tokens):
        w = self.w
        x = w["W_E"][:, tokens].permute(1, 2, 0) + w["W_pos"]
        q, k, v = (torch.einsum("ihd,bpd->biph", w[name], x) for name in ("W_Q", "W_K", "W_V"))
        is_seen = torch.tril(torch.ones(3, 3, dtype=x.dtype))
        scores = torch.tril(torch.einsum("biqh,biph->biqp", q, k)) - 1e10 * (1 - is_seen)
        pattern = torch.softmax(scores / math.sqrt(q.shape[-1]), dim=-1)
        z = torch.einsum("biph,biqp->bqih", v, pattern).flatten(2)
        x = x + z @ w["W_O"].mT
        hidden = torch.relu(x @ w["W_in"].mT + w["b_in"])
        return (x + hidden @ w["W_out"].mT + w["b_out"]) @ w["W_U"]

    def weights(self):
        """Return the weights as the project stores them."""
        turned = {name: w.mT for name, w in self.w.items() if w.ndim > 1 and name not in ("W_pos", "W_U")}
        turned["W_O"] = self.w["W_O"].mT.unflatten(0, (HEADS, WIDTH))
        return {name: turned.get(name, w).detach() for name, w in self.w.items()}


def published_training(weights, n_steps):
    """Return the weights and the losses of the published loop."""
    pairs = [(a, b, P) for a in range(P) for b in range(P)]
    random.seed(0)
    random.shuffle(pairs)
    train = torch.tensor(pairs[: int(0.3 * P**2)])
    labels = (train[:, 0] + train[:, 1]) % P
    model = Published(weights)
    adamw = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1.0, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(adamw, lambda step: min(step / 10, 1))
    losses = []
    for _ in range(n_steps):
        logprobs = log_softmax(model(train)[:, -1].to(torch.float64), dim=-1)
        loss = -logprobs.gather(1, labels[:, None]).mean()
        losses.append(loss.item())
        loss.backward()
        adamw.step()
        schedule.step()
        adamw.zero_grad()
    return model.weights(), losses


@pytest.fixture(scope="module")
def setting():
    """Return the recipe's setting, in few units, on few residues."""
    small = [f"task.p={P}", *(f"model.{name}={size}" for name, size in SIZES.items())]
    return read_recipe("n_mainline", small)[0].setting("dense")


@pytest.mark.parametrize("n_steps", [1, 40])
def test_the_mainline_trains_as_the_published_loop(setting, n_steps):
    """The first step changes no weight: its learning rate is 0."""
    start = {name: w.double() for name, w in setting.initial_weights(0).items()}
    assert [name for name in start if not is_prunable(name)] == ["blocks.0.mlp.b_in", "blocks.0.mlp.b_out"]
    engine = Engine(setting.model, setting.optimizer, setting.examples(), [start], [None])
    losses = []
    for _ in range(n_steps):
        losses.append(engine.evaluate()[0, 0])
        engine.run(1)
    expected, published_losses = published_training({FIRST_CODE[n]: w for n, w in start.items()}, n_steps)
    np.testing.assert_allclose(losses, published_losses, rtol=1e-10)
    for name, w in start.items():
        actual = engine.weights[name][0]
        torch.testing.assert_close(actual, expected[FIRST_CODE[name]], rtol=0, atol=1e-10)
        assert torch.equal(actual, w) == (n_steps == 1)
    assert (
        engine.loss.train_labels_rn1.max() < P and len(engine.network.outputs(engine.weights)[0, 0]) == P + 1
    )


def test_the_mainline_starts_as_the_published_class():
    setting = read_recipe("n_mainline")[0].setting("dense")
    deviation = {name: 1 / math.sqrt(114 if name == "unembed.W_U" else 128) for name in FIRST_CODE}
    for name, w in setting.initial_weights(0).items():
        if is_prunable(name):
            assert w.std().item() == pytest.approx(deviation[name], rel=5 / math.sqrt(2 * w.numel()))
        else:
            assert not w.any()
    assert setting.shapes()["unembed.W_U"] == (128, 114)
