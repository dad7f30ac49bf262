"""A network's tangent: against an explicit Jacobian, and in a run."""

import numpy as np
import pytest
import torch
from builders import drawn_starts, stop_after, train_group_of
from torch.func import jacrev
from torch.nn.functional import cross_entropy

from analyses.loading.checkpoint_masks import checkpoint_masks
from interp.masks.random_masks import random_mask
from training.cli.parser import Interrupted
from training.config.arm_config import arm_config
from training.config.build_recipe import recipe_from_dict
from training.execution.arms.batches import batch_kind
from training.execution.arms.jobs import ArmTask, Job
from training.execution.arms.sources.starting_point import starting_point
from training.inspection.trained_network import Network
from training.models.embed_mlp.architecture import EmbedMLP
from training.models.mlp.architecture import MLP
from training.optimization.engine import Engine
from training.optimization.optimizers import AdamW
from training.optimization.parametrizations.registry import ParametrizationSettings
from training.runs.run_directory import RunDir
from training.schema.overrides import override
from training.tasks.dataset import Dataset
from training.tasks.modular import ModularTask

SHAPES = {
    "embed_mlp": EmbedMLP(d_emb=6, d_mlp=5).shapes(7, 7),
    "mlp": MLP(widths=(5, 6)).shapes(3, 4),
    "linear": {"W_0": (3, 4)},
}
EXACT = {"rtol": 0, "atol": 1e-10}
OPTIMIZER = AdamW(lr=0.02, weight_decay=0.7)


def dataset(model):
    if model == "embed_mlp":
        return ModularTask(p=7, frac_train=0.6).build()
    rng = np.random.default_rng(0)
    return Dataset(inputs=rng.normal(size=(20, 3)), labels=rng.integers(0, 4, size=20), n_train=12)


def starts(model, n_arms, dtype=torch.float64):
    return drawn_starts(MLP(init_scale=1.5), SHAPES[model], n_arms, dtype)


def masks(kind, model, n_arms):
    drawn = [random_mask(SHAPES[model], 0.7, np.random.default_rng(seed)) for seed in range(n_arms)]
    return {"dense": [None] * n_arms, "masked": drawn, "mixed": [None, *drawn[1:]]}[kind]


def ones(model):
    return {name: np.ones(shape, dtype=bool) for name, shape in SHAPES[model].items()}


def engine(model, kind="mixed", n_arms=3, tangent=True, dtype=torch.float64):
    settings = EmbedMLP() if model == "embed_mlp" else MLP()
    given = starts(model, n_arms, dtype), masks(kind, model, n_arms)
    parametrization = ParametrizationSettings(name="tangent" if tangent else "weights")
    return Engine(settings, OPTIMIZER, dataset(model), *given, parametrization=parametrization)


def layer_by_layer(model, weights, inputs):
    """Return the outputs of a network by its definition."""
    if model == "embed_mlp":
        hidden = torch.relu(weights["W_E"][inputs].sum(1) @ weights["W_in"])
        return hidden @ weights["W_out"] @ weights["W_U"]
    *hidden_layers, last = weights.values()
    for weight in hidden_layers:
        inputs = torch.relu(inputs @ weight)
    return inputs @ last


def slow_tangent(model, point, weights, inputs):
    """Return f(θ₀) + J(θ − θ₀), and J by weight, (example, output, *weight)."""
    jacobian = jacrev(lambda at: layer_by_layer(model, at, inputs))(point)
    outputs = layer_by_layer(model, point, inputs)
    for name, slope in jacobian.items():
        outputs = outputs + torch.einsum("npij,ij->np", slope, weights[name] - point[name])
    return outputs, jacobian


