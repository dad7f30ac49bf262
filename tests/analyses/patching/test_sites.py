"""Patches and attributions, against hooks one at a time in float64."""

import numpy as np
import pytest
import torch

from analyses.loading.judged_pairs import judged_pairs
from analyses.loading.residue_network import residue_network
from analyses.patching.attributed_logits import of_logits, of_neurons
from analyses.patching.sites import Runs, patches
from interp.interventions.attribution import ghost_classes
from interp.interventions.patching import logit_difference, recovered_share
from interp.mechanism.flawed_indicator import ideal_neurons
from training.config.settings import Setting
from training.models.embed_mlp.architecture import EmbedMLP
from training.models.one_hot_mlp.architecture import EmbeddedMLP, OneHotMLP
from training.models.transformer.architecture import Transformer
from training.optimization.optimizers import AdamW
from training.runs.atomic_files import RunError
from training.tasks.modular import ModularTask

P = 11
MODELS = [
    EmbedMLP(d_emb=9, d_mlp=12),
    OneHotMLP(d_mlp=12, activation="square"),
    EmbeddedMLP(d_mlp=12, d_emb=6, activation="softplus"),
    Transformer(d_model=8, n_heads=2, d_head=5, d_mlp=12),
    Transformer(
        d_model=8, n_heads=2, d_head=5, d_mlp=12, equals=True, positions=True, biases=True, equals_logit=True
    ),
]
GROUPS = {1: np.array([0, 3, 4]), 3: np.array([1, 2, 7, 8])}
REST = np.array([5, 6, 9, 10, 11])


class Patched:
    """One network with random weights, and its module with hooks."""

    def __init__(self, model):
        task = ModularTask(name="add", p=P, pairs="ordered", frac_train=0.4)
        self.setting = Setting(task, model, AdamW(), 0.95)
        rng = np.random.default_rng(1)
        self.weights = {name: rng.normal(scale=0.6, size=s) for name, s in self.setting.shapes().items()}
        self.module = model.hooked_network({n: torch.from_numpy(w) for n, w in self.weights.items()})
        self.module.with_task(task)
        self.network = residue_network(self.setting, self.weights)
        self.judged = judged_pairs(task)
        self.runs = Runs.drawn(self.judged, 30, seed=5)
        self.clean, self.corrupted, found = patches(self.network, self.runs, GROUPS, REST, single=True)
        self.patches = list(found)

    def inputs(self, pairs):
        """Return what the module reads for pairs."""
        read = torch.from_numpy(pairs)
        tokens = self.module.inputs.shape[1]
        return torch.nn.functional.pad(read, (0, tokens - 2), value=P)

    def logits(self, values):
        values = values.detach()
        return (values[:, -1] if values.ndim == 3 else values)[:, :P].numpy()

    def by_hook(self, patch):
        """Return the logits of corrupted pairs, one hook at a time."""
        _, cache = self.module.run_with_cache(self.inputs(self.runs.clean))
        given = cache[patch.hook]

        def put(value, hook):
            new = value.clone()
            if patch.site in ("input", "stream", "output"):
                new[:, patch.unit] = given[:, patch.unit]
            elif patch.site == "head":
                new[:, -1, patch.unit] = given[:, -1, patch.unit]
            elif patch.site == "attention":
                new[:, -1] = given[:, -1]
            else:
                at = (..., patch.neurons) if value.ndim == 2 else (slice(None), -1, patch.neurons)
                new[at] = given[at]
            return new

        read = self.inputs(self.runs.corrupted)
        return self.logits(self.module.run_with_hooks(read, fwd_hooks=[(patch.hook, put)]))


@pytest.fixture(scope="module", params=MODELS, ids=lambda m: f"{m.function} {getattr(m, 'equals', '')}")
def patched(request):
    return Patched(request.param)


def test_every_site_equals_its_hook(patched):
    sites = {(p.site, p.unit) for p in patched.patches}
    expected = {("input", 0), ("input", 1), ("neurons", 0), ("frequency", 1), ("frequency", 3), ("rest", 0)}
    if patched.setting.model.name == "transformer":
        expected |= {("head", 0), ("head", 1), ("attention", 0), ("stream", 0), ("output", 1)}
    assert sites >= expected and ("neuron", 11) in sites
    for patch in patched.patches:
        np.testing.assert_allclose(patch.logits, patched.by_hook(patch), rtol=1e-10, atol=1e-10)


def test_runs_without_patches_equal_the_module(patched):
    for run, pairs in ((patched.clean, patched.runs.clean), (patched.corrupted, patched.runs.corrupted)):
        expected = patched.logits(patched.module(patched.inputs(pairs)))
        np.testing.assert_allclose(run.logits, expected, rtol=1e-10, atol=1e-10)


