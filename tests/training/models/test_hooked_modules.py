"""Every model as a module with hooks: its forward pass, its hooks, its pruned weights."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from transformer_lens import HookedRootModule, HookedTransformer
from transformer_lens.utilities import get_act_name

from training.models.base import Model
from training.models.embed_mlp.architecture import EmbedMLP
from training.models.hooked.pruned_weights import keep_pruned_zero
from training.models.implementation import Implementation
from training.models.mlp.architecture import MLP
from training.models.one_hot_mlp.architecture import EmbeddedMLP, OneHotMLP
from training.models.transformer.architecture import Transformer
from training.models.transformer.hooked_transformer import pair_logits
from training.schema.validation import ConfigError

P = 7
PAIRS = torch.cartesian_prod(torch.arange(P), torch.arange(P))
FEATURES = torch.randn(20, 9, dtype=torch.double, generator=torch.Generator().manual_seed(0))


@dataclass(frozen=True, kw_only=True)
class Gated(Model):
    """A plug-in's model, with a bias and a name in a module."""

    reads = "tokens"
    name: str = "gated"

    def shapes(self, n_inputs, n_outputs):
        return {"W_E": (n_inputs, 5), "gate.W_G": (5, 5), "b_in": (5,), "W_U": (5, n_outputs)}

    def implementation(self):
        def forward(weights, pairs):
            x = weights["W_E"][pairs]
            return torch.tanh(x[:, 0] @ weights["gate.W_G"] * x[:, 1] + weights["b_in"]) @ weights["W_U"]

        return Implementation(forward)


TRANSFORMERS = [
    Transformer(d_model=6, d_head=5, d_mlp=9),
    Transformer(d_model=6, n_heads=2, d_head=3, d_mlp=9, equals=True, positions=True, biases=True),
    Transformer(d_model=6, d_head=3, d_mlp=9, equals=True, positions=True, equals_logit=True),
    Transformer(d_model=6, d_head=5, d_mlp=9, attention_rate=0.3),
]
PAIR_MLPS = [
    EmbedMLP(d_emb=8, d_mlp=6),
    *(OneHotMLP(d_mlp=6, activation=name) for name in ("relu", "square", "abs", "cube")),
    *(EmbeddedMLP(d_mlp=6, d_emb=5, activation=name) for name in ("fourth", "exp", "softplus")),
]
MODELS = [*TRANSFORMERS, *PAIR_MLPS, MLP(widths=(8, 5)), Gated()]


def drawn(model, seed=1):
    """Return weights of a model in float64, biases drawn too."""
    rng = np.random.default_rng(seed)
    shapes = model.shapes(9, 4) if model.reads == "features" else model.shapes(P, P)
    return {name: torch.from_numpy(rng.normal(scale=0.7, size=shape)) for name, shape in shapes.items()}


def inputs_of(model):
    return FEATURES if model.reads == "features" else PAIRS


