"""Training gradient as arrays, against autograd in float64."""

import numpy as np
import pytest
import torch

from training.config.build_recipe import recipe_from_dict
from training.inspection.loss_gradient import training_gradient
from training.optimization.objective import training_objective

MODELS = {
    "one_hot": {"name": "one_hot_mlp", "activation": "square", "d_mlp": 6},
    "relu": {"name": "one_hot_mlp", "activation": "relu", "d_mlp": 6},
    "embed": {"name": "embed_mlp", "d_emb": 5, "d_mlp": 6},
}


def setting(model, frac_train=0.7):
    task = {"name": "add", "p": 7, "pairs": "ordered", "frac_train": frac_train}
    return recipe_from_dict({"name": "x", "task": task, "model": model, "arms": {"dense": {}}}).setting(
        "dense"
    )


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("frac_train", [0.7, 1.0])
def test_the_gradient_is_that_of_the_mean_training_loss(model, frac_train):
    case = setting(model, frac_train)
    weights = {name: w.double().requires_grad_() for name, w in case.initial_weights(0).items()}
    outputs, loss = training_objective(case.model, case.task.build())
    slopes = torch.autograd.grad(loss(outputs(weights)), list(weights.values()))
    gradients = training_gradient(case)({name: w.detach().numpy() for name, w in weights.items()})
    for (name, got), slope in zip(gradients.items(), slopes, strict=True):
        assert got.dtype == np.float64
        np.testing.assert_allclose(got, slope.numpy(), rtol=1e-10, atol=1e-14, err_msg=name)


def test_a_second_call_leaves_weights_and_the_first_result_unchanged():
    case = setting(MODELS["relu"])
    gradient = training_gradient(case)
    weights = {name: w.double().numpy() for name, w in case.initial_weights(0).items()}
    before = {name: w.copy() for name, w in weights.items()}
    first = gradient(weights)
    copies = {name: g.copy() for name, g in first.items()}
    gradient({name: 2 * w for name, w in weights.items()})
    for name in weights:
        np.testing.assert_array_equal(weights[name], before[name])
        np.testing.assert_array_equal(first[name], copies[name])
