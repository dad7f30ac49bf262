"""Estimates of memory, against what engines and workers hold."""

import gc

import numpy as np
import pytest
import torch

from training.bench.command import RECIPES
from training.config.recipe_files import read_recipe
from training.inspection.resource_estimate import engine_bytes, example_sizes
from training.optimization.engine import Engine
from training.optimization.parametrizations.registry import ParametrizationSettings


def setting_of(name):
    recipe, _ = read_recipe(name)
    return recipe.setting(next(iter(recipe.arms)))


def held_storages():
    """Return the bytes of every tensor storage that Python holds, by address."""
    gc.collect()
    tensors = [o for o in gc.get_objects() if type(o) in (torch.Tensor, torch.nn.Parameter)]
    return {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}


def measured_bytes(setting, n_arms, form="weights"):
    """Return the bytes of an engine's tensors and of a snapshot of every arm."""
    before = held_storages()
    starts = [setting.initial_weights(seed) for seed in range(n_arms)]
    mask = None
    if form == "weights":
        mask = {name: np.ones(w.shape, bool) for name, w in starts[0].items() if not name.startswith("b_")}
    scores = ParametrizationSettings(name=form, densities=[0.5] * n_arms, seeds=range(n_arms))
    parametrization = scores if mask is None else ParametrizationSettings()
    engine = Engine(
        setting.model, setting.optimizer, setting.examples(), starts, [mask] * n_arms, "cpu", parametrization
    )
    del starts
    engine.run(1)
    engine.evaluate()
    snapshots = [(engine.arm_state(row), engine.weights_rw[row].clone()) for row in range(n_arms)]
    held = held_storages()
    assert len(snapshots) == n_arms
    return sum(nbytes for address, nbytes in held.items() if address not in before)


@pytest.mark.parametrize("n_arms", [1, 3])
@pytest.mark.parametrize("name", RECIPES)
def test_the_estimate_of_an_engine_is_within_a_factor_of_its_tensors(name, n_arms):
    setting = setting_of(name)
    ratio = engine_bytes(setting, n_arms) / measured_bytes(setting, n_arms)
    assert 1 / 1.5 < ratio < 1.5, ratio


@pytest.mark.parametrize("form", ["edge_popup", "biprop", "supermask"])
def test_the_estimate_counts_scores(form):
    setting = setting_of("modadd_ticket")
    ratio = engine_bytes(setting, 2, form) / measured_bytes(setting, 2, form)
    assert 1 / 1.5 < ratio < 1.5, ratio


@pytest.mark.parametrize("name", [*RECIPES, "h_grokking"])
def test_the_examples_are_those_of_the_engine(name):
    setting = setting_of(name)
    data = setting.examples()
    n_train, n = example_sizes(setting)
    assert n == pytest.approx(len(data.inputs), rel=0.02)
    assert n_train == pytest.approx(data.n_train, rel=0.02)
