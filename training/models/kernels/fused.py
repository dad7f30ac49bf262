"""Choice of the fused loops: numba's on a CPU in float32, else torch's operations.

The extra `fast` installs numba. The environment variable GROKKING_TICKETS_FUSED=0 turns its loops off. The
choice is part of the platform's record, so that one arm is never trained by both.
"""

from __future__ import annotations

import functools
import os
from importlib.metadata import version
from types import ModuleType

import torch

SWITCH = "GROKKING_TICKETS_FUSED"


@functools.cache
def _compiled() -> ModuleType | None:
    try:
        from training.models.kernels import compiled_loops
    except ImportError:  # numba is absent, or older than NumPy allows
        return None
    return compiled_loops


def fused_loops(device: torch.device | str, dtype: torch.dtype = torch.float32) -> ModuleType | None:
    """Return the compiled loops, None where torch's operations serve."""
    if os.environ.get(SWITCH) == "0" or torch.device(device).type != "cpu" or dtype != torch.float32:
        return None
    return _compiled()


def fused_library(device: torch.device | str) -> str | None:
    """Return the name and version of the library of fused loops on a device."""
    return None if fused_loops(device) is None else f"numba {version('numba')}"
