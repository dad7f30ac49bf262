"""Everything that trains runs on a pretended GPU, and its kernels, reads and uploads are counted.

No step may read from the host or write to it. The counts are a budget: they may only fall. A test that finds
other numbers prints the new table.
"""

import functools
import pprint
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from builders import drawn_starts
from pretended_gpu import DEVICE, DeviceError, PretendedGPU

from training.models.embed_mlp.architecture import EmbedMLP
from training.models.embed_mlp.network import forward as plain_forward
from training.models.implementation import Implementation
from training.models.mlp.architecture import MLP
from training.models.network import Network
from training.models.one_hot_mlp.activations import ACTIVATIONS
from training.models.one_hot_mlp.architecture import EmbeddedMLP, OneHotMLP
from training.models.transformer.architecture import Transformer
from training.models.weight_names import prunable
from training.optimization.engine import Engine
from training.optimization.optimizers import OPTIMIZERS
from training.optimization.parametrizations.registry import PARAMETRIZATIONS, ParametrizationSettings
from training.tasks.dataset import Dataset
from training.tasks.modular import ModularTask

QUANTITIES = {
    "kernels of a step": "kernels",
    "kernels of a step of unlike arms": "kernels",
    "kernels of an eager update": "kernels",
    "kernels of an evaluation": "kernels",
    "reads of an evaluation": "reads",
    "reads of a kept arm": "reads",
    "uploads of a resumed arm": "uploads",
    "uploads of a refilled arm": "uploads",
    "uploads of a regrouping": "uploads",
}
"""Counts of two arms, in the order of a row.

Steps count with an update by Triton, one kernel for each trained tensor. The eager update, which serves
without Triton and for `sgd`, has a number of its own.
"""
COUNTS = {
    "weights": {
        "embed_mlp": (21, 21, 19, 40, 1, 4, 4, 2, 8),
        "plug_in": (45, 45, 19, 48, 1, 4, 4, 2, 8),
        "transformer": (73, 73, 19, 58, 1, 4, 4, 2, 8),
        "transformer_nanda": (104, 104, 19, 72, 1, 4, 4, 2, 8),
        "transformer_pizza": (115, 115, 19, 78, 1, 4, 4, 2, 8),
        "embedded_mlp": (19, 19, 19, 39, 1, 4, 4, 2, 8),
        "mlp_classes": (23, 23, 19, 40, 1, 4, 4, 2, 8),
        "mlp_targets": (19, 19, 19, 26, 1, 4, 4, 2, 7),
        "mlp_both": (19, 19, 19, 30, 1, 4, 4, 2, 8),
        "one_hot_mlp_relu": (18, 18, 19, 39, 1, 4, 4, 2, 8),
        "one_hot_mlp_square": (19, 19, 19, 39, 1, 4, 4, 2, 8),
        "one_hot_mlp_abs": (19, 19, 19, 39, 1, 4, 4, 2, 8),
        "one_hot_mlp_cube": (20, 20, 19, 39, 1, 4, 4, 2, 8),
        "one_hot_mlp_fourth": (20, 20, 19, 39, 1, 4, 4, 2, 8),
        "one_hot_mlp_exp": (19, 19, 19, 39, 1, 4, 4, 2, 8),
        "one_hot_mlp_softplus": (20, 20, 19, 40, 1, 4, 4, 2, 8),
    },
    "tangent": {
        "embed_mlp": (39, 39, 19, 53, 1, 4, 4, 6, 9),
        "plug_in": (39, 39, 19, 53, 1, 4, 4, 6, 9),
        "transformer": (91, 91, 19, 79, 1, 4, 4, 6, 9),
        "transformer_nanda": (109, 109, 19, 90, 1, 4, 4, 6, 9),
        "transformer_pizza": (129, 129, 19, 100, 1, 4, 4, 6, 9),
        "embedded_mlp": (32, 32, 19, 49, 1, 4, 4, 6, 9),
        "mlp_classes": (31, 31, 19, 48, 1, 4, 4, 6, 9),
        "mlp_targets": (27, 27, 19, 34, 1, 4, 4, 5, 8),
        "mlp_both": (27, 27, 19, 38, 1, 4, 4, 6, 9),
        "one_hot_mlp_relu": (25, 25, 19, 45, 1, 4, 4, 6, 9),
        "one_hot_mlp_square": (27, 27, 19, 45, 1, 4, 4, 6, 9),
        "one_hot_mlp_abs": (26, 26, 19, 45, 1, 4, 4, 6, 9),
        "one_hot_mlp_cube": (27, 27, 19, 45, 1, 4, 4, 6, 9),
        "one_hot_mlp_fourth": (27, 27, 19, 45, 1, 4, 4, 6, 9),
        "one_hot_mlp_exp": (25, 25, 19, 45, 1, 4, 4, 6, 9),
        "one_hot_mlp_softplus": (28, 28, 19, 45, 1, 4, 4, 6, 9),
    },
    "added": {
        "masked": (1, 1, 0, 0, 0, 0, 0, 1, 1),
        "edge_popup": (10, 10, 0, 7, 0, 0, 0, 3, 3),
        "edge_popup_trained": (12, 12, 9, 7, 0, 3, 3, 3, 5),
        "biprop": (17, 17, 0, 14, 0, 0, 0, 3, 3),
        "biprop_trained": (19, 19, 9, 14, 0, 3, 3, 3, 5),
        "supermask": (9, 9, 0, 5, 0, 0, 0, 1, 1),
        "supermask_trained": (11, 11, 9, 5, 0, 3, 3, 1, 3),
    },
}
"""Rows of `QUANTITIES`. A form adds to the counts of plain weights what it adds for `embed_mlp`; the tangent
is a network of its own."""
SGD_UPDATE = {1: 9, 2: 12}
"""Kernels of an eager update by `sgd`, by the number of trained rows."""

