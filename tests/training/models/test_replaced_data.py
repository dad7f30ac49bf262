"""Arms whose data are replaced, against arms built with that data."""

import dataclasses
from functools import partial

import numpy as np
import pytest
import torch

from training.models.autograd_network import AutogradNetwork
from training.models.embed_mlp.architecture import EmbedMLP
from training.models.kernels.fused import SWITCH
from training.models.mlp.architecture import MLP
from training.models.network import StackedProblem
from training.models.one_hot_mlp.architecture import EmbeddedMLP, OneHotMLP
from training.models.transformer.architecture import Transformer
from training.optimization.engine import Engine
from training.optimization.optimizers import AdamW
from training.tasks.losses import loss_of
from training.tasks.modular import ModularTask
from training.tasks.parity import ParityTask
from training.tasks.polynomial import PolynomialTask

N_ARMS = 3
SMALL = {"d_model": 12, "d_mlp": 9, "d_head": 5}
MODELS = {
    "embed_mlp": EmbedMLP(d_emb=6, d_mlp=5),
    "one_hot": OneHotMLP(d_mlp=9),
    "cube": OneHotMLP(d_mlp=9, activation="cube"),
    "embedded": EmbeddedMLP(d_mlp=9, d_emb=4),
    "transformer": Transformer(**SMALL),
    "nanda": Transformer(**SMALL, n_heads=2, equals=True, positions=True, biases=True),
}
ALL_MODELS = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
FEATURES = {
    "targets": PolynomialTask(d=7, n_train=13, n_test=10),
    "classes": ParityTask(n_bits=8, k=2, n_train=13, n_test=9),
}


def engine_of(model, task, data):
    shapes = model.shapes(task.n_inputs, task.n_outputs)
    starts = [model.initial_weights(shapes, seed) for seed in range(N_ARMS)]
    return Engine(model, AdamW(), data, starts, [None] * N_ARMS)


def problem_of(engine, loss, datasets=None):
    rows = {"n_arms": N_ARMS, "device": engine.device, "dtype": torch.float32}
    return StackedProblem(shapes=engine.layout.shapes, data=engine.data, loss=loss, datasets=datasets, **rows)


def autograd_engine(model, task, data):
    engine = engine_of(model, task, data)
    engine.network = AutogradNetwork(model.implementation().forward, problem_of(engine, engine.loss))
    return engine


def other_pairs(data):
    """Return the data in another order, with other labels and counts."""
    order = np.random.default_rng(1).permutation(len(data.inputs))
    labels, counts = (data.labels[order] + 1) % 7, np.arange(len(order)) % 2 + 1
    return dataclasses.replace(data, inputs=data.inputs[order], labels=labels, counts=counts)


def other_features(data):
    """Return the data in another order."""
    order = np.random.default_rng(1).permutation(len(data.inputs))
    values = {name: getattr(data, name) for name in ("inputs", "labels", "targets")}
    return dataclasses.replace(data, **{n: None if v is None else v[order] for n, v in values.items()})


def gradients(engine):
    engine.network.gradient(engine.weights, engine.grads)
    return engine.grads_rw.clone(), engine.network.outputs(engine.weights).clone()


def assert_replaced_equals_built(build, data, other):
    engine, inputs = build(data), data.inputs.copy()
    before = gradients(engine)
    engine.network.replace_data(1, other)
    engine.loss.replace_data(1, other)
    for replaced, built, old in zip(gradients(engine), gradients(build(other)), before, strict=True):
        assert torch.equal(replaced[1], built[1]) and not torch.equal(replaced[1], old[1])
        assert torch.equal(replaced[0], old[0]) and torch.equal(replaced[2], old[2])
    np.testing.assert_array_equal(data.inputs, inputs)


@ALL_MODELS
@pytest.mark.parametrize("path", ["torch", "fused"])
@pytest.mark.parametrize("frac_train", [0.6, 1.0])
def test_an_arm_with_replaced_pairs_equals_one_built_with_them(model, path, frac_train, monkeypatch):
    monkeypatch.setenv(SWITCH, "1" if path == "fused" else "0")
    task = ModularTask(p=7, pairs="ordered", frac_train=frac_train)
    data = task.build()
    assert_replaced_equals_built(partial(engine_of, model, task), data, other_pairs(data))


@pytest.mark.parametrize("build", [engine_of, autograd_engine])
@pytest.mark.parametrize("task", FEATURES.values(), ids=FEATURES)
def test_an_arm_with_replaced_features_equals_one_built_with_them(task, build):
    data = task.build()
    assert_replaced_equals_built(partial(build, MLP(widths=(9, 5)), task), data, other_features(data))


@ALL_MODELS
def test_arms_built_with_data_of_their_own_equal_replaced_ones(model):
    task = ModularTask(p=7, pairs="ordered", frac_train=0.6)
    engine = engine_of(model, task, task.build())
    other = other_pairs(engine.data)
    loss = loss_of(engine.data, N_ARMS, engine.device, torch.float32)
    loss.replace_data(1, other)
    engine.network.replace_data(1, other)
    engine.loss.replace_data(1, other)
    expected = gradients(engine)
    problem = problem_of(engine, loss, [engine.data, other, engine.data])
    engine.network = model.implementation().network(problem)
    assert all(map(torch.equal, gradients(engine), expected))
