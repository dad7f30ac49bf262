"""Outputs and gradients of the MLP against autograd, in float64."""

import numpy as np
import pytest
import torch
from builders import drawn_starts
from torch.nn.functional import cross_entropy, mse_loss

from training.models.mlp.architecture import MLP
from training.models.mlp.network import forward
from training.optimization.engine import Engine
from training.optimization.optimizers import AdamW
from training.tasks.dataset import Dataset

SIZES = {"classes": 4, "targets": 1, "both": 4}


def dataset(kind):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, size=20)
    given = {
        "classes": {"labels": labels},
        "targets": {"targets": rng.normal(size=(20, 1))},
        "both": {"labels": labels, "targets": np.eye(4)[labels]},
    }
    return Dataset(inputs=rng.normal(size=(20, 3)), n_train=12, **given[kind])


def starts(kind, widths, n_arms):
    model = MLP(widths=widths or (1,))
    shapes = model.shapes(3, SIZES[kind]) if widths else {"W_0": (3, SIZES[kind])}
    return drawn_starts(model, shapes, n_arms)


def loss_of(data, outputs, part):
    if data.targets is None:
        return cross_entropy(outputs, torch.from_numpy(data.labels)[part])
    return mse_loss(outputs, torch.from_numpy(data.targets)[part])


@pytest.mark.parametrize("kind", SIZES)
@pytest.mark.parametrize("widths", [(), (5,), (6, 5, 4)])
@pytest.mark.parametrize("n_arms", [1, 3])
def test_outputs_gradients_and_losses_equal_autograd(kind, widths, n_arms):
    data, weights = dataset(kind), starts(kind, widths, n_arms)
    engine = Engine(MLP(), AdamW(), data, weights, [None] * n_arms)
    train, test = slice(None, data.n_train), slice(data.n_train, None)
    metrics = engine.evaluate()
    engine.network.gradient(engine.weights, engine.grads)
    for row, start in enumerate(weights):
        leaves = {name: w.requires_grad_() for name, w in start.items()}
        outputs = forward(leaves, torch.from_numpy(data.inputs))
        torch.testing.assert_close(engine.network.outputs(engine.weights)[row], outputs, rtol=0, atol=1e-12)
        losses = [loss_of(data, outputs[part], part) for part in (train, test)]
        np.testing.assert_allclose(metrics[row, :2], [loss.item() for loss in losses], rtol=1e-10)
        losses[0].backward()
        for name, w in leaves.items():
            torch.testing.assert_close(engine.grads[name][row], w.grad, rtol=0, atol=1e-12)
        if data.labels is None:
            assert np.isnan(metrics[row, 2:4]).all()
        else:
            class_output = outputs[torch.arange(20), torch.from_numpy(data.labels)][:, None]
            right = ((outputs >= class_output).sum(-1) == 1).numpy()  # a tie is an error
            np.testing.assert_allclose(metrics[row, 2:4], [right[train].mean(), right[test].mean()])


def test_shapes_chain_from_the_inputs_to_the_outputs():
    shapes = MLP(widths=(200, 100)).shapes(784, 10)
    assert list(shapes.items()) == [("W_0", (784, 200)), ("W_1", (200, 100)), ("W_2", (100, 10))]
