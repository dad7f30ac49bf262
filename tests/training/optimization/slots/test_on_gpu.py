"""On a CUDA device: the kernel against torch's, captured steps against plain ones, copies to the host."""

import pytest
import torch

from training.optimization.slots.adamw_choice import adamw_path
from training.optimization.slots.adamw_eager import eager_update
from training.optimization.slots.captured_step import CapturedStep
from training.optimization.slots.host_copy import HostCopy

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
CUDA = torch.device("cuda")
SIZES = [(5, 2050), (1, 1024), (1, 1)]


def assert_each_as_alone(arms, most):
    for slot in range(len(arms.w)):
        rows = [t[slot].cpu() for t in arms.tensors()]
        if slot in arms.filled():
            for row, expected in zip(rows, arms.alone(slot), strict=True):
                assert (row - expected).abs().max() < most * expected.abs().max()
        else:
            assert all(torch.equal(t, b[slot].cpu()) for t, b in zip(rows, arms.before, strict=True))


@pytest.mark.parametrize(("dtype", "most"), [(torch.float64, 1e-12), (torch.float32, 2e-6)])
@pytest.mark.parametrize(("n_slots", "n_weights"), SIZES)
def test_torchs_kernels_train_every_arm_as_alone(slot_arms, n_slots, n_weights, dtype, most):
    arms = slot_arms(dtype, n_slots=n_slots, n_weights=n_weights, device="cuda")
    arms.train(eager_update([arms.w], arms.state, arms.settings, arms.mask))
    assert_each_as_alone(arms, most)


@pytest.mark.parametrize(("dtype", "most"), [(torch.float64, 1e-12), (torch.float32, 2e-6)])
@pytest.mark.parametrize(("n_slots", "n_weights"), SIZES)
def test_the_triton_kernel_trains_every_arm_as_alone(slot_arms, n_slots, n_weights, dtype, most):
    path = adamw_path(CUDA)
    assert path.name == "triton", path.reason
    arms = slot_arms(dtype, n_slots=n_slots, n_weights=n_weights, device="cuda")
    arms.train(arms.optimizers[0].slot_update([arms.w], arms.state, arms.settings, arms.mask))
    assert_each_as_alone(arms, most)
    assert not arms.w[arms.mask == 0].any()


@pytest.mark.parametrize("path", ["chosen", "eager"])
def test_a_captured_step_gives_the_bits_of_plain_steps(slot_arms, path):
    results = []
    for is_captured in (False, True):
        arms = slot_arms(torch.float32, n_weights=2050, device="cuda")
        build = eager_update if path == "eager" else arms.optimizers[0].slot_update
        update, goal = build([arms.w], arms.state, arms.settings, arms.mask), arms.gradients[0].clone()

        def step(arms=arms, update=update, goal=goal):
            update([arms.w - goal])
            arms.settings.advance()

        captured_step = CapturedStep(step, CUDA, capturable=is_captured)
        captured_step.replay(20)
        arms.settings.release(2)
        arms.settings.fill(3, arms.optimizers[1], 0)
        captured_step.replay(20)
        assert captured_step.is_captured == is_captured, captured_step.reason
        results.append([t.cpu() for t in (*arms.tensors(), arms.settings.values)])
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def test_a_step_that_reads_a_value_falls_back_and_trains_on():
    x, lines = torch.zeros(4, device="cuda"), []
    step = CapturedStep(lambda: x.add_(1 + 0 * float(x[0])), CUDA, report=lines.append)
    step.replay(10)
    assert x.tolist() == [10.0] * 4
    assert len(lines) == 1 and not step.is_captured


@pytest.mark.parametrize("clone", [False, True])
def test_a_copy_has_the_values_of_its_start_while_steps_go_on(clone):
    x = torch.zeros(1 << 22, device="cuda")
    copies = []
    for _ in range(5):
        copies.append(HostCopy([x, x[:3]], clone=clone))
        x.add_(1)
    for n, copy in enumerate(copies):
        large, small = copy.arrays()
        assert (large == n).all() and small.tolist() == [n] * 3
    assert copies[0].result()[0].is_pinned()
