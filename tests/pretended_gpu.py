"""A pretended GPU: tensors of torch's `meta` device stand for tensors in a GPU's memory.

Nothing is computed. Every operation is watched, and what a GPU refuses, or what makes the host wait, raises:
tensors of two devices in one operation, an index on the host, a generator of another device, a value that is
read. Torch itself raises for `.item()`, `.numpy()` and indices by a mask. Copies between host and device are
counted where they are explicit, and raise inside `without_host`. Kernels are counted: all operations on the
device but views and allocations. An operation may start several kernels on a real GPU (a sort does), so the
number is of operations.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from unittest import mock

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

DEVICE = "meta"
"""Device that stands for the GPU."""
NO_KERNEL = {
    f"aten::{name}"
    for name in (
        *("empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided"),
        *("detach", "lift_fresh", "resize_", "set_", "_unsafe_view", "scalar_tensor"),
    )
}
"""Operations without a kernel that are no views: allocations, and changes of a tensor's description."""
READS_ITS_SIZE = {"aten::bincount"}
"""Operations that read a value to size their result, which `meta` does not know."""


class DeviceError(RuntimeError):
    """Operation that a GPU refuses, or for which the host has to wait."""


class PretendedGPU:
    """Context in which tensors on `DEVICE` are those of a GPU."""

    def __init__(self):
        self.kernels, self.reads, self.uploads = Counter(), [], []
        self.forbids_host = False

    def __enter__(self):
        self._contexts = contextlib.ExitStack()
        self._contexts.enter_context(mock.patch.object(torch, "Generator", _Generator))
        self._contexts.enter_context(_Functions(self))
        self._contexts.enter_context(_Operations(self))
        return self

    def __exit__(self, *error):
        self._contexts.close()

    @contextlib.contextmanager
    def without_host(self):
        """Raise for every read and upload within."""
        self.forbids_host = True
        try:
            yield
        finally:
            self.forbids_host = False

    def counts(self):
        """Return the kernels, reads and uploads since the last call."""
        counted = sum(self.kernels.values()), len(self.reads), len(self.uploads)
        self.kernels, self.reads, self.uploads = Counter(), [], []
        return counted

    def note(self, listed, what):
        """Note a read or an upload."""
        if self.forbids_host:
            raise DeviceError(f"{'read' if listed is self.reads else 'upload'} inside a step: {what}")
        listed.append(what)


class _Functions(TorchFunctionMode):
    """Calls as Python makes them: uploads that torch hides on `meta`, and generators."""

    def __init__(self, gpu):
        self.gpu = gpu

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs, name = kwargs or {}, getattr(function, "__name__", "")
        if name in ("tensor", "as_tensor") and not hasattr(args[0], "dtype"):
            if _is_device(kwargs.get("device")):
                self.gpu.note(self.gpu.uploads, f"torch.{name}")
        elif name in ("__getitem__", "__setitem__") and args[0].is_meta:
            index = args[1] if isinstance(args[1], tuple) else (args[1],)
            if any(isinstance(part, list) for part in index):
                self.gpu.note(self.gpu.uploads, f"{name} by a list")
        if kwargs.get("generator") is not None:
            generator = kwargs["generator"]
            on_device = {t.is_meta for t in _tensors((*args, *kwargs.values()))}
            on_device |= {_is_device(kwargs["device"])} if kwargs.get("device") is not None else set()
            if on_device - {_is_device(generator.device)}:
                raise DeviceError(f"{name}: a generator of another device than its tensors")
        return function(*args, **kwargs)


class _Operations(TorchDispatchMode):
    """Operations below autograd, in the order in which a device would get them."""

    def __init__(self, gpu):
        super().__init__()
        self.gpu = gpu

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs, name = kwargs or {}, function._schema.name
        if function.is_view:
            return function(*args, **kwargs)
        if name in ("aten::copy_", "aten::_to_copy"):
            crossed = self._crossed(name, args, kwargs)
            if crossed is not None:
                return crossed
        tensors = _tensors((*args, *kwargs.values()))
        # A single number on the host goes along as an argument.
        if len({t.is_meta for t in tensors if t.dim() > 0 or t.is_meta}) > 1:
            shapes = [(t.device.type, tuple(t.shape)) for t in tensors]
            raise DeviceError(f"{name}: tensors of two devices, {shapes}")
        if name in READS_ITS_SIZE and tensors[0].is_meta:
            self.gpu.note(self.gpu.reads, name)
            return torch.zeros(kwargs.get("minlength", args[-1]), dtype=torch.long, device=DEVICE)
        result = function(*args, **kwargs)
        if name not in NO_KERNEL and any(t.is_meta for t in (*tensors, *_tensors((result,)))):
            self.gpu.kernels[name] += 1
        return result

    def _crossed(self, name, args, kwargs):
        """Note a copy between host and device; return its result, None if it stays on one side."""
        target, source = args if name == "aten::copy_" else (None, args[0])
        to_device = _is_device(kwargs.get("device") or source.device) if target is None else target.is_meta
        if source.is_meta == to_device:
            return None
        self.gpu.note(self.gpu.uploads if to_device else self.gpu.reads, f"{name} of {tuple(source.shape)}")
        if target is not None:
            return target
        dtype, device = kwargs.get("dtype") or source.dtype, kwargs["device"]
        return torch.zeros(source.shape, dtype=dtype, device=device)


class _Generator(torch.Generator):
    """Generator of any device; torch has none for `DEVICE`, so one of the host holds its state."""

    device = torch.device(DEVICE)

    def __new__(cls, device="cpu"):
        return super().__new__(cls) if _is_device(device) else _HostGenerator(device)

    def set_state(self, state):
        """Go on from a state, which has to lie on the host."""
        if state.is_meta:
            raise DeviceError("set_state: a generator's state has to lie on the host")
        return super().set_state(state)

    def clone_state(self):
        """Return another generator in the state of this one."""
        clone = type(self)(DEVICE)
        clone.set_state(self.get_state())
        return clone


_HostGenerator = torch.Generator


def _tensors(values):
    """Return the tensors among values, and in lists among them."""
    tensors = [value for value in values if isinstance(value, Tensor)]
    for value in values:
        if isinstance(value, (tuple, list)):
            tensors += _tensors(value)
    return tensors


def _is_device(device):
    return device is not None and torch.device(device).type == DEVICE