P, N_FEATURES = 7, 3


@dataclass(frozen=True, kw_only=True)
class PlugIn(EmbedMLP):
    """Model with a plain forward pass only, as a user may add one."""

    def implementation(self):
        return Implementation(plain_forward)


ORDERED = ModularTask(p=P, pairs="ordered", frac_train=0.6).build()
UNORDERED = ORDERED.unordered()
DRAWS = np.random.default_rng(0)
CLASSES = Dataset(inputs=DRAWS.normal(size=(20, N_FEATURES)), labels=DRAWS.integers(0, P, 20), n_train=12)
TARGETS = replace(CLASSES, labels=None, targets=DRAWS.normal(size=(20, 1)))
BOTH = replace(CLASSES, targets=np.eye(P)[CLASSES.labels])
SMALL = {"d_model": 4, "d_head": 3, "d_mlp": 5}
NANDA = Transformer(**SMALL, n_heads=2, equals=True, positions=True, biases=("b_in", "b_out"))
CASES = {
    "embed_mlp": (EmbedMLP(d_emb=6, d_mlp=5), UNORDERED),
    "plug_in": (PlugIn(d_emb=6, d_mlp=5), ORDERED),
    "transformer": (Transformer(**SMALL), ORDERED),
    "transformer_nanda": (NANDA, ORDERED),
    "transformer_pizza": (replace(NANDA, biases=True, equals_logit=True, attention_rate=0.5), ORDERED),
    "embedded_mlp": (EmbeddedMLP(d_emb=6, d_mlp=5), UNORDERED),
    "mlp_classes": (MLP(widths=(5, 4)), CLASSES),
    "mlp_targets": (MLP(widths=(5, 4)), TARGETS),
    "mlp_both": (MLP(widths=(5, 4)), BOTH),
    **{f"one_hot_mlp_{name}": (OneHotMLP(d_mlp=5, activation=name), UNORDERED) for name in ACTIVATIONS},
}
"""Model and data: every model, and every loss, with and without counts, biases, positions and classes."""
FORMS = {"masked": ("weights", False)} | {
    f"{name}{'_trained' * train_weights}": (name, train_weights)
    for name, spec in PARAMETRIZATIONS.items()
    for train_weights in ([False, True] if spec.trains_scores else [False])
}
"""Name and `train_weights` of every parametrization; masked weights apart."""
VARIANTS = [
    *((name, torch.float32) for name in OPTIMIZERS if name != "adamw"),
    ("adamw", torch.float64),
]
"""Optimizer and precision beside those of the table: recipes train in float32, tests on a GPU in float64."""


def forms_of(case):
    """Return the forms that a recipe may give to a model.

    Activations are relu's network with another function: they are tried in plain weights and as tangents.
    """
    if case.startswith("one_hot_mlp") and case != "one_hot_mlp_relu":
        return ["weights", "tangent"]
    has_biases = getattr(CASES[case][0], "biases", False)
    return [form for form in FORMS if not has_biases or PARAMETRIZATIONS[FORMS[form][0]].takes_biases]


