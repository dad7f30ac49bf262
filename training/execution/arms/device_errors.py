"""Errors of a GPU that is gone, in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from training.runs.atomic_files import RunError

SIGNS_OF_LOSS = ("CUDA error", "device-side assert", "CUDA driver", "cuBLAS error", "CUBLAS_STATUS")
"""Texts by which torch tells that a device no longer answers."""


@contextmanager
def device_loss_explained(device: str) -> Iterator[None]:
    """Raise a `RunError` of one line where the device was lost.

    Lack of memory passes.
    """
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        if device == "cpu" or not any(sign in str(error) for sign in SIGNS_OF_LOSS):
            raise
        (first, *_) = str(error).splitlines()
        raise RunError(
            f"{device}: was lost ({first}); the last saved states stay: run the command again to resume"
        ) from error