def test_shares_of_neurons_sum_to_that_of_all_neurons(patched):
    runs = patched.runs
    clean, corrupted = (
        logit_difference(run.logits, runs.right, runs.other) for run in (patched.clean, patched.corrupted)
    )
    change = clean - corrupted + 100  # random networks tell nothing apart
    part = {
        site: [
            (logit_difference(p.logits, runs.right, runs.other) - corrupted).mean() / change.mean()
            for p in patched.patches
            if p.site == site
        ]
        for site in ("frequency", "rest", "neurons", "neuron")
    }
    assert sum(part["frequency"]) + sum(part["rest"]) == pytest.approx(part["neurons"][0], abs=1e-12)
    assert sum(part["neuron"]) == pytest.approx(part["neurons"][0], abs=1e-12)


def test_attributions_sum_to_the_logits(patched):
    judged, task = patched.judged, patched.setting.task
    data = task.build()
    ghosts = ghost_classes(data.inputs, data.labels, P)[data.n_train :]
    found = patched.network.run(patched.network.inputs(judged.pairs))
    frequency = np.zeros(12, dtype=int)
    for k, own in GROUPS.items():
        frequency[own] = k
    output_map = patched.network.output_map
    neurons = of_neurons(found, output_map, judged.labels, ghosts, frequency)
    around = of_logits(found.logits - found.hidden @ output_map, judged.labels, ghosts)
    logits = patched.logits(patched.module(patched.inputs(judged.pairs)))
    at = np.arange(len(logits))
    sums = {
        name: getattr(neurons, name).sum() + float(getattr(around, name))
        for name in ("right", "ghost", "mean")
    }
    assert sums["right"] == pytest.approx(logits[at, judged.labels].mean(), abs=1e-10)
    assert sums["mean"] == pytest.approx(logits.mean(), abs=1e-10)
    wrong = [
        logits[n, doubled]
        for n, (pair, label) in enumerate(zip(judged.pairs, judged.labels, strict=True))
        for doubled in 2 * pair % P
        if doubled != label
    ]
    assert sums["ghost"] == pytest.approx(np.mean(wrong), abs=1e-10)
    assert (np.isnan(neurons.neighbor) == (frequency == 0)).all()


def test_a_planted_frequency_moves_exactly_its_share():
    counts = np.array([3, 5, 0, 6, 9])
    input_map, output_map = ideal_neurons(counts)
    model = OneHotMLP(d_mlp=int(counts.sum()), activation="square")
    task = ModularTask(name="add", p=P, pairs="ordered", frac_train=0.4)
    network = residue_network(Setting(task, model, AdamW(), 0.95), {"W_in": input_map.T, "W_out": output_map})
    runs = Runs.drawn(judged_pairs(task), 200, seed=0)
    k = np.repeat(np.arange(1, 6), counts)
    groups = {int(f): np.flatnonzero(k == f) for f in np.unique(k)}
    clean, corrupted, found = patches(network, runs, groups, np.array([], dtype=int))
    difference = [logit_difference(r.logits, runs.right, runs.other) for r in (corrupted, clean)]
    shares = {
        p.unit: recovered_share(logit_difference(p.logits, runs.right, runs.other), *difference).share
        for p in found
        if p.site == "frequency"
    }

    def vote(frequency, pairs, classes):
        a, b = pairs.T
        angle = 2 * np.pi * frequency / P
        return counts[frequency - 1] * (
            np.cos(angle * (a + b - classes))
            + (np.cos(angle * (2 * a - classes)) + np.cos(angle * (2 * b - classes))) / 2
        )

    moved = {
        f: sum(
            sign * (vote(f, pairs, runs.right) - vote(f, pairs, runs.other)).mean()
            for sign, pairs in ((1, runs.clean), (-1, runs.corrupted))
        )
        for f in groups
    }
    for f, share in shares.items():
        assert share == pytest.approx(moved[f] / sum(moved.values()), abs=1e-10)


def test_the_drawn_runs_are_those_of_their_seed():
    judged = judged_pairs(ModularTask(name="add", p=P, frac_train=0.4))
    drawn = Runs.drawn(judged, 9, 4)
    assert all((x == y).all() for x, y in zip(drawn, Runs.drawn(judged, 9, 4), strict=True))
    assert any((x != y).any() for x, y in zip(drawn, Runs.drawn(judged, 9, 5), strict=True))
    assert (drawn.right == drawn.clean.sum(axis=1) % P).all() and (drawn.right != drawn.other).all()


def test_a_model_of_a_plugin_is_refused_by_name():
    class Mine(OneHotMLP):
        pass

    model = Mine(d_mlp=4)
    object.__setattr__(model, "name", "mine")
    setting = Setting(ModularTask(name="add", p=P), model, AdamW(), 0.95)
    with pytest.raises(RunError, match=r"model\.name: expected one of .*got mine; --arms"):
        residue_network(setting, {})