class Trial:
    """Two arms of a case on the pretended GPU, and all that an engine does with them."""

    def __init__(self, case, form, optimizer="adamw", dtype=torch.float32):
        self.model, self.data = CASES[case]
        self.form, self.optimizer = form, OPTIMIZERS[optimizer]()
        n_inputs = N_FEATURES if self.model.reads == "features" else P
        shapes = self.model.shapes(n_inputs, 1 if self.data.labels is None else P)
        self.starts = drawn_starts(self.model, shapes, 2, dtype)
        sizes = {name: np.arange(w.numel()).reshape(w.shape) for name, w in prunable(self.starts[0]).items()}
        self.mask = {name: size % 2 for name, size in sizes.items()} if form == "masked" else None
        self.engine = Engine(
            *(self.model, self.optimizer, self.data, self.starts, [self.mask] * 2, DEVICE),
            self.settings(0, 1),
        )

    def settings(self, *arms):
        """Return the parametrization of some arms, each of a density of its own."""
        name, train_weights = FORMS[self.form]
        densities = [(0.4, 0.6)[arm] for arm in arms]
        return ParametrizationSettings(
            name=name, train_weights=train_weights, seeds=arms, densities=densities
        )

    def refill(self):
        """Put the first arm into the second slot, with a learning rate of its own."""
        optimizer = replace(self.optimizer, lr=0.5)
        arm = (self.data, self.starts[0], self.mask, self.settings(0))
        self.engine.refill(1, optimizer, *arm)

    def parts(self, gpu):
        """Do all parts of a training, and yield the name of each that is counted."""
        engine = self.engine

        def step():
            with gpu.without_host():
                engine.run(1)

        gpu.counts()
        step()
        yield "step"
        gradients = [torch.zeros_like(t) for t in engine.parametrization.trained]
        gpu.counts()
        engine._slot_update(gradients)
        yield "eager update"
        engine.evaluate()
        yield "evaluation"
        engine.arm_weights(1)
        state = engine.arm_state(1)
        yield "kept arm"
        engine.check_state(state)
        engine.restore(0, state)
        yield "resumed arm"
        self.refill()
        yield "refilled arm"
        step()
        yield "step of unlike arms"
        engine.release(0)
        step()
        assert engine.measured_snapshot(is_detached=True).metrics().shape == (2, 6)
        gpu.counts()
        engine.keep([1], n_slots=2)
        yield "regrouping"
        step()


def counts_of_parts(case, form, optimizer="adamw", dtype=torch.float32, until=None):
    """Return kernels, reads and uploads of the parts of a trial, of all or up to one of them."""
    counts = {}
    with PretendedGPU() as gpu:
        trial = Trial(case, form, optimizer, dtype)
        for part in trial.parts(gpu):
            counts[part] = gpu.counts()
            if part == until:
                break
    more = counts["eager update"][0] - len(trial.engine.parametrization.trained)
    for step in {"step", "step of unlike arms"} & set(
        counts
    ):  # Triton has one kernel for each trained tensor
        counts[step] = (counts[step][0] - more, *counts[step][1:])
    return counts


@functools.cache
def measured(case, form):
    """Return the counts of a trial, as a row of `QUANTITIES`."""
    counts, kinds = counts_of_parts(case, form), ("kernels", "reads", "uploads")
    parts = [quantity.split(" ", 2)[2].removeprefix("a ").removeprefix("an ") for quantity in QUANTITIES]
    return tuple(
        counts[part][kinds.index(kind)] for part, kind in zip(parts, QUANTITIES.values(), strict=True)
    )


def whole_table():
    """Return `COUNTS` as measured now."""
    plain = measured("embed_mlp", "weights")
    forms = [form for form in FORMS if form not in ("weights", "tangent")]
    return {form: {case: measured(case, form) for case in CASES} for form in ("weights", "tangent")} | {
        "added": {form: tuple(np.subtract(measured("embed_mlp", form), plain).tolist()) for form in forms}
    }


def expected_row(case, form):
    """Return the counts of a case and a form by the table."""
    if form in ("weights", "tangent"):
        return COUNTS[form][case]
    return tuple(np.add(COUNTS["weights"][case], COUNTS["added"][form]).tolist())


