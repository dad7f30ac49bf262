"""Arms trained alone and together: equal to the bit, whatever the recipe."""

import numpy as np
import pytest
import torch

from training.config.recipe_files import read_recipe, recipe_names
from training.models.mlp.architecture import MLP
from training.models.one_hot_mlp.activations import ACTIVATIONS
from training.models.one_hot_mlp.architecture import OneHotMLP
from training.optimization.engine import Engine
from training.optimization.optimizers import AdamW
from training.optimization.parametrizations.registry import PARAMETRIZATIONS, ParametrizationSettings
from training.tasks.modular import ModularTask
from training.tasks.polynomial import PolynomialTask

BATCHES = (2, 5, 16)
SEED_OF_SCORES = 7


def recipe_settings():
    """Return a setting of every combination of model, task and optimizer in recipes."""
    settings = {}
    for name in recipe_names():
        recipe, _ = read_recipe(name, quick=True)
        for arm in recipe.arms:
            setting = recipe.setting(arm)
            kind = (setting.model, setting.task.name, setting.task.n_outputs, setting.optimizer.name)
            settings.setdefault(kind, (f"{name}-{arm}", setting))
    return dict(settings.values())


SETTINGS = recipe_settings()


def trained(model, optimizer, data, starts, form="weights", steps=2):
    """Return the weights and the metrics of arms trained together."""
    seeds = tuple(SEED_OF_SCORES + n for n in range(len(starts)))
    settings = ParametrizationSettings(name=form, **({"seeds": seeds} if form != "weights" else {}))
    engine = Engine(model, optimizer, data, starts, [None] * len(starts), parametrization=settings)
    engine.run(steps)
    return engine.evaluate(), engine.weights_rw


def assert_alone_equals_together(model, optimizer, data, starts, **settings):
    alone, alone_weights = trained(model, optimizer, data, starts[:1], **settings)
    assert np.isfinite(alone[0, 0])
    for size in BATCHES:
        values, weights = trained(model, optimizer, data, starts[:size], **settings)
        assert torch.equal(weights[0], alone_weights[0])
        np.testing.assert_array_equal(values[0], alone[0])


@pytest.mark.parametrize("name", SETTINGS)
def test_an_arm_of_a_recipe_is_the_same_in_every_batch(name):
    setting = SETTINGS[name]
    starts = [setting.initial_weights(seed) for seed in range(max(BATCHES))]
    assert_alone_equals_together(setting.model, setting.optimizer, setting.examples(), starts)


def small_starts(model, task):
    shapes = model.shapes(task.n_inputs, task.n_outputs)
    return [model.initial_weights(shapes, seed) for seed in range(max(BATCHES))]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_an_arm_is_the_same_in_every_batch_with_every_activation(activation):
    model, task = OneHotMLP(d_mlp=9, activation=activation, init_scale=0.3), ModularTask(p=7, pairs="ordered")
    starts = small_starts(model, task)
    assert_alone_equals_together(model, AdamW(lr=0.01), task.build(), starts, steps=30)


@pytest.mark.parametrize("form", PARAMETRIZATIONS)
def test_an_arm_is_the_same_in_every_batch_in_every_parametrization(form):
    model, task = OneHotMLP(d_mlp=9), ModularTask(p=7, pairs="ordered")
    starts = small_starts(model, task)
    assert_alone_equals_together(model, AdamW(lr=0.01), task.build(), starts, form=form, steps=12)


@pytest.mark.parametrize("widths", [(9, 1, 7), (1,), (40,)])
@pytest.mark.parametrize("n_train", [1, 13])
def test_an_arm_is_the_same_in_every_batch_with_single_units_and_examples(widths, n_train):
    model, task = MLP(widths=widths), PolynomialTask(d=17, n_train=n_train, n_test=10)
    starts = small_starts(model, task)
    assert_alone_equals_together(model, AdamW(lr=0.01), task.build(), starts, steps=60)
