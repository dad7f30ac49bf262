"""Device and platform of a training, and settings of the process that uses it."""

from __future__ import annotations

import functools
import platform as machine
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from training.runs.atomic_files import RunError
from training.schema.validation import ConfigError


class OtherPlatformError(RunError):
    """Arm that was begun on a platform that is not this one."""


def prepare_process() -> None:
    """Use one thread, and flush denormal numbers to zero.

    Squared gradients of a memorized network sink into denormals, which are many times slower to compute with.
    """
    import numpy as np
    import torch

    for dtype in (np.float32, np.float64):
        np.finfo(dtype)  # remembered; NumPy 2.1 to 2.3 warns if it is first asked for below
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)


@contextmanager
def prepared_process() -> Iterator[None]:
    """Prepare this process for training, and restore its settings at the end."""
    import torch

    threads, flushes = torch.get_num_threads(), sys.float_info.min * 0.5 == 0
    prepare_process()
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_flush_denormal(flushes)


def resolve_device(device: str) -> str:
    """Return the device to use: `auto` is cuda if there is one, otherwise cpu.

    It is never mps unless named: some operations give wrong results there without an error.

    Raises
    ------
    ConfigError
        If this machine does not have the device.
    """
    import torch

    n_gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device == "auto":
        return "cuda" if n_gpus else "cpu"
    devices = ["cpu", *(f"cuda:{i}" for i in range(n_gpus))]
    if n_gpus:
        devices.append("cuda")
    if torch.backends.mps.is_available():
        devices.append("mps")
    if device not in devices:
        raise ConfigError(
            f"--device: expected auto or one that this machine has ({', '.join(devices)}), got {device!r}"
        )
    return device


def platform_of(device: str) -> Mapping[str, str]:
    """Return what beside config and code decides the bytes of a training.

    Parameters
    ----------
    device : str
        Resolved, as "cpu" or "cuda:0".

    Returns
    -------
    mapping
        `device` ("cpu", or the name of the GPU), `cpu` (the vector instructions that torch uses), `machine`,
        the versions of `torch` and `numpy`, and `engine` (the libraries of products and of fused loops; on
        CUDA the kernels of AdamW).
    """
    from training.models.kernels.batched_matmul import matmul_library
    from training.models.kernels.fused import fused_library

    libraries = matmul_library(device), fused_library(device), _update_kernels(device)
    return {**_machine_of(device), "engine": ", ".join(name for name in libraries if name)}


@functools.cache
def _machine_of(device: str) -> Mapping[str, str]:
    import numpy as np
    import torch

    return {
        "device": torch.cuda.get_device_name(device) if device.startswith("cuda") else device,
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "machine": machine.machine(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
    }


def _update_kernels(device: str) -> str | None:
    """Return the kernels of AdamW on CUDA; elsewhere they are torch's own."""
    if not device.startswith("cuda"):
        return None
    import torch

    from training.optimization.slots.adamw_choice import adamw_path

    return f"{adamw_path(torch.device(device)).name} update"


def platform_differences(recorded: Mapping[str, str], here: Mapping[str, str]) -> str:
    """Return the fields in which two platforms differ, as text; empty if they are equal.

    A field that one of them lacks is unknown, and does not differ.
    """
    both = [name for name in here if name in recorded and recorded[name] != here[name]]
    return ", ".join(f"{name} {recorded[name]}, here {here[name]}" for name in both)