def differences(case, rows, expected):
    """Return in words which rows of a case differ, and the whole table to put in."""
    changes = [(form, rows[form], expected[form]) for form in rows if rows[form] != expected[form]]
    table = pprint.pformat(whole_table(), width=109, sort_dicts=False)
    return (
        f"{case}: form, row, expected row of {list(QUANTITIES)}: {changes}\nWhere a number has fallen, lower "
        f"it in COUNTS; where it has risen, undo the change. COUNTS as measured:\n{table}"
    )


@pytest.mark.parametrize("case", CASES)
def test_what_trains_runs_on_the_device_within_its_counts(case):
    rows = {form: measured(case, form) for form in forms_of(case)}
    expected = {form: expected_row(case, form) for form in rows}
    assert rows == expected, differences(case, rows, expected)


@pytest.mark.parametrize(("optimizer", "dtype"), VARIANTS)
@pytest.mark.parametrize("case", [case for case in CASES if len(forms_of(case)) > 2])
def test_every_optimizer_and_precision_runs_on_the_device(case, optimizer, dtype):
    for form in forms_of(case):
        counts = counts_of_parts(case, form, optimizer, dtype, until="resumed arm")
        step, _, update, *_ = expected_row(case, form)
        update = SGD_UPDATE[1 + FORMS[form][1]] if optimizer == "sgd" else update
        assert [counts[part][0] for part in ("step", "eager update")] == [step, update], form


class Mutated(Network):
    """Network whose gradient is followed by a mutation."""

    def __init__(self, network, mutation):
        self.outputs, self.step, self.mutation = network.outputs, network.gradient, mutation

    def outputs(self, weights):
        """Return nothing: an instance has its network's."""

    def gradient(self, weights, grads):
        """Write the gradient, then do what a step must not do."""
        self.step(weights, grads)
        self.mutation(next(iter(grads.values())))


MUTATIONS = {
    "a value is read": lambda grad: grad.sum().item(),
    "a value decides": lambda grad: bool(grad.sum() > 0),
    "a value is a loop's limit": lambda grad: range(grad.argmax()),
    "NumPy": lambda grad: grad.numpy(),
    "a copy to the host": lambda grad: grad.cpu(),
    "a copy into a host tensor": lambda grad: torch.empty(grad.shape, dtype=grad.dtype).copy_(grad),
    "an index on the host": lambda grad: grad[torch.tensor([0])],
    "an index by a list": lambda grad: grad[[0]],
    "an index by a mask": lambda grad: grad[grad > 0],
    "the places of nonzero entries": lambda grad: grad.nonzero(),
    "a tensor on the host": lambda grad: grad + torch.ones(grad.shape),
    "a number is uploaded": lambda grad: torch.tensor(1.0, device=grad.device),
    "an array is uploaded": lambda grad: torch.as_tensor(np.ones(3), device=grad.device),
    "a tensor is uploaded": lambda grad: torch.ones(3).to(grad.device),
    "a generator of the host": lambda grad: torch.bernoulli(grad, generator=torch.Generator()),
}


@pytest.mark.parametrize("case", CASES)
def test_a_step_that_needs_the_host_fails_in_every_model(case):
    with PretendedGPU() as gpu:
        engine = Trial(case, "weights").engine
        network = engine.network
        for name, mutation in MUTATIONS.items():
            engine.network = Mutated(network, mutation)
            with pytest.raises((RuntimeError, TypeError)), gpu.without_host():
                engine.run(1)
                pytest.fail(f"{name}: not seen")
        n_kernels = []
        for harmless in (lambda grad: None, lambda grad: grad.mul_(1)):
            engine.network = Mutated(network, harmless)
            gpu.counts()
            with gpu.without_host():
                engine.run(1)
            n_kernels.append(gpu.counts()[0])
        assert n_kernels[1] == n_kernels[0] + 1


def test_two_devices_in_one_operation_fail_between_steps_too():
    with PretendedGPU() as gpu:
        on_device = torch.ones(3, device=DEVICE)
        with pytest.raises(DeviceError, match="two devices"):
            on_device.add(torch.ones(3))
        assert on_device.add(torch.tensor(1.0)).is_meta  # a single number goes along
        on_device.cpu()
        assert gpu.counts()[1:] == (1, 0)
