"""The engine against the network as written, by autograd."""

import math

import numpy as np
import pytest
import torch
from builders import drawn_starts
from einops import rearrange

from interp.masks.random_masks import random_mask
from training.models.embed_mlp.architecture import EmbedMLP
from training.models.embed_mlp.network import AsWritten
from training.models.implementation import normal_init
from training.optimization.engine import Engine
from training.optimization.evaluation import METRICS
from training.optimization.optimizers import SGD, AdamW
from training.tasks.modular import ModularTask

MODEL = EmbedMLP(d_emb=6, d_mlp=5)


def task(pairs, p=7):
    return ModularTask(p=p, pairs=pairs, frac_train=0.6).build()


def starts(n_arms, p=7, dtype=torch.float64, model=MODEL):
    return drawn_starts(model, model.shapes(p, p), n_arms, dtype)


def masks(kind, n_arms, p=7, model=MODEL):
    if kind == "dense":
        return [None] * n_arms
    drawn = [random_mask(model.shapes(p, p), 0.5, np.random.default_rng(seed)) for seed in range(n_arms)]
    return [None, *drawn[1:]] if kind == "mixed" else drawn


def as_written(weights, mask):
    return AsWritten(weights, None if mask is None else {k: torch.from_numpy(m) for k, m in mask.items()})


def oracle_gradient(weights, mask, data):
    """Return the gradient of the mean training loss by autograd, (in, out)."""
    network = as_written(weights, mask)
    logits = network(torch.from_numpy(data.inputs[: data.n_train]))
    torch.nn.functional.cross_entropy(logits, torch.from_numpy(data.labels[: data.n_train])).backward()
    return {name: parameter.grad.T for name, parameter in network.named_parameters()}


def engine_gradient(engine):
    engine.network.gradient(engine.weights, engine.grads)
    engine.parametrization.trained_gradients(engine.grads_rw)
    return engine.grads


