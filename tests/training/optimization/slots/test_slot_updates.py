"""Updates of all slots by torch, against each arm alone under torch's optimizer."""

from collections import Counter

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from training.optimization.optimizers import OPTIMIZERS, SGD, AdamW, Optimizer
from training.optimization.slots.slot_settings import SlotSettings

MOST_KERNELS = {"adamw": 20, "sgd": 10}
"""Of an update with a mask, without the count of steps; may only fall."""


def worst(arms, slot):
    """Return an arm's largest difference from the arm alone, as a share of the largest entry."""
    pairs = zip(arms.tensors(), arms.alone(slot), strict=True)
    return max(float((t[slot].double().cpu() - x).abs().max() / x.abs().max()) for t, x in pairs)


def update_of(arms, mask):
    return arms.optimizers[0].slot_update([arms.w], arms.state, arms.settings, mask)


@pytest.mark.parametrize(("dtype", "most"), [(torch.float64, 1e-12), (torch.float32, 2e-6)])
@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_every_arm_equals_itself_alone_under_torchs_optimizer(slot_arms, name, dtype, most):
    arms = slot_arms(dtype, name)
    arms.train(update_of(arms, arms.mask))
    for slot in arms.filled():
        assert worst(arms, slot) < most
        moved = (arms.w[slot] - arms.before[0][slot]).abs()
        assert moved.max() > 0.01
        assert not arms.w[slot][arms.mask[slot] == 0].any()


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_an_empty_slot_keeps_its_values_whatever_its_gradient(slot_arms, name):
    arms = slot_arms(torch.float32, name)
    arms.gradients[:, 3, :5] = torch.tensor([torch.nan, torch.inf, -torch.inf, 3e38, 0.0])
    arms.settings.release(0)
    arms.train(update_of(arms, arms.mask))
    for now, before in zip(arms.tensors(), arms.before, strict=True):
        assert torch.equal(now[[0, 3]], before[[0, 3]])
        assert now.isfinite().all()


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_without_a_mask_all_weights_are_trained(slot_arms, name):
    arms = slot_arms(torch.float64, name)
    arms.mask.fill_(1.0)
    arms.train(update_of(arms, None))
    assert all(worst(arms, slot) < 1e-12 for slot in arms.filled())


def test_an_arm_has_equal_bits_alone_and_in_another_slot(slot_arms):
    arms, lone = (slot_arms(torch.float32, n_slots=n, n_weights=64) for n in (5, 1))
    lone.settings.fill(0, arms.optimizers[4], arms.ages[4])
    for alone, stacked in zip([*lone.tensors(), lone.mask], [*arms.before, arms.mask], strict=True):
        alone.copy_(stacked[4:])
    lone.gradients = arms.gradients[:, 4:]
    for stack in (arms, lone):
        stack.train(update_of(stack, stack.mask))
    assert all(torch.equal(a[0], b[4]) for a, b in zip(lone.tensors(), arms.tensors(), strict=True))


def test_several_trained_tensors_are_updated_each_by_its_gradient(slot_arms):
    first, second = slot_arms(torch.float64), slot_arms(torch.float64, n_weights=17)
    state = {name: [*first.state[name], *second.state[name]] for name in first.state}
    update = AdamW().slot_update([first.w, second.w], state, first.settings, None)
    for arms in (first, second):
        arms.mask.fill_(1.0)
    for gradients in zip(first.gradients, second.gradients, strict=True):
        update([g.clone() for g in gradients])
        first.settings.advance()
    assert all(worst(arms, slot) < 1e-12 for arms in (first, second) for slot in arms.filled())


def test_an_optimizer_without_an_update_of_all_slots_says_so():
    class Mine(Optimizer):
        def build_update(self, trained, state, step):
            raise NotImplementedError

    w = torch.zeros(1, 2)
    assert Mine(name="mine").slot_update([w], {}, SlotSettings(1), None) is None
    assert {name for name in OPTIMIZERS if OPTIMIZERS[name].slot_update is Optimizer.slot_update} == set()


@pytest.mark.parametrize("base", [AdamW, SGD])
def test_a_subclass_with_its_own_update_has_none_of_all_slots(base):
    class Mine(base):
        def build_update(self, trained, state, step):
            return super().build_update(trained, state, step)

    class Scheduled(base):
        def lr_at(self, step):
            return self.lr / (1 + step)

    class Renamed(base):
        pass

    w = torch.zeros(1, 2)
    state = {"mean": [w], "square": [w]}
    assert Mine().slot_update([w], state, SlotSettings(1), None) is None
    assert Scheduled().slot_update([w], state, SlotSettings(1), None) is None
    assert Renamed().slot_update([w], state, SlotSettings(1), None) is not None


class Kernels(TorchDispatchMode):
    """Count operations that a device would run; fail where a value is read."""

    def __init__(self):
        super().__init__()
        self.seen = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func._schema.name
        assert name != "aten::_local_scalar_dense", "a value is read on the host"
        if not func.is_view and name != "aten::empty":
            self.seen[name] += 1
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("cls", [AdamW, SGD])
def test_an_update_takes_few_kernels_and_reads_nothing(cls):
    optimizer = cls()
    w, g, m, v, mask = (torch.zeros(4, 100, device="meta") for _ in range(5))
    settings = SlotSettings(4, "meta")
    update = optimizer.slot_update([w], {"mean": [m], "square": [v]}, settings, mask)
    with Kernels() as kernels:
        update([g])
    assert sum(kernels.seen.values()) <= MOST_KERNELS[optimizer.name], kernels.seen
    with Kernels() as kernels:
        settings.advance()
    assert sum(kernels.seen.values()) == 1
