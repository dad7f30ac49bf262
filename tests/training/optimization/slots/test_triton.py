"""The Triton kernel, run by Triton's interpreter, and the choice of a path."""

import importlib
from types import SimpleNamespace

import pytest
import torch

from training.optimization.optimizers import AdamW
from training.optimization.slots.adamw_choice import adamw_path

CPU = torch.device("cpu")


@pytest.fixture
def triton_update(monkeypatch):
    """Return the update by an interpreted kernel; triton reads the variable when the kernel is defined."""
    pytest.importorskip("triton", reason="needs triton (pip install triton)")
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    from training.optimization.slots import adamw_triton

    return importlib.reload(adamw_triton).triton_update


@pytest.mark.parametrize(("dtype", "most"), [(torch.float64, 1e-12), (torch.float32, 2e-6)])
@pytest.mark.parametrize(("n_slots", "n_weights"), [(5, 61), (5, 2050), (1, 1024), (1, 1)])
def test_every_arm_equals_itself_alone_under_torchs_optimizer(
    triton_update, slot_arms, n_slots, n_weights, dtype, most
):
    arms = slot_arms(dtype, n_slots=n_slots, n_weights=n_weights, n_steps=12)
    arms.gradients[:, 3:4, :1] = torch.nan  # of the empty slot
    arms.train(triton_update([arms.w], arms.state, arms.settings, arms.mask))
    for slot in range(n_slots):
        rows = [t[slot] for t in arms.tensors()]
        if slot not in arms.filled():
            assert all(torch.equal(t, b[slot]) for t, b in zip(rows, arms.before, strict=True))
            continue
        for row, expected in zip(rows, arms.alone(slot), strict=True):
            assert (row - expected).abs().max() < most * expected.abs().max()
        assert not arms.w[slot][arms.mask[slot] == 0].any()
        assert not torch.equal(arms.w[slot], arms.before[0][slot])


def test_without_a_mask_the_path_of_this_environment_is_the_kernel(triton_update, slot_arms):
    assert adamw_path(CPU).name == "triton"
    arms = slot_arms(torch.float32, n_steps=3)
    arms.mask.fill_(1.0)
    arms.train(AdamW().slot_update([arms.w], arms.state, arms.settings, None))
    for slot in arms.filled():
        expected = arms.alone(slot)[0]
        assert (arms.w[slot] - expected).abs().max() < 2e-6 * expected.abs().max()


def test_an_update_is_one_launch_per_trained_tensor(triton_update, slot_arms):
    launches = []

    class Kernel:
        def __getitem__(self, grid):
            return lambda *args, **kwargs: launches.append(grid)

    arms = slot_arms(torch.float32, n_weights=2050)
    update = triton_update([arms.w], arms.state, arms.settings, arms.mask, kernel=Kernel())
    update([arms.gradients[0]])
    assert launches == [(2, 5)]


@pytest.mark.parametrize("dtype", ["fp32", "fp64"])
def test_the_kernel_compiles_for_a_gpu_that_is_not_here(dtype, tmp_path, monkeypatch):
    triton = pytest.importorskip("triton", "3.3", reason="needs triton 3.3 (pip install triton)")
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from training.optimization.slots import adamw_triton

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    importlib.reload(adamw_triton)
    constants = {"HAS_MASK": True, "BLOCK": adamw_triton.BLOCK}
    pointers = [f"{name}_ptr" for name in ("w", "g", "m", "v", "mask")]
    signature = dict.fromkeys(pointers, f"*{dtype}") | {"values_ptr": "*fp64"}
    signature |= {"n_slots": "i32", "n_weights": "i32"} | dict.fromkeys(constants, "constexpr")
    source = ASTSource(fn=adamw_triton.adamw_kernel, signature=signature, constexprs=constants)
    compiled = triton.compile(source, target=GPUTarget("cuda", 90, 32))
    assert len(compiled.asm["cubin"]) > 0


def loader(version="3.7.1", error=None, update=None):
    """Return an import of a triton of this version, or of none, and of the kernel's module."""

    def load(name):
        if name == "triton":
            if version is None:
                raise ModuleNotFoundError("No module named 'triton'")
            return SimpleNamespace(__version__=version)

        def triton_update(*args):
            def update(gradients):
                if error is not None:
                    raise error

            return update

        return SimpleNamespace(triton_update=triton_update)

    return load


@pytest.mark.parametrize(
    ("load", "name", "reason"),
    [
        (loader(), "triton", "triton 3.7.1, interpreted"),
        (loader("3.2.0+git12"), "triton", "triton 3.2.0+git12, interpreted"),
        (loader(None), "eager", "expected triton 3.2 or later, got none"),
        (loader("3.1.0"), "eager", "expected triton 3.2 or later, got 3.1.0"),
        (loader("2.3"), "eager", "expected triton 3.2 or later, got 2.3"),
        (
            loader(error=RuntimeError("Failed to find\n C compiler")),
            "eager",
            "triton 3.7.1 failed here: RuntimeError: Failed to find C compiler",
        ),
    ],
)
def test_a_path_is_chosen_with_its_reason(load, name, reason):
    path = adamw_path(CPU, {"TRITON_INTERPRET": "1"}, load)
    assert path.name == name and path.reason.startswith(reason)


def test_the_kernel_is_tried_once_per_device():
    tries = []

    def load(name):
        tries.append(name)
        return loader()(name)

    for _ in range(3):
        assert adamw_path(CPU, {"TRITON_INTERPRET": "1"}, load).name == "triton"
    assert len(tries) == 2


def test_triton_is_not_imported_where_it_is_not_used():
    def load(name):
        raise AssertionError(name)

    for device in (CPU, torch.device("meta")):
        assert adamw_path(device, {}, load).reason == f"device is {device.type}"