@pytest.mark.parametrize("pairs", ["unordered", "ordered"])
@pytest.mark.parametrize("kind", ["dense", "masked", "mixed"])
@pytest.mark.parametrize("n_arms", [1, 3])
def test_logits_and_gradients_equal_the_network_as_written(pairs, kind, n_arms):
    data, weights, mask = task(pairs), starts(n_arms), masks(kind, n_arms)
    engine = Engine(MODEL, AdamW(), data, weights, mask)
    for row in range(n_arms):
        logits = engine.network.outputs(engine.weights)[row]
        expected = as_written(weights[row], mask[row])(torch.from_numpy(data.inputs))
        torch.testing.assert_close(logits, expected.detach(), rtol=0, atol=1e-10)
        grads = engine_gradient(engine)
        for name, grad in oracle_gradient(weights[row], mask[row], data).items():
            assert grad.abs().max() > 1e-4
            torch.testing.assert_close(grads[name][row], grad, rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", ["W_E", "W_in", "W_out", "W_U"])
def test_gradient_equals_finite_differences_of_the_measured_loss(name):
    data = task("unordered")
    engine = Engine(MODEL, AdamW(), data, starts(2), masks("masked", 2))
    grad = engine_gradient(engine)[name][1].clone()
    i, j = divmod(int(grad.abs().argmax()), grad.shape[1])
    losses = []
    for shift in (1e-5, -2e-5):
        engine.weights[name][1, i, j] += shift
        losses.append(engine.evaluate()[1, METRICS.index("train_loss")])
    assert grad[i, j].item() == pytest.approx((losses[0] - losses[1]) / 2e-5, rel=1e-5)


@pytest.mark.parametrize("kind", ["dense", "mixed"])
def test_fifty_steps_equal_torch_adamw_on_the_network_as_written(kind):
    data, weights, mask = task("unordered"), starts(2), masks(kind, 2)
    optimizer = AdamW(lr=0.02, weight_decay=0.7, betas=(0.85, 0.95), eps=1e-7)
    engine = Engine(MODEL, optimizer, data, weights, mask)
    engine.run(20)
    engine.run(30)
    inputs, labels = (torch.from_numpy(a[: data.n_train]) for a in (data.inputs, data.labels))
    for row in range(2):
        network = as_written(weights[row], mask[row])
        with torch.no_grad():  # a pruned weight of the oracle starts at zero, where decay leaves it
            for name, parameter in network.named_parameters():
                parameter.mul_(network.get_buffer(f"mask_{name}"))
        adamw = torch.optim.AdamW(
            network.parameters(), lr=0.02, weight_decay=0.7, betas=(0.85, 0.95), eps=1e-7, foreach=False
        )
        for _ in range(50):
            adamw.zero_grad()
            torch.nn.functional.cross_entropy(network(inputs), labels).backward()
            adamw.step()
        for name, parameter in network.named_parameters():
            moved = (parameter.T - weights[row][name]).abs().max()
            assert moved > 0.1
            torch.testing.assert_close(engine.weights[name][row], parameter.detach().T, rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_warm_up_equals_torchs_scheduler(name):
    data, weights = task("unordered"), starts(1)
    cls, lr = {"adamw": (AdamW, 0.02), "sgd": (SGD, 0.3)}[name]
    optimizer = cls(lr=lr, weight_decay=0.1, warmup_steps=6)
    engine = Engine(MODEL, optimizer, data, weights, [None])
    engine.run(4)
    engine.run(11)
    inputs, labels = (torch.from_numpy(a[: data.n_train]) for a in (data.inputs, data.labels))
    network = as_written(weights[0], None)
    kind = {"adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}[name]
    settings = {"betas": optimizer.betas} if name == "adamw" else {}
    torchs = kind(network.parameters(), lr=optimizer.lr, weight_decay=0.1, foreach=False, **settings)
    schedule = torch.optim.lr_scheduler.LambdaLR(torchs, lambda step: min(step / 6, 1))
    for _ in range(15):
        torchs.zero_grad()
        torch.nn.functional.cross_entropy(network(inputs), labels).backward()
        torchs.step()
        schedule.step()
    for of, parameter in network.named_parameters():
        assert (parameter.T - weights[0][of]).abs().max() > 0.01
        torch.testing.assert_close(engine.weights[of][0], parameter.detach().T, rtol=0, atol=1e-10)


def slow_metrics(weights, mask, data):
    """Return the METRICS of one arm in float64, by their definitions."""
    masked_weights = {
        name: w.double() * (1.0 if mask is None else torch.from_numpy(mask[name]))
        for name, w in weights.items()
    }
    logits = as_written(masked_weights, None)(torch.from_numpy(data.inputs)).detach()
    labels = torch.from_numpy(data.labels)
    losses = -torch.log_softmax(logits, -1)[torch.arange(len(labels)), labels]
    right = (logits.argmax(-1) == labels).double()
    n = data.n_train
    flat = torch.cat([w.flatten() for w in masked_weights.values()])
    parts = [losses[:n].mean(), losses[n:].mean(), right[:n].mean(), right[n:].mean()]
    return [float(x) for x in [*parts, flat.abs().sum(), flat.square().sum().sqrt()]]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("pairs", ["unordered", "ordered"])
def test_metrics_equal_their_definitions(pairs, dtype):
    data, mask = task(pairs), masks("mixed", 3)
    weights = starts(3, dtype=dtype)
    engine = Engine(MODEL, AdamW(), data, weights, mask)
    expected = [slow_metrics(w, m, data) for w, m in zip(weights, mask, strict=True)]
    tolerance = 1e-12 if dtype == torch.float64 else 1e-5
    np.testing.assert_allclose(engine.evaluate(), expected, rtol=tolerance)


def sharp_weights(dtype, p=7, scale=1.0):
    """Return weights whose losses spread widely.

    The embedding is one-hot, every neuron sees one residue, and each class reads one neuron.
    """
    eye = torch.eye(p, dtype=dtype)
    spread = torch.arange(1, p + 1, dtype=dtype) / p
    return {"W_E": eye, "W_in": eye * spread, "W_out": eye * scale, "W_U": eye.clone()}


@pytest.mark.parametrize("scale", [20.0, 60.0, 400.0])
def test_tiny_and_huge_losses_are_exact_in_float32(scale):
    data = task("ordered")
    weights = sharp_weights(torch.float32, scale=scale)
    model = EmbedMLP(d_emb=7, d_mlp=7)
    engine = Engine(model, AdamW(), data, [weights], [None])
    logits = as_written({k: w.double() for k, w in weights.items()}, None)(torch.from_numpy(data.inputs))
    for label in range(7):  # the pairs' own labels first, then every class as if it were the label
        labels = np.full(len(data.labels), label)
        engine.loss.labels_rn1 = torch.from_numpy(labels)[None, :, None]
        losses = -torch.log_softmax(logits.detach(), -1)[:, label]
        n = data.n_train
        expected = [float(losses[:n].mean()), float(losses[n:].mean())]
        np.testing.assert_allclose(engine.evaluate()[0, :2], expected, rtol=2e-6)


def memorised(dtype, gap):
    """Return weights that answer 2a for (a, a).

    The margin to every other class is `gap`.
    """
    p = 7
    eye = torch.eye(p, dtype=dtype)
    answer = torch.zeros(p, p, dtype=dtype)
    answer[torch.arange(p), 2 * torch.arange(p) % p] = gap / 2
    return {"W_E": eye, "W_in": eye.clone(), "W_out": answer, "W_U": eye.clone()}


def diagonal_task():
    from training.tasks.dataset import Dataset

    a = np.arange(7)
    inputs = np.concatenate([np.stack([a, a], 1), np.stack([a, (a + 1) % 7], 1)])
    return Dataset(inputs=inputs, labels=inputs.sum(1) % 7, n_train=7)


@pytest.mark.parametrize("gap", [16.0, 25.0, 60.0])
def test_loss_and_gradient_of_a_memorised_network_are_exact_in_float32(gap):
    data, model = diagonal_task(), EmbedMLP(d_emb=7, d_mlp=7)
    loss = math.log1p(6 * math.exp(-gap))
    assert loss < 1e-6
    engine = Engine(model, AdamW(), data, [memorised(torch.float32, gap)], [None])
    assert engine.evaluate()[0, METRICS.index("train_loss")] == pytest.approx(loss, rel=1e-5, abs=0)
    # Along any one weight matrix's own direction the margin grows as the matrix does.
    slope = -gap * 6 * math.exp(-gap) / (1 + 6 * math.exp(-gap))
    grads = engine_gradient(engine)
    for name, grad in grads.items():
        assert (grad * engine.weights[name]).double().sum().item() == pytest.approx(slope, rel=1e-5, abs=0)


def test_a_tie_is_an_error():
    zeros = {name: torch.zeros(shape) for name, shape in MODEL.shapes(7, 7).items()}
    values = Engine(MODEL, AdamW(), task("unordered"), [zeros], [None]).evaluate()[0]
    assert list(values[2:4]) == [0.0, 0.0]
    assert values[:2] == pytest.approx([math.log(7)] * 2)


def test_no_steps_change_nothing():
    weights = starts(2, dtype=torch.float32)
    engine = Engine(MODEL, AdamW(), task("unordered"), weights, [None, None])
    engine.run(0)
    engine.evaluate()
    for name, stacked in engine.weights.items():
        assert all(torch.equal(stacked[row], weights[row][name]) for row in range(2))
    assert (
        engine.step == 0
        and not engine.optimizer_state["mean"][0].any()
        and not engine.optimizer_state["square"][0].any()
    )


def test_pruned_weights_stay_zero_without_moments():
    optimizer, mask = SGD(lr=0.1), masks("mixed", 3)
    engine = Engine(MODEL, optimizer, task("unordered"), starts(3, dtype=torch.float32), mask)
    before = engine.weights_rw.clone()
    engine.run(40)
    pruned = torch.cat([torch.from_numpy(m).flatten() for m in mask[1].values()]).logical_not()
    assert not engine.weights_rw[1, pruned].any() and engine.optimizer_state == {}
    assert (engine.weights_rw != before)[1, ~pruned].all()


def test_pruned_weights_and_their_moments_are_zero():
    mask = masks("mixed", 3)
    engine = Engine(MODEL, AdamW(lr=0.1), task("unordered"), starts(3, dtype=torch.float32), mask)
    engine.run(40)
    pruned = torch.cat([torch.from_numpy(m).flatten() for m in mask[1].values()]).logical_not()
    for flat in (engine.weights_rw, engine.optimizer_state["mean"][0], engine.optimizer_state["square"][0]):
        assert not flat[1, pruned].any()
        assert flat[1, ~pruned].bool().float().mean() > 0.5
    assert engine.weights_rw[0].all()


def test_an_arm_does_not_depend_on_other_arms_up_to_rounding():
    data, mask = task("ordered"), masks("mixed", 3)
    together = Engine(MODEL, AdamW(lr=0.01), data, starts(3), mask)
    alone = Engine(MODEL, AdamW(lr=0.01), data, starts(3)[2:], mask[2:])
    assert torch.equal(together.weights_rw[2], alone.weights_rw[0])
    together.run(30)
    together.keep([1, 2])
    together.run(30)
    alone.run(60)
    torch.testing.assert_close(together.weights_rw[1], alone.weights_rw[0], rtol=0, atol=1e-10)
    assert together.step == alone.step == 60


def test_the_same_seed_gives_the_same_bytes():
    def trained():
        engine = Engine(MODEL, AdamW(), task("ordered"), starts(2, dtype=torch.float32), masks("mixed", 2))
        engine.run(50)
        return engine.weights_rw, engine.evaluate()

    (w, values), (w_again, values_again) = trained(), trained()
    assert torch.equal(w, w_again) and np.array_equal(values, values_again)


@pytest.mark.parametrize("optimizer", [AdamW(), SGD(lr=0.1, warmup_steps=20)])
def test_a_loaded_state_continues_as_if_uninterrupted(optimizer):
    data, mask, weights = task("ordered"), masks("mixed", 3), starts(3, dtype=torch.float32)
    uninterrupted, halves = (Engine(MODEL, optimizer, data, weights, mask) for _ in range(2))
    uninterrupted.run(40)
    halves.run(15)
    states = [halves.arm_state(row) for row in range(3)]
    resumed = Engine(MODEL, optimizer, data, weights, mask)
    for slot, state in enumerate(states):
        resumed.restore(slot, state)
    resumed.run(25)
    assert torch.equal(uninterrupted.weights_rw, resumed.weights_rw)
    assert uninterrupted.optimizer_state.keys() == resumed.optimizer_state.keys()
    for name, tensors in uninterrupted.optimizer_state.items():
        assert all(map(torch.equal, tensors, resumed.optimizer_state[name]))


def test_init_depends_on_its_seed_only_and_has_the_deviation_of_its_fan_in():
    model = EmbedMLP(d_emb=500, d_mlp=48, init_scale=2.0)
    weights, again, other = (normal_init(model, model.shapes(67, 67), seed) for seed in (3, 3, 4))
    fan_in = {"W_E": 67, "W_in": 500, "W_out": 48, "W_U": 500}
    for name, w in weights.items():
        assert torch.equal(w, again[name]) and not torch.equal(w, other[name])
        assert w.shape == model.shapes(67, 67)[name]
        assert w.std().item() == pytest.approx(2 / math.sqrt(fan_in[name]), rel=0.02)
        assert abs(w.mean().item()) < 5 * w.std().item() / math.sqrt(w.numel())


def test_the_network_as_written_equals_the_papers_formula():
    weights, mask = starts(1)[0], masks("masked", 1)[0]
    W_E, W_in, W_out, W_U = (w.numpy() * mask[name] for name, w in weights.items())
    for a, b in [(0, 0), (2, 5), (5, 2)]:
        hidden = np.maximum(W_in.T @ (W_E[a] + W_E[b]), 0)
        logits = as_written(weights, mask)(torch.tensor([[a, b]]))
        np.testing.assert_allclose(
            rearrange(logits.detach().numpy(), "1 p -> p"), W_U.T @ (W_out.T @ hidden), atol=1e-14
        )


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_agrees_with_the_cpu_and_with_itself_to_the_byte():
    data, mask, weights = task("ordered"), masks("mixed", 4), starts(4)

    def trained(device, start_weights):
        engine = Engine(MODEL, AdamW(lr=0.01), data, start_weights, mask, device)
        engine.run(60)
        return engine.weights_rw.cpu(), engine.evaluate()

    on_cpu, values = trained("cpu", weights)
    on_gpu, gpu_values = trained("cuda", weights)
    torch.testing.assert_close(on_gpu, on_cpu, rtol=0, atol=1e-9)
    np.testing.assert_allclose(gpu_values, values, rtol=1e-9)
    floats = [{name: w.float() for name, w in arm.items()} for arm in weights]
    first, again = trained("cuda", floats), trained("cuda", floats)
    assert torch.equal(first[0], again[0]) and np.array_equal(first[1], again[1])
