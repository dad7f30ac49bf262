"""Removals, against hooks one at a time in float64."""

import functools

import numpy as np
import pytest
import torch

from analyses.ablation.checkpoint_removals import Checkpoint, measure_checkpoint
from analyses.ablation.pair_network import PairNetwork
from analyses.ablation.schema import COMPONENTS
from interp.spectra.fourier import fourier_basis
from training.config.settings import Setting
from training.models.embed_mlp.architecture import EmbedMLP
from training.models.one_hot_mlp.architecture import EmbeddedMLP, OneHotMLP
from training.models.transformer.architecture import Transformer
from training.optimization.optimizers import AdamW
from training.runs.atomic_files import RunError
from training.tasks.losses import plain_loss
from training.tasks.modular import ModularTask

P, SEED = 11, 3
MODELS = [
    EmbedMLP(d_emb=9, d_mlp=12),
    OneHotMLP(d_mlp=12, activation="square"),
    EmbeddedMLP(d_mlp=12, d_emb=6, activation="softplus"),
    Transformer(d_model=8, n_heads=2, d_head=5, d_mlp=12),
    Transformer(d_model=8, n_heads=2, d_head=5, d_mlp=12, equals=True, positions=True, biases=True),
]


class Hooked:
    """One network, changed by hooks on all pairs."""

    def __init__(self, model, unordered=False, frac_train=0.4):
        pairs = "unordered" if unordered else "ordered"
        task = ModularTask(name="add", p=P, pairs=pairs, frac_train=frac_train)
        self.setting = Setting(task, model, AdamW(), 0.95)
        rng = np.random.default_rng(1)
        self.weights = {name: rng.normal(scale=0.6, size=s) for name, s in self.setting.shapes().items()}
        tensors = {name: torch.from_numpy(w) for name, w in self.weights.items()}
        self.module = model.hooked_network(tensors)
        self.module.with_task(task)
        self.data = task.build()
        self.network = PairNetwork.of(self.setting, self.weights, SEED)
        self.parts = [np.arange(self.data.n_train), np.arange(self.data.n_train, len(self.data.labels))]

    @functools.cache  # noqa: B019
    def rows(self, is_last):
        return measure_checkpoint(
            Checkpoint(self.setting, self.weights, SEED, tuple(COMPONENTS), is_last)
        ).rows

    def row(self, component, unit, removal, is_last=True):
        wanted = component, unit, removal
        found = [r for r in self.rows(is_last) if (r["component"], r["unit"], r["removal"]) == wanted]
        (row,) = found
        return row

    def stand_in(self, values, removal):
        """Return what replaces activations (pair, …) one pair at a time."""
        new = torch.zeros_like(values)
        for part in self.parts:
            if removal == "mean":
                new[part] = values[part].mean(0)
            elif removal == "resample":
                new[part] = values[self.network.permutation[part]]
        return new

    def run(self, name, change):
        logits = self.module.run_with_hooks(
            self.module.inputs, fwd_hooks=[(name, lambda value, hook: change(value))]
        )
        return logits[:, -1] if logits.ndim == 3 else logits

    def assert_scores(self, row, logits):
        logits = logits.detach()[:, :P]
        labels = torch.from_numpy(self.data.labels)
        own = logits.gather(1, labels[:, None])[:, 0]
        others = logits.scatter(1, labels[:, None], -torch.inf).amax(1)
        for name, part in zip(("train", "test"), self.parts, strict=True):
            rows = slice(part[0], part[-1] + 1)
            loss = plain_loss(self.data, rows)(logits[rows]).item()
            assert row[f"{name}_loss"] == pytest.approx(loss, rel=1e-10, abs=1e-10)
            margin = (own - others)[rows]
            assert row[f"{name}_margin"] == pytest.approx(margin.mean().item(), rel=1e-10, abs=1e-10)
            assert row[f"{name}_acc"] == pytest.approx((margin > 0).double().mean().item())


@pytest.fixture(scope="module", params=MODELS, ids=lambda m: f"{m.function} {getattr(m, 'equals', '')}")
def hooked(request):
    return Hooked(request.param)


def at_last(value, new):
    """Return activations with those of the last position, or of the pair, replaced."""
    if value.ndim == new.ndim:
        return new
    return torch.cat([value[:, :-1], new[:, None]], dim=1)


def of_last(value, n_axes):
    return value if value.ndim == n_axes else value[:, -1]


