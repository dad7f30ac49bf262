"""Tiny networks to prune, and slow versions of the selection."""

import numpy as np
import pytest
import torch

from training.models.registry import MODELS
from training.models.transformer.architecture import Transformer
from training.pruning.method import Subject
from training.tasks.dataset import Dataset
from training.tasks.losses import plain_loss

SHAPES = {
    "embed_mlp": {"W_E": (7, 6), "W_in": (6, 5), "W_out": (5, 6), "W_U": (6, 7)},
    "mlp": {"W_0": (4, 8), "W_1": (8, 6), "W_2": (6, 3)},
    "transformer": Transformer(d_model=4, n_heads=2, d_head=3, d_mlp=5, equals=True).shapes(7, 7),
}
SCALES = (1.0, 0.6, 1.4, 0.8, 1.0, 1.1, 1.2, 0.9)


def _data(model):
    rng = np.random.default_rng(5)
    if model == "mlp":
        return Dataset(inputs=rng.standard_normal((12, 4)), labels=rng.integers(0, 3, 12), n_train=9)
    pairs = np.array([(a, b) for a in range(7) for b in range(a, 7)])
    return Dataset(inputs=pairs, labels=pairs.sum(1) % 7, n_train=25)


def _weights(model, seed):
    rng = np.random.default_rng(seed)
    shapes = SHAPES[model].items()
    return {name: s * rng.standard_normal(shape) for (name, shape), s in zip(shapes, SCALES, strict=False)}


@pytest.fixture(params=SHAPES)
def model(request):
    return request.param


@pytest.fixture(params=["global", "layer"])
def scope(request):
    return request.param


@pytest.fixture
def subject():
    """Return a function that makes a subject of a tiny model."""

    def make(model="embed_mlp", density=0.4, seed=0, loss_factor=1.0, targets=False, **settings):
        data = _data(model)
        if targets:
            data = Dataset(
                inputs=data.inputs, targets=np.eye(7 if model != "mlp" else 3)[data.labels], n_train=9
            )
        inputs, loss = torch.as_tensor(data.inputs[: data.n_train]), plain_loss(data)
        initial = settings.pop("initial", None) or _weights(model, 1)
        if "final" not in settings:
            settings["final"] = {
                name: 0.8 * w + 0.6 * _weights(model, 2)[name] for name, w in initial.items()
            }
        settings = {"source_mask": None, "scope": "global", "min_per_layer": 0} | settings
        implementation = MODELS[model]().implementation()
        return Subject(
            initial=initial,
            density=density,
            generator=np.random.default_rng(seed),
            outputs=lambda weights: implementation.forward(weights, inputs),
            loss=lambda outputs: loss_factor * loss(outputs),
            flow=implementation.flow,
            **settings,
        )

    return make


@pytest.fixture
def slow_keep():
    """Return a slow `Subject.keep` without a minimum per layer."""

    def keep(scores, density, scope):
        is_kept = {name: np.zeros(np.shape(score), bool) for name, score in scores.items()}
        groups = [[name] for name in scores] if scope == "layer" else [list(scores)]
        for group in groups:
            entries = [
                (-value, order, place)
                for order, name in enumerate(group)
                for place, value in enumerate(np.ravel(scores[name]).tolist())
            ]
            n = len(entries)
            pruned = int(np.floor(round((1 - density) * n, 9)))
            for _, order, place in sorted(entries)[: n - pruned]:
                is_kept[group[order]].flat[place] = True
        return is_kept

    return keep


@pytest.fixture
def same():
    """Return a function that compares the names and entries of two masks."""

    def compare(a, b):
        alike = list(a) == list(b) and all(m.dtype == bool for m in (*a.values(), *b.values()))
        return alike and all(np.array_equal(a[name], b[name]) for name in a)

    return compare


@pytest.fixture
def scores_of(monkeypatch):
    """Return a function that returns the scores of a pruning method."""

    def scores(method, subject):
        with monkeypatch.context() as patch:
            patch.setattr(Subject, "keep", lambda self, scores: dict(scores))
            return method(subject)

    return scores
