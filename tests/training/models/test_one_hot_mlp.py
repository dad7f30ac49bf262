"""The network of He et al. against autograd and published numbers."""

from typing import get_args, get_type_hints

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from interp.mechanism.effective_weights import effective_maps
from interp.spectra.weight_spectrum import neuron_frequency
from training.config.build_recipe import recipe_from_dict
from training.config.recipe_files import read_recipe
from training.config.settings import Setting
from training.models.one_hot_mlp import network as one_hot_mlp
from training.models.one_hot_mlp.activations import ACTIVATIONS
from training.models.one_hot_mlp.architecture import EmbeddedMLP, OneHotMLP
from training.optimization.engine import Engine
from training.optimization.evaluation import METRICS
from training.optimization.optimizers import AdamW
from training.schema.validation import ConfigError
from training.tasks.modular import ModularTask

P = 7
EXACT = {"rtol": 0, "atol": 1e-10}


def setting(activation="relu", frac_train=1.0, pairs="ordered", kind=OneHotMLP, **sizes):
    task = ModularTask(p=P, pairs=pairs, frac_train=frac_train)
    model = kind(activation=activation, init_scale=2.0, **{"d_mlp": 9} | sizes)
    return Setting(task, model, AdamW(), 0.95)


KINDS = [{}, {"kind": EmbeddedMLP, "d_emb": 4, "d_mlp": 20}]  # with fewer some pair has no active neuron


def weights_of(case, n_arms):
    return [{name: w.double() for name, w in case.initial_weights(seed).items()} for seed in range(n_arms)]


def recipe_setting(name, arm="dense", *changes):
    return read_recipe(name, changes)[0].setting(arm)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("frac_train", [1.0, 0.6])
@pytest.mark.parametrize("n_arms", [1, 3])
@pytest.mark.parametrize("kind", KINDS, ids=["one_hot", "embedded"])
def test_the_stacked_step_equals_autograd_on_all_ordered_pairs(activation, frac_train, n_arms, kind):
    case = setting(activation, frac_train, **kind)
    starts, data, merged = weights_of(case, n_arms), case.task.build(), case.examples()
    assert len(merged.inputs) < len(data.inputs)
    engine = Engine(case.model, case.optimizer, merged, starts, [None] * n_arms)
    metrics = engine.evaluate()
    engine.network.gradient(engine.weights, engine.grads)
    n, labels = data.n_train, torch.from_numpy(data.labels)
    for row, weights in enumerate(starts):
        leaves = {name: w.requires_grad_() for name, w in weights.items()}
        logits = case.model.implementation().forward(leaves, torch.from_numpy(data.inputs))
        cross_entropy(logits[:n], labels[:n]).backward()
        for name, w in leaves.items():
            assert w.grad.abs().max() > 1e-4
            torch.testing.assert_close(engine.grads[name][row], w.grad, **EXACT)
        right = (logits.argmax(-1) == labels).double()
        losses = cross_entropy(logits, labels, reduction="none").detach()
        expected = [part.mean().item() for of in (losses, right) for part in (of[:n], of[n:])]
        np.testing.assert_allclose(metrics[row, :4], expected, rtol=1e-10)
        assert np.isnan(metrics[row, METRICS.index("test_loss")]) == (frac_train == 1.0)