def outputs(network, inputs):
    if isinstance(network, HookedTransformer):
        return pair_logits(network, inputs)
    return network(inputs)


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_outputs_and_gradients_equal_the_plain_forward_pass(model):
    weights, inputs = drawn(model), inputs_of(model)
    leaves = {name: w.clone().requires_grad_() for name, w in weights.items()}
    expected = model.implementation().forward(leaves, inputs)
    network = model.hooked_network(weights)
    assert isinstance(network, HookedRootModule)
    got = outputs(network, inputs)
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-10)
    direction = torch.randn(got.shape, dtype=got.dtype, generator=torch.Generator().manual_seed(2))
    (got * direction).sum().backward()
    (expected * direction).sum().backward()
    parameters = dict(network.named_parameters())
    for name, leaf in leaves.items():
        torch.testing.assert_close(parameters[name].grad, leaf.grad, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("model", PAIR_MLPS, ids=str)
def test_hook_points_have_transformer_lens_names_and_the_networks_activations(model):
    weights = drawn(model)
    network = model.hooked_network(weights)
    logits, cache = network.run_with_cache(PAIRS)
    table = weights["W_E"] @ weights["W_in"] if "W_E" in weights else weights["W_in"]
    torch.testing.assert_close(cache["hook_parts"], table[PAIRS])
    pre, post = cache[get_act_name("pre", 0)], cache[get_act_name("post", 0)]
    torch.testing.assert_close(pre, table[PAIRS].sum(1))
    assert cache["hook_logits"] is logits or torch.equal(cache["hook_logits"], logits)
    out = post @ weights["W_out"]
    if "W_U" in weights:
        torch.testing.assert_close(cache[get_act_name("mlp_out", 0)], out)
        out = out @ weights["W_U"]
    torch.testing.assert_close(out, logits)
    if "W_E" in weights:
        torch.testing.assert_close(cache[get_act_name("embed")], weights["W_E"][PAIRS])
    for name, w in weights.items():
        torch.testing.assert_close(cache[f"hook_{name}"], w)


@pytest.mark.parametrize("model", [*PAIR_MLPS, MLP(widths=(8, 5)), Gated()], ids=str)
def test_a_hook_edits_a_weight_as_a_changed_weight_does(model):
    weights, inputs = drawn(model), inputs_of(model)
    network = model.hooked_network(weights)
    before = network(inputs).detach()
    for name, w in weights.items():
        owner, dot, attribute = name.rpartition(".")
        edited = w * torch.linspace(0, 2, w.numel(), dtype=w.dtype).reshape(w.shape)
        hooks = [(f"{owner}{dot}hook_{attribute}", lambda _, hook, edited=edited: edited)]
        got = network.run_with_hooks(inputs, fwd_hooks=hooks)
        expected = model.implementation().forward(weights | {name: edited}, inputs)
        torch.testing.assert_close(got, expected, rtol=0, atol=1e-10)
        assert (got - before).abs().max() > 1e-3
    torch.testing.assert_close(network(inputs), before)  # hooks are gone


def test_a_hook_edits_one_residues_part():
    model = EmbedMLP(d_emb=8, d_mlp=6)
    network = model.hooked_network(drawn(model))

    def swap_second(parts, hook):
        parts[:, 1] = parts[:, 1].flip(0)
        return parts

    got = network.run_with_hooks(PAIRS, fwd_hooks=[("hook_parts", swap_second)])
    patched = torch.stack([PAIRS[:, 0], PAIRS[:, 1].flip(0)], dim=1)
    torch.testing.assert_close(got, network(patched), rtol=0, atol=1e-10)


def test_layers_of_an_mlp_are_blocks():
    model = MLP(widths=(8, 5))
    weights = drawn(model)
    outputs, cache = model.hooked_network(weights).run_with_cache(FEATURES)
    first = torch.relu(FEATURES @ weights["W_0"])
    torch.testing.assert_close(cache[get_act_name("post", 0)], first)
    torch.testing.assert_close(cache[get_act_name("pre", 1)], first @ weights["W_1"])
    torch.testing.assert_close(cache[get_act_name("post", 1)] @ weights["W_2"], outputs)


OPTIMIZERS = [
    (torch.optim.AdamW, {"lr": 0.1, "weight_decay": 0.5}),
    (torch.optim.SGD, {"lr": 0.1, "momentum": 0.9}),
    (torch.optim.LBFGS, {"lr": 0.1}),
]
if hasattr(torch.optim, "Muon"):  # its step mixes all entries of a matrix
    OPTIMIZERS.append((torch.optim.Muon, {"lr": 0.1}))


@pytest.mark.parametrize("model", [PAIR_MLPS[0], TRANSFORMERS[0], Gated()], ids=str)
@pytest.mark.parametrize(("optimizer", "settings"), OPTIMIZERS, ids=lambda x: getattr(x, "__name__", ""))
def test_pruned_weights_stay_zero_under_any_optimizer(model, optimizer, settings):
    generator, full = torch.Generator().manual_seed(3), drawn(model)
    mask = {name: torch.rand(w.shape, generator=generator) < 0.5 for name, w in full.items() if w.ndim > 1}
    network = model.hooked_network({name: w * mask.get(name, 1) for name, w in full.items()})
    before = outputs(network, PAIRS).detach()
    keep_pruned_zero(network, mask)
    torch.testing.assert_close(outputs(network, PAIRS), before, rtol=0, atol=1e-12)
    trained = [w for w in network.parameters() if w.requires_grad]
    if optimizer.__name__ == "Muon":  # of matrices alone
        trained = [w for w in trained if w.ndim == 2]
    steps = optimizer(trained, **settings)
    labels = PAIRS.sum(1) % P

    def loss():
        steps.zero_grad()
        value = torch.nn.functional.cross_entropy(outputs(network, PAIRS), labels)
        value.backward()
        return value

    first = loss().item()
    for _ in range(3):
        steps.step(loss)
    assert loss().item() != first
    state = network.state_dict()
    for name, is_kept in mask.items():
        assert not state[name][~is_kept].any() and state[name][is_kept].all()
    again = model.hooked_network({name: torch.zeros_like(w) for name, w in full.items()})
    again.load_state_dict(state)
    torch.testing.assert_close(outputs(again, PAIRS), outputs(network, PAIRS), rtol=0, atol=1e-12)
    network.load_state_dict(again.state_dict())


@pytest.mark.parametrize("model", [PAIR_MLPS[0], TRANSFORMERS[0], MLP(widths=(8, 5)), Gated()], ids=str)
@pytest.mark.parametrize("kind", ["loss", "both"])
def test_a_language_models_loss_is_refused(model, kind):
    with pytest.raises(ConfigError, match=r"return_type: expected logits; network\.loss\(logits, part\)"):
        model.hooked_network(drawn(model))(inputs_of(model), return_type=kind)


def test_an_unknown_hook_is_refused_with_the_known_ones():
    network = PAIR_MLPS[0].hooked_network(drawn(PAIR_MLPS[0]))
    with pytest.raises(ConfigError, match=r"hook: expected one of .*hook_parts.*, got 'hook_part'"):
        network.run_with_hooks(PAIRS, fwd_hooks=[("hook_part", lambda x, hook: x)])
