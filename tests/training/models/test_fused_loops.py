"""Fused loops against torch's operations, and both against plain formulas in float64."""

import math

import numpy as np
import pytest
import torch

from training.models.embed_mlp.architecture import EmbedMLP
from training.models.kernels import batched_matmul
from training.models.kernels.fused import SWITCH, fused_library, fused_loops
from training.models.kernels.pair_embedding import PairSum
from training.models.one_hot_mlp.architecture import EmbeddedMLP, OneHotMLP
from training.models.transformer.architecture import Transformer
from training.optimization.engine import Engine
from training.optimization.optimizers import AdamW
from training.tasks.dataset import Dataset
from training.tasks.losses import CrossEntropy
from training.tasks.modular import ModularTask

CPU = torch.device("cpu")
PATHS = pytest.mark.parametrize("path", ["torch", "fused"])
WIDTHS = {"d_model": 12, "d_mlp": 9, "d_head": 5}
MODELS = {
    "embed_mlp": EmbedMLP(d_emb=6, d_mlp=5),
    "one_hot": OneHotMLP(d_mlp=9),
    "one_hot_cube": OneHotMLP(d_mlp=9, activation="cube"),
    "embedded": EmbeddedMLP(d_mlp=9, d_emb=4),
    "transformer": Transformer(**WIDTHS),
    "heads": Transformer(**WIDTHS, n_heads=3, equals=True, positions=True, biases=True),
    "positions": Transformer(**WIDTHS, n_heads=2, positions=True, attention_rate=0.3),
    "equals": Transformer(**WIDTHS, n_heads=2, equals=True, biases=True),
}
ALL_MODELS = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


@pytest.fixture
def choose(monkeypatch):
    """Return a function that chooses a path; the fused one needs numba."""

    def chosen(path):
        if path == "fused":
            pytest.importorskip("numba")
        monkeypatch.setenv(SWITCH, "1" if path == "fused" else "0")
        assert (fused_loops(CPU) is not None) == (path == "fused")

    return chosen


def hostile_logits(n, p, seed=0):
    """Return logits with ties, a memorized example, huge and denormal differences."""
    logits = 5 * np.random.default_rng(seed).standard_normal((n, p))
    logits[0] = 0.0
    logits[1, 0] += 80.0  # a memorized example: errors are about 1e-28
    logits[2] *= 1e4
    logits[3] = 1e-42
    logits[4, :2] = 80.0
    logits[5] -= 1e30
    return torch.tensor(logits, dtype=torch.float32)


def examples(n, p, counts=None, n_train=None):
    labels = np.arange(n) % p
    labels[1] = 0
    inputs = np.zeros((n, 2), dtype=np.int64)
    return Dataset(inputs=inputs, labels=labels, counts=counts, n_train=n_train or n)


def exact_gradient(logits, labels, counts):
    """Return the gradient in float64, the true class's minus the others' sum."""
    probability = torch.softmax(logits.double(), -1)
    probability[range(len(labels)), labels] = 0.0
    probability[range(len(labels)), labels] = -probability.sum(-1)
    share = np.ones(len(labels)) if counts is None else counts
    return probability * torch.as_tensor(share / share.sum())[:, None]


@PATHS
@pytest.mark.parametrize("p", [3, 23, 67])
@pytest.mark.parametrize("has_counts", [False, True])
def test_cross_entropys_gradient_keeps_the_errors_of_memorized_examples(path, p, has_counts, choose):
    choose(path)
    n, n_arms = 130, 3
    counts = np.arange(n) % 3 + 1 if has_counts else None
    data = examples(n, p, counts)
    arms = [hostile_logits(n, p, seed) for seed in range(n_arms)]
    loss = CrossEntropy(data, n_arms, CPU, torch.float32)
    for arm, got in zip(arms, loss.gradient_(torch.stack(arms)), strict=True):
        expected = exact_gradient(arm, data.labels, counts)
        assert 0 < expected[1].abs().max() < 1e-20
        torch.testing.assert_close(got.double(), expected, rtol=1e-5, atol=1e-37)


@PATHS
@pytest.mark.parametrize("p", [3, 23, 67])
def test_cross_entropys_values_are_exact_to_1e_minus_30(path, p, choose):
    choose(path)
    data = examples(130, p)
    logits = hostile_logits(130, p)
    logits[6] = -70.0
    logits[6, data.labels[6]] = 0.0
    loss, right = CrossEntropy(data, 2, CPU, torch.float32).values(torch.stack([logits, logits + 1.0]))
    margins = logits.double() - logits.double().gather(1, torch.as_tensor(data.labels)[:, None])
    margins[range(130), data.labels] = -torch.inf
    highest = margins.amax(1)
    expected = torch.where(
        highest > 0,
        torch.logsumexp(torch.nn.functional.pad(margins, (0, 1)), 1),
        margins.exp().sum(1).log1p(),
    )
    assert expected[6].item() == pytest.approx((p - 1) * math.exp(-70), rel=1e-6)
    torch.testing.assert_close(loss[0], expected, rtol=2e-5, atol=1e-37)
    assert right[0].equal((highest < 0).double()) and right[0, 0] == 0  # a tie is an error