@pytest.mark.parametrize("kind", KINDS, ids=["one_hot", "embedded"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_outputs_equal_the_papers_sum(activation, kind):
    sigma = {
        "relu": lambda x: np.maximum(x, 0),
        "square": lambda x: x**2,
        "abs": np.abs,
        "cube": lambda x: x**3,
        "fourth": lambda x: x**4,
        "exp": np.exp,
        "softplus": lambda x: np.log(1 + np.exp(x)),
    }[activation]
    case = setting(activation, **kind)
    (weights,) = weights_of(case, 1)
    model = case.model.implementation()
    theta, xi = weights["W_in"].numpy().T, weights["W_out"].numpy()
    if "W_E" in weights:
        theta = theta @ weights["W_E"].numpy().T
    for a, b in [(0, 0), (2, 5), (5, 2)]:
        expected = sum(xi[m] * sigma(theta[m, a] + theta[m, b]) for m in range(len(theta)))
        for compute in (lambda pair: model.forward(weights, pair), model.as_written(weights)):
            np.testing.assert_allclose(compute(torch.tensor([[a, b]])).detach()[0], expected, rtol=1e-12)


def test_neurons_start_equally_large_with_an_embedding_and_with_one_hot_inputs():
    p = 67
    sums = {}
    for model in (OneHotMLP(d_mlp=2000), EmbeddedMLP(d_mlp=2000)):
        weights = one_hot_mlp.start(model, model.shapes(p, p), seed=0)
        maps = effective_maps(model.name, {name: w.numpy() for name, w in weights.items()})
        sums[model.name] = [maps[name].std() for name in ("input", "output")]
    np.testing.assert_allclose(sums["embedded_mlp"], sums["one_hot_mlp"], rtol=0.02)


def test_settings_and_implementation_have_the_same_activations():
    assert get_args(get_type_hints(OneHotMLP)["activation"]) == tuple(ACTIVATIONS)


def test_relabelling_the_residues_relabels_the_logits():
    case = setting("softplus")
    (weights,) = weights_of(case, 1)
    forward, unit = case.model.implementation().forward, 3 * torch.arange(P) % P
    moved = {"W_in": weights["W_in"][unit], "W_out": weights["W_out"][:, unit]}
    pairs = torch.tensor([[1, 2], [0, 6]])
    torch.testing.assert_close(forward(moved, pairs), forward(weights, unit[pairs])[:, unit], **EXACT)


def published(name, arm, p, step, seed=42):
    """Return training loss, norm and test loss of a recipe at a step."""
    case = recipe_setting(name, arm, f"task.p={p}")
    engine = Engine(case.model, case.optimizer, case.examples(), [case.initial_weights(seed)], [None])
    engine.run(step)
    metrics = dict(zip(METRICS, engine.evaluate()[0], strict=True))
    return metrics["train_loss"], metrics["l2"], metrics["test_loss"]


@pytest.mark.parametrize(
    ("name", "p", "loss"),
    [
        ("h_standard", 15, 2.708508),
        ("h_standard", 23, 3.135561),
        ("h_relu_single_freq", 23, 3.135498),
        ("h_grokking", 23, 3.135788),
    ],
)
def test_losses_before_training_equal_published_ones(name, p, loss):
    assert published(name, "dense", p, 0)[0] == pytest.approx(loss, abs=6e-7)


def test_the_published_split_has_the_published_test_loss():
    assert published("h_grokking", "dense", 23, 0)[2] == pytest.approx(3.134885, abs=6e-7)


@pytest.mark.parametrize(
    ("name", "p", "step", "loss", "norm"),
    [
        ("h_standard", 15, 500, 2.605972, 4.839811),
        ("h_quad_single_freq", 23, 1000, 3.134596, 2.227644),
    ],
)
def test_losses_and_norms_after_training_equal_published_ones(name, p, step, loss, norm):
    measured = published(name, "dense", p, step)
    assert measured[:2] == pytest.approx((loss, norm), rel=2e-5)


def test_a_single_frequency_start_has_one_cosine_per_neuron_with_even_frequencies():
    p, m, scale = 23, 512, 0.02
    model = OneHotMLP(init="single_frequency", init_scale=scale)
    weights = one_hot_mlp.start(model, model.shapes(p, p), seed=3)
    maps_by_name = effective_maps("one_hot_mlp", {name: w.numpy() for name, w in weights.items()})
    maps = [maps_by_name["input"], maps_by_name["output"]]
    (k_in, share_in), (k_out, share_out) = (neuron_frequency(one_map) for one_map in maps)
    np.testing.assert_array_equal(k_in, k_out)
    np.testing.assert_allclose([share_in, share_out], 1, atol=1e-10)
    assert set(np.bincount(k_in)[1:]) == {m // 11, m // 11 + 1}
    for one_map in maps:  # an amplitude is the root of twice the mean square
        np.testing.assert_allclose(np.sqrt(2 * (one_map**2).mean(-1)), scale, rtol=1e-6)
    again, other = (one_hot_mlp.start(model, model.shapes(p, p), seed) for seed in (3, 2**40))
    assert all(torch.equal(again[name], w) and not torch.equal(other[name], w) for name, w in weights.items())


def test_a_normal_start_has_its_deviation_and_depends_on_its_seed_only():
    model = OneHotMLP(init_scale=0.3)
    weights, again, other = (one_hot_mlp.start(model, model.shapes(31, 31), seed) for seed in (3, 3, 4))
    for name, w in weights.items():
        assert torch.equal(w, again[name]) and not torch.equal(w, other[name]) and w.is_contiguous()
        assert w.std().item() == pytest.approx(model.deviation(name, w.shape), rel=0.02)
        assert model.deviation(name, w.shape) == pytest.approx(0.3 / 31**0.5)


@pytest.mark.parametrize(("p", "width"), [(15, 512), (23, 512), (25, 605), (29, 814), (31, 931), (69, 4608)])
def test_the_default_width_is_the_papers(p, width):
    assert OneHotMLP().shapes(p, p) == {"W_in": (p, width), "W_out": (width, p)}
    assert OneHotMLP(d_mlp=7).shapes(p, p)["W_in"] == (p, 7)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": {"d_mlp": 0}}, "model.d_mlp: expected a whole number from 1 to 1000000, got 0"),
        ({"model": {"activation": "gelu"}}, "model.activation: expected one of abs, cube, .*got 'gelu'"),
        ({"model": {"init": "cosine"}}, "model.init: expected one of normal, single_frequency, got 'cosine'"),
        ({"task": {"p": 22}}, "task.p: expected an odd number from 3, got 22"),
        (
            {"task": {"name": "sub", "pairs": "ordered"}},
            "task: expected a task symmetric in a and b, .*'sub'",
        ),
        ({"task": {"name": "digits"}}, "model.name: expected a model that reads features, got 'one_hot_mlp'"),
    ],
)
def test_wrong_settings_are_one_line(changes, message):
    content = {"name": "x", "arms": {"dense": {}}, "model": {"name": "one_hot_mlp"}}
    for table, settings in changes.items():
        content[table] = content.get(table, {}) | settings
    with pytest.raises(ConfigError, match=f"^{message}"):
        recipe_from_dict(content)


def test_a_single_frequency_start_has_no_deviation_to_redraw_from():
    with pytest.raises(ConfigError, match=r"model\.init: expected 'normal' for a start that is drawn anew"):
        OneHotMLP(init="single_frequency").deviation("W_in", (23, 512))
