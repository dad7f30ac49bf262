"""Choice between the Triton kernel and torch's kernels for AdamW of all slots."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Literal

import torch
from torch import Tensor

from training.optimization.slots.adamw_eager import SlotUpdate, eager_update
from training.optimization.slots.slot_settings import SlotSettings

OLDEST_TRITON = (3, 2)
"""First version that has every operation of the kernel; torch 2.6 came with it."""


@dataclass(frozen=True)
class UpdatePath:
    """Kernels of an update and the reason for their choice, as the platform record and the bench say it."""

    name: Literal["triton", "eager"]
    reason: str


def adamw_path(
    device: torch.device,
    environment: Mapping[str, str] = os.environ,
    load: Callable[[str], Any] = import_module,
) -> UpdatePath:
    """Return the path of AdamW on a device: Triton on CUDA if it works there, else eager.

    The kernel is tried once per device and process. `TRITON_INTERPRET=1` in the environment runs it on the
    CPU, by Triton's interpreter.

    Parameters
    ----------
    device : torch.device
        Where the slots are trained.
    environment : mapping
        Environment variables.
    load : callable
        Imports a module by name.
    """
    return _path(device, device.type == "cpu" and environment.get("TRITON_INTERPRET") == "1", load)


@cache
def _path(device: torch.device, is_interpreted: bool, load: Callable[[str], Any]) -> UpdatePath:
    if device.type != "cuda" and not is_interpreted:
        return UpdatePath("eager", f"device is {device.type}")
    wanted = f"expected triton {'.'.join(map(str, OLDEST_TRITON))} or later"
    try:
        version = str(load("triton").__version__)
    except ImportError as error:
        return UpdatePath("eager", f"{wanted}, got none ({error}); pip install triton")
    if _numbers(version) < OLDEST_TRITON:
        return UpdatePath("eager", f"{wanted}, got {version}; update it together with torch")
    try:
        _try_kernel(load("training.optimization.slots.adamw_triton"), device)
    except Exception as error:  # whatever a compiler or a driver may raise
        line = " ".join(str(error).split())
        return UpdatePath("eager", f"triton {version} failed here: {type(error).__name__}: {line}")
    return UpdatePath("triton", f"triton {version}{', interpreted' if is_interpreted else ''}")


def adamw_update(
    trained: Sequence[Tensor],
    state: Mapping[str, Sequence[Tensor]],
    settings: SlotSettings,
    mask_rw: Tensor | None,
) -> SlotUpdate:
    """Return AdamW of all slots by the path of their device; see `Optimizer.slot_update`."""
    if adamw_path(trained[0].device).name == "eager":
        return eager_update(trained, state, settings, mask_rw)
    from training.optimization.slots.adamw_triton import triton_update

    return triton_update(trained, state, settings, mask_rw)


def _numbers(version: str) -> tuple[int, ...]:
    """Return major and minor version."""
    return tuple(int("".join(filter(str.isdigit, part)) or 0) for part in version.split(".")[:2])


def _try_kernel(module: Any, device: torch.device) -> None:
    """Update one weight: a missing compiler shows here, not in the middle of a training."""
    w, g, m, v = (torch.zeros(1, 1, device=device) for _ in range(4))
    settings = SlotSettings(1, device)
    settings.live.fill_(1.0)
    module.triton_update([w], {"mean": [m], "square": [v]}, settings, None)([g])
    if device.type == "cuda":
        torch.cuda.synchronize(device)