@PATHS
@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("column", [0, 1, 2, 33, 66])
def test_numbers_that_are_not_finite_come_through(path, bad, column, choose):
    choose(path)
    data, logits = examples(130, 67), hostile_logits(130, 67)
    logits[9, column] = bad  # its label is 9
    loss = CrossEntropy(data, 1, CPU, torch.float32)
    assert loss.gradient_(logits.clone()[None])[0, 9].isnan().all()
    values, right = loss.values(logits[None])
    assert not values[0, 9].isfinite() and right[0, 9] == 0
    assert values[0, 8].isfinite()


@PATHS
@pytest.mark.parametrize(("n_arms", "p", "m"), [(1, 3, 1), (3, 7, 33), (2, 23, 512)])
def test_sums_of_pairs_and_their_gradient_equal_autograd(path, n_arms, p, m, choose):
    choose(path)
    draws = torch.Generator().manual_seed(0)
    pairs_rn2 = torch.randint(p, (n_arms, 40, 2), generator=draws)
    pairs_rn2[:, :p] = torch.arange(p)[:, None]  # a = b
    table_rpm = torch.randn(n_arms, p, m, generator=draws)
    grad_rnm = torch.randn(n_arms, 40, m, generator=draws)
    pair_sum = PairSum(pairs_rn2, p, torch.empty(n_arms, 40, m))
    leaf = table_rpm.double().requires_grad_()
    sums = torch.stack([arm[pairs].sum(1) for arm, pairs in zip(leaf, pairs_rn2, strict=True)])
    torch.testing.assert_close(pair_sum.forward(table_rpm), sums.float())
    hidden_rnm = pair_sum.rectified(table_rpm)
    assert hidden_rnm.equal(sums.float().relu()) or torch.allclose(hidden_rnm, sums.float().relu(), atol=1e-6)
    (expected,) = torch.autograd.grad(sums.relu(), leaf, grad_rnm.double())
    got = pair_sum.rectified_backward(grad_rnm, hidden_rnm, torch.empty(n_arms, p, m))
    torch.testing.assert_close(got.double(), expected, rtol=1e-5, atol=1e-5)
    table_rpm[0, 0, 0] = math.nan
    assert pair_sum.rectified(table_rpm)[0, 0, 0].isnan()


def engine_of(model, n_arms, dtype=torch.float32, pairs="ordered", scale=2.0):
    task = ModularTask(p=7, pairs=pairs, frac_train=0.6)
    shapes = model.shapes(7, 7)
    starts = [
        {name: (scale * w).to(dtype) for name, w in model.initial_weights(shapes, seed).items()}
        for seed in range(n_arms)
    ]
    return Engine(model, AdamW(lr=0.01), task.build(), starts, [None] * n_arms)


def gradient_and_metrics(engine):
    engine.network.gradient(engine.weights, engine.grads)
    return {name: grad.clone() for name, grad in engine.grads.items()}, engine.evaluate()


@ALL_MODELS
@pytest.mark.parametrize("n_arms", [1, 3])
def test_both_paths_of_a_network_equal_float64(model, n_arms, choose):
    choose("torch")
    exact, exact_metrics = gradient_and_metrics(engine_of(model, n_arms, torch.float64))
    largest = max(grad.abs().max().item() for grad in exact.values())
    assert largest > 1e-3
    for path in ("torch", "fused"):
        choose(path)
        grads, metrics = gradient_and_metrics(engine_of(model, n_arms))
        np.testing.assert_allclose(metrics, exact_metrics, rtol=2e-5)
        for name, expected in exact.items():
            torch.testing.assert_close(grads[name].double(), expected, rtol=1e-4, atol=2e-6 * largest)


@ALL_MODELS
def test_training_by_either_path_goes_the_same_way(model, choose):
    metrics = []
    for path in ("torch", "fused"):
        choose(path)
        engine = engine_of(model, 2, scale=1.0)
        engine.run(30)
        metrics.append(engine.evaluate())
    np.testing.assert_allclose(*metrics, rtol=1e-3)


def test_the_loops_serve_float32_on_the_cpu_alone(choose):
    choose("fused")
    assert fused_loops("cuda:0") is None and fused_loops(CPU, torch.float64) is None
    assert fused_library("cpu").startswith("numba ") and fused_library("cuda:0") is None
    choose("torch")
    assert fused_library("cpu") is None


@pytest.mark.skipif(batched_matmul._onednn is None, reason="torch without oneDNN")
def test_onednns_products_equal_mkls_in_every_layout():
    a, b = torch.randn(40, 30), torch.randn(30, 20)
    layouts = [(a, b), (a.T.contiguous().T, b), (a[:, ::2], b[::2]), (a[:, :20], b[:20].T.contiguous().T)]
    for left, right in layouts:
        product = batched_matmul._onednn(
            batched_matmul._packed(left), batched_matmul._packed(right).mT, None, "none", [], ""
        )
        torch.testing.assert_close(product, left @ right)
