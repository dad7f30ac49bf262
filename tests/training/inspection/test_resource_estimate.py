"""Estimates of memory, against what engines and workers hold."""

import gc

import numpy as np
import pytest
import torch
from builders import train_every_arm

from training.bench.command import RECIPES
from training.config.build_recipe import recipe_from_dict
from training.config.recipe_files import read_recipe
from training.inspection.resource_estimate import engine_bytes, estimated_need, example_sizes
from training.optimization.engine import Engine
from training.optimization.parametrizations.registry import ParametrizationSettings
from training.runs.run_directory import RunDir


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


LENGTH = {"min_steps": 60, "max_steps": 60}
ARMS = {
    "dense": LENGTH,
    "ticket": {"method": "magnitude", "source": "dense"} | LENGTH,
    "later": {"method": "imp", "source": "ticket", "sparsity": 0.8} | LENGTH,
    "scores": {"form": "edge_popup"} | LENGTH,
    "tangent": {"form": "tangent"} | LENGTH,
    "sgd": {"optimizer": {"name": "sgd"}} | LENGTH,
    "no_work": {"checkpoints": [], "max_steps": 1, "settle_steps": 0},
}


@pytest.mark.parametrize("model", ["embed_mlp", "transformer", "one_hot_mlp"])
def test_files_are_told_exactly_and_their_bytes_to_a_quarter(model, tmp_path):
    content = {"name": "told", "seeds": [0, 1], "task": {"name": "add", "p": 7}, "model": {"name": model}}
    content |= {"arms": ARMS, "pruning": {"require_generalised": False}}
    content["measure"] = {"eval_every": 10, "checkpoints": [{"every": 20}, {"every": 10, "last": 30}]}
    if model != "embed_mlp":
        content["arms"] = {name: arm for name, arm in ARMS.items() if name != "tangent"}
    recipe, run = recipe_from_dict(content), RunDir(tmp_path / "told")
    train_every_arm(recipe, run)
    for arm in recipe.arms:
        need, files = estimated_need(recipe, [arm]), list(run.arm(arm, 0).path.iterdir())
        assert need.files == len(files)
        ratio = need.disk / sum(file.stat().st_size for file in files)
        assert 0.8 < ratio < 1.25, (arm, ratio)
    need = estimated_need(recipe, [arm for arm in recipe.arms for _ in recipe.seeds])
    written = list((run.path / "arms").rglob("*"))
    assert need.files == sum(path.is_file() for path in written)
    assert need.inodes == len(written)
