"""Steered answers, against hooks in float64 and on networks whose answer is known."""

import numpy as np
import pytest
import torch

from analyses.loading.residue_network import residue_network
from analyses.steering.steered_answers import SteeredNetwork, SteeredPairs
from analyses.steering.tables import measured_sizes, strongest_first
from interp.mechanism.flawed_indicator import ideal_neurons
from interp.spectra.fourier import fourier_basis
from training.config.settings import Setting
from training.models.embed_mlp.architecture import EmbedMLP
from training.models.one_hot_mlp.architecture import EmbeddedMLP, OneHotMLP
from training.models.transformer.architecture import Transformer
from training.optimization.optimizers import AdamW
from training.tasks.modular import ModularTask

P = 11
MODELS = [
    EmbedMLP(d_emb=9, d_mlp=12),
    OneHotMLP(d_mlp=12, activation="square"),
    EmbeddedMLP(d_mlp=12, d_emb=6),
    Transformer(d_model=8, n_heads=2, d_head=5, d_mlp=12),
    Transformer(d_model=8, n_heads=2, d_head=5, d_mlp=12, equals=True, positions=True, biases=True),
]


def turned(W, frequencies, shift):
    """Return weights with a row per residue whose waves are turned, one coefficient at a time."""
    basis, new = fourier_basis(P), W.copy()
    for k in frequencies:
        angle = 2 * np.pi * k * shift / P
        cos, sin = basis[2 * k - 1] @ W, basis[2 * k] @ W
        new += np.outer(basis[2 * k - 1], (np.cos(angle) - 1) * cos + np.sin(angle) * sin)
        new += np.outer(basis[2 * k], (np.cos(angle) - 1) * sin - np.sin(angle) * cos)
    return new


@pytest.mark.parametrize("model", MODELS, ids=lambda m: f"{m.function} {getattr(m, 'equals', '')}")
def test_logits_equal_hooks_on_the_first_input(model):
    task = ModularTask(name="add", p=P, pairs="ordered", frac_train=0.4)
    setting, rng = Setting(task, model, AdamW(), 0.95), np.random.default_rng(1)
    weights = {name: rng.normal(scale=0.6, size=s) for name, s in setting.shapes().items()}
    steered = SteeredPairs.of(task, P, shift=3, most=1000)
    found = SteeredNetwork(residue_network(setting, weights), steered, 3).logits(np.array([2, 5]))
    module = model.hooked_network({n: torch.from_numpy(w) for n, w in weights.items()})
    first = next(name for name in weights if name.rpartition(".")[2] in ("W_E", "W_in"))
    new = turned(weights[first][:P], [2, 5], 3)
    parts = torch.from_numpy(new)[steered.pairs[:, 0]]
    pairs = torch.from_numpy(steered.pairs)

    def move(value, hook):
        moved = value.clone()
        moved[:, 0] = parts
        return moved

    name = "hook_embed" if "W_E" in first else "hook_parts"
    read = torch.nn.functional.pad(pairs, (0, getattr(model, "equals", 0)), value=P)
    logits = module.run_with_hooks(read, fwd_hooks=[(name, move)]).detach()
    logits = (logits[:, -1] if logits.ndim == 3 else logits)[:, :P].numpy()
    np.testing.assert_allclose(found, logits, rtol=1e-10, atol=1e-10)


@pytest.fixture(scope="module")
def ideal():
    """Return a network that adds by voting, whose frequencies 1 and 4 have the most neurons."""
    counts = np.array([60, 3, 3, 50, 3])
    input_map, output_map = ideal_neurons(counts)
    task = ModularTask(name="add", p=P, pairs="ordered", frac_train=0.5)
    setting = Setting(task, OneHotMLP(d_mlp=int(counts.sum()), activation="square"), AdamW(), 0.95)
    weights = {"W_in": input_map.T, "W_out": output_map}
    return setting, residue_network(setting, weights), input_map


@pytest.mark.parametrize("shift", [1, -2, P + 1])
def test_a_planted_network_follows_all_its_frequencies_and_stays_without(ideal, shift):
    setting, network, _ = ideal
    steered = SteeredPairs.of(setting.task, P, shift, most=1000)
    checkpoint = SteeredNetwork(network, steered, shift)
    every = np.arange(1, 6)
    moved = (steered.pairs + np.array([shift, 0])) % P
    expected = network.run(network.inputs(moved)).logits
    np.testing.assert_allclose(checkpoint.logits(every), expected, atol=1e-10)
    right = expected.argmax(axis=1) == moved.sum(axis=1) % P
    assert right.mean() > 0.9
    assert checkpoint.shares(every).target == pytest.approx(right.mean())
    own = network.run(network.inputs(steered.pairs)).logits.argmax(axis=1) == steered.own
    assert checkpoint.shares(every[:0]).own == pytest.approx(own.mean())


def test_the_strong_frequencies_of_a_planted_network_decide_its_answer(ideal):
    setting, network, input_map = ideal
    checkpoint = SteeredNetwork(network, SteeredPairs.of(setting.task, P, 1, most=1000), 1)
    order = strongest_first(input_map.T)
    assert order[:2].tolist() == [1, 4]
    strong, weak = checkpoint.shares(order[:2]), checkpoint.shares(order[2:])
    assert strong.target > 0.8 and weak.own > 0.8
    assert strong.target + strong.own + strong.other == pytest.approx(1)


def test_targets_are_the_answers_to_the_moved_pair():
    for name, pairs in (("add", "unordered"), ("sub", "ordered"), ("mul", "unordered")):
        task = ModularTask(name=name, p=P, pairs=pairs, frac_train=0.4)
        steered = SteeredPairs.of(task, P, 1, most=1000)
        data = task.build()
        answers = dict(zip(map(tuple, data.inputs.tolist()), data.labels.tolist(), strict=True))
        for (a, b), own, target in zip(*(x.tolist() for x in steered), strict=True):
            moved = (a + 1) % P, b
            assert own == answers[a, b] and own != target
            assert target == answers.get(moved, answers.get(moved[::-1]))
    assert len(SteeredPairs.of(task, P, 1, most=5).pairs) == 5


def test_sizes_are_all_of_few_and_both_ends_of_many():
    assert measured_sizes(5) == [0, 1, 2, 3, 4, 5]
    sizes = measured_sizes(200)
    assert {*range(13), *range(188, 201)} < set(sizes) and len(sizes) < 40
