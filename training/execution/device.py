"""Device of a training, and settings of the process that uses it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from training.schema.validation import ConfigError


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