@pytest.mark.parametrize("removal", ["mean", "zero", "resample"])
def test_neurons_and_their_groups_equal_hooks(hooked, removal):
    groups = hooked.network.groups
    sets = [("frequency", k, neurons) for k, neurons in groups.items()]
    sets += [("neuron", i, np.array([i])) for i in (0, 7)]
    for component, unit, neurons in sets:

        def change(value, neurons=neurons):
            hidden = of_last(value, 2)
            new = hidden.clone()
            new[:, neurons] = hooked.stand_in(hidden, removal)[:, neurons]
            return at_last(value, new)

        logits = hooked.run("blocks.0.mlp.hook_post", change)
        row = hooked.row(component, unit, removal)
        assert row["n_neurons"] == len(neurons)
        hooked.assert_scores(row, logits)


def test_a_group_alone_equals_all_other_groups_at_their_mean(hooked):
    groups = hooked.network.groups
    for k in groups:
        others = np.concatenate([neurons for other, neurons in groups.items() if other != k])

        def change(value, others=others):
            hidden = of_last(value, 2)
            new = hidden.clone()
            new[:, others] = hooked.stand_in(hidden, "mean")[:, others]
            return at_last(value, new)

        logits = hooked.run("blocks.0.mlp.hook_post", change)
        hooked.assert_scores(hooked.row("frequency", k, "alone"), logits)


@pytest.mark.parametrize("k", [1, 4])
def test_frequencies_of_embedding_and_logits_equal_hooks(hooked, k):
    Q = torch.from_numpy(fourier_basis(P)[2 * k - 1 : 2 * k + 1])

    def without(W):
        return torch.cat([W[:P] - Q.T @ (Q @ W[:P]), W[P:]])

    if hooked.setting.model.name == "transformer":
        p, tokens = P, hooked.module.inputs
        edited = dict(hooked.weights) | {"embed.W_E": without(torch.from_numpy(hooked.weights["embed.W_E"]))}
        module = hooked.setting.model.hooked_network({n: torch.as_tensor(w) for n, w in edited.items()})
        logits = module(tokens)[:, -1]
        assert p == P
    else:
        name = "W_E" if "W_E" in hooked.weights else "W_in"
        logits = hooked.run(f"hook_{name}", without)
    hooked.assert_scores(hooked.row("embedding", k, "zero"), logits)
    whole = hooked.module(hooked.module.inputs).detach()
    whole = (whole[:, -1] if whole.ndim == 3 else whole)[:, :P]
    waves = whole @ Q.T
    for removal in ("mean", "zero", "resample"):
        expected = whole + (hooked.stand_in(waves, removal) - waves) @ Q
        hooked.assert_scores(hooked.row("logits", k, removal), expected)


@pytest.mark.parametrize("removal", ["mean", "zero", "resample"])
@pytest.mark.parametrize("model", MODELS[3:], ids=["a b", "a b = with biases"])
def test_heads_attention_and_mlp_equal_hooks(model, removal):
    hooked = Hooked(model)

    def replace_head(value, h):
        new = value[:, -1].clone()
        new[:, h] = hooked.stand_in(value[:, -1], removal)[:, h]
        return at_last(value, new)

    for h in range(model.n_heads):
        logits = hooked.run("blocks.0.attn.hook_z", lambda value, h=h: replace_head(value, h))
        hooked.assert_scores(hooked.row("head", h, removal, is_last=False), logits)
    for component, name in (("attention", "blocks.0.hook_attn_out"), ("mlp", "blocks.0.hook_mlp_out")):
        logits = hooked.run(name, lambda v: at_last(v, hooked.stand_in(v[:, -1], removal)))
        hooked.assert_scores(hooked.row(component, 0, removal, is_last=False), logits)


def test_unordered_pairs_and_the_network_itself():
    hooked = Hooked(MODELS[0], unordered=True)
    row = hooked.row("network", 0, "none")
    hooked.assert_scores(row, hooked.module(hooked.module.inputs))
    n_train, n = hooked.data.n_train, len(hooked.data.labels)
    total = row["train_loss"] * n_train + row["test_loss"] * (n - n_train)
    assert row["all_loss"] == pytest.approx(total / n)


def test_single_neurons_circuits_and_a_transformers_embedding_are_of_the_last_checkpoint():
    hooked = Hooked(MODELS[3])
    checkpoint = Checkpoint(hooked.setting, hooked.weights, SEED, tuple(COMPONENTS), False)
    found = {row["component"] for row in measure_checkpoint(checkpoint).rows}
    assert found == {"network", "frequency", "logits", "head", "attention", "mlp"}
    assert measure_checkpoint(checkpoint).circuits == []
    only = Checkpoint(hooked.setting, hooked.weights, SEED, ("head",), True)
    assert {row["component"] for row in measure_checkpoint(only).rows} == {"network", "head"}


def test_resampling_with_one_pair_is_refused():
    one = (P * P - 1) / (P * P)
    with pytest.raises(
        RunError, match=r"resampling: expected at least two pairs in every part, got \[120, 1\]"
    ):
        Hooked(MODELS[0], frac_train=one)