def moved(e):
    """Return an engine after random changes to its kept weights."""
    noise = torch.randn(e.weights_rw.shape, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    for mask_rw in e.parametrization.frozen:
        noise *= mask_rw
    e.weights_rw += noise
    return e


@pytest.mark.parametrize("model", ["embed_mlp", "mlp"])
@pytest.mark.parametrize("kind", ["dense", "masked", "mixed"])
@pytest.mark.parametrize("n_arms", [1, 3])
def test_outputs_and_gradients_equal_an_explicit_jacobian(model, kind, n_arms):
    e = moved(engine(model, kind, n_arms))
    data, masks_by_arm = e.datasets[0], masks(kind, model, n_arms)
    outputs = e.network.outputs(e.weights).clone()
    e.network.gradient(e.weights, e.grads)
    e.parametrization.trained_gradients(e.grads_rw)
    for row, (start, mask) in enumerate(zip(starts(model, n_arms), masks_by_arm, strict=True)):
        is_kept = {name: torch.from_numpy(m) for name, m in (mask or ones(model)).items()}
        point = {name: w * is_kept[name] for name, w in start.items()}
        weights = {name: w[row] for name, w in e.weights.items()}
        expected, jacobian = slow_tangent(model, point, weights, torch.from_numpy(data.inputs))
        torch.testing.assert_close(outputs[row], expected, **EXACT)
        assert (expected - layer_by_layer(model, weights, torch.from_numpy(data.inputs))).abs().max() > 0.1

        train = expected[: data.n_train].requires_grad_()
        cross_entropy(train, torch.from_numpy(data.labels[: data.n_train])).backward()
        for name, slope in jacobian.items():
            grad = torch.einsum("npij,np->ij", slope[: data.n_train], train.grad) * is_kept[name]
            assert grad.abs().max() > 1e-4
            torch.testing.assert_close(e.grads[name][row], grad, **EXACT)


@pytest.mark.parametrize("model", ["embed_mlp", "mlp"])
def test_the_tangent_equals_the_network_at_the_start(model):
    tangent, plain = engine(model), engine(model, tangent=False)
    for e in (tangent, plain):
        e.network.gradient(e.weights, e.grads)
    torch.testing.assert_close(tangent.grads_rw, plain.grads_rw, **EXACT)
    np.testing.assert_allclose(tangent.evaluate(), plain.evaluate(), rtol=1e-10)
    for e in (tangent, plain):
        e.run(20)
    assert (tangent.weights_rw - plain.weights_rw).abs().max() > 0.1


def test_the_tangent_of_a_product_lacks_its_second_order_term():
    """The tangent of a product lacks the second-order term.

    Of 2 · 3 at (2 + a, 3 + b) it is 6 + 3a + 2b, without ab.
    """
    data = Dataset(inputs=np.ones((2, 1)), targets=np.zeros((2, 1)), n_train=1)
    start = {"W_0": torch.tensor([[2.0]]), "W_1": torch.tensor([[3.0]])}
    e = Engine(
        MLP(), OPTIMIZER, data, [start], [None], parametrization=ParametrizationSettings(name="tangent")
    )
    e.weights_rw += torch.tensor([[0.5, -4.0]])
    assert e.network.outputs(e.weights).flatten().tolist() == [6 + 1.5 - 8] * 2
    e.network.gradient(e.weights, e.grads)
    assert e.grads_rw.tolist() == [[2 * -0.5 * 3, 2 * -0.5 * 2]]


@pytest.mark.parametrize("kind", ["dense", "masked"])
def test_a_linear_network_equals_its_tangent_throughout_training(kind):
    """Weight decay acts on the weights, not on their changes."""
    tangent, plain = engine("linear", kind), engine("linear", kind, tangent=False)
    start = plain.weights_rw.clone()
    for e in (tangent, plain):
        e.run(50)
    assert (plain.weights_rw - start).abs().max() > 0.3
    torch.testing.assert_close(tangent.weights_rw, plain.weights_rw, **EXACT)
    np.testing.assert_allclose(tangent.evaluate(), plain.evaluate(), rtol=1e-10)


@pytest.mark.parametrize("model", ["embed_mlp", "mlp"])
def test_float32_follows_float64(model):
    single, double = (engine(model, dtype=dtype) for dtype in (torch.float32, torch.float64))
    for e in (single, double):
        e.run(5)
    assert single.network.outputs(single.weights).dtype == torch.float32
    torch.testing.assert_close(single.weights_rw.double(), double.weights_rw, rtol=0, atol=1e-4)
    np.testing.assert_allclose(single.evaluate(), double.evaluate(), rtol=1e-4)


@pytest.mark.parametrize("model", ["embed_mlp", "mlp"])
def test_no_steps_change_nothing_and_pruned_weights_stay_zero(model):
    e, plain = engine(model, "masked"), engine(model, "masked", tangent=False)
    e.run(0)
    assert torch.equal(e.weights_rw, plain.weights_rw) and not e.optimizer_state["square"][0].any()
    e.run(30)
    pruned = e.parametrization.frozen[0] == 0
    for rows in (e.weights_rw, e.optimizer_state["mean"][0], e.optimizer_state["square"][0]):
        assert not rows[pruned].any() and rows[~pruned].any()


@pytest.mark.parametrize("model", ["embed_mlp", "mlp"])
def test_a_loaded_state_continues_as_if_uninterrupted(model):
    uninterrupted, begun, resumed = (engine(model, dtype=torch.float32) for _ in range(3))
    uninterrupted.run(40)
    begun.run(15)
    for row in range(3):
        resumed.restore(row, begun.arm_state(row))
    resumed.run(25)
    assert torch.equal(uninterrupted.weights_rw, resumed.weights_rw)
    np.testing.assert_array_equal(uninterrupted.evaluate(), resumed.evaluate())


def test_remaining_arms_keep_their_starts():
    together, alone = engine("embed_mlp"), engine("embed_mlp")
    together.run(10)
    together.keep([2, 1])
    together.run(20)
    alone.run(30)
    torch.testing.assert_close(together.weights_rw, alone.weights_rw[[2, 1]], **EXACT)
    np.testing.assert_allclose(together.evaluate(), alone.evaluate()[[2, 1]], rtol=1e-9)


# --- as an arm of a run ---------------------------------------------------------------------------------


@pytest.fixture
def tangents(content):
    """Return the tiny recipe with a dense and a pruned tangent."""
    for setting in ("lazy.form=tangent", "lazy.max_steps=45", "lazy_ticket.form=tangent"):
        override(content, f"arms.{setting}")
    for setting in ("method=magnitude", "source=dense", "max_steps=45"):
        override(content, f"arms.lazy_ticket.{setting}")
    return recipe_from_dict(content)


def train(recipe, run, *arms, **options):
    assert train_group_of(recipe, run, *arms, **options) == []


@pytest.mark.parametrize("arm", ["lazy", "lazy_ticket"])
def test_metrics_equal_the_tangents_at_the_saved_weights(tangents, copied, arm):
    train(tangents, copied, arm)
    files, data = copied.arm(arm, 0), tangents.task.build()
    assert (files.mask() is None) == (arm == "lazy") and files.steps().tolist() == [0, 20, 40, 45]
    start, end = (
        {name: torch.from_numpy(w[at]).double() for name, w in files.checkpoints().items()} for at in (0, -1)
    )
    is_kept = files.mask() or dict.fromkeys(start, True)
    for name, w in starting_point(tangents, copied, Job(arm, 0)).weights.items():
        np.testing.assert_array_equal(start[name], w * is_kept[name])
    outputs, _ = slow_tangent("embed_mlp", start, end, torch.from_numpy(data.inputs))
    losses = cross_entropy(outputs, torch.from_numpy(data.labels), reduction="none")
    expected = [losses[: data.n_train].mean(), losses[data.n_train :].mean()]
    last = files.metrics().iloc[-1]
    np.testing.assert_allclose([last["train_loss"], last["test_loss"]], expected, rtol=1e-4)
    plain = layer_by_layer("embed_mlp", end, torch.from_numpy(data.inputs))
    assert abs(cross_entropy(plain, torch.from_numpy(data.labels)) - losses.mean()) > 0.1


def test_interrupted_and_resumed_equals_uninterrupted(tangents, copied, files_of, tmp_path):
    arms = ("lazy", "lazy_ticket")
    train(tangents, copied, *arms)
    expected = files_of(copied.path)
    for arm in arms:
        copied.arm(arm, 0).clear()
    with pytest.raises(Interrupted):
        train(tangents, copied, *arms, should_stop=stop_after(2))
    state = copied.arm("lazy_ticket", 0).state()
    mask = copied.arm("lazy_ticket", 0).mask()
    pruned = torch.from_numpy(
        np.concatenate([~mask[name].ravel() for name in tangents.setting("dense").shapes()])
    )
    for part in ("trained", "mean", "square"):
        assert not state[part][0][pruned].any() and state[part][0][~pruned].any()
    train(tangents, copied, *arms)
    assert files_of(copied.path) == expected


def test_a_pruned_tangent_has_its_mask_at_every_checkpoint(tangents, copied):
    train(tangents, copied, "lazy_ticket", "lazy")
    pruned, dense = (Network(copied.arm(arm, 0), tangents, None) for arm in ("lazy_ticket", "lazy"))
    expected = copied.arm("grokked_ticket", 0).mask()
    weights = {name: 0 * w for name, w in pruned.weights().items()}  # a kept weight may be zero
    for mask in checkpoint_masks(pruned, weights):
        for name, is_kept in mask.items():
            np.testing.assert_array_equal(is_kept, expected[name])
    assert dense.mask is None
    counts = [
        sum(is_kept.sum() for is_kept in mask.values()) for mask in checkpoint_masks(dense, dense.weights())
    ]
    n_kept = sum(is_kept.sum() for is_kept in expected.values())
    assert counts == [n_kept] * 4  # by magnitude, at the recipe's rate


def test_tangents_are_grouped_apart_from_networks(tangents, tmp_path):
    kinds = [
        batch_kind(ArmTask(tangents, RunDir(tmp_path), Job(arm, 0)))
        for arm in ("random", "lazy", "lazy_ticket")
    ]
    assert kinds[0] != kinds[1] == kinds[2]


def test_a_dense_tangent_has_no_sparsity(tangents):
    assert [tangents.sparsity(arm) for arm in ("lazy", "lazy_ticket")] == [0.0, 0.6]
    assert not tangents.arms["lazy"].prunes and tangents.arms["lazy_ticket"].prunes
    assert "pruning" not in arm_config(tangents, "lazy", 0)
