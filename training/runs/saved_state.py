"""Content of files of tensors, and a state's plain values, read without torch."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np


def state_bytes(state: Mapping[str, Any]) -> bytes:
    """Return the content of a state's file."""
    import torch

    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    return buffer.getvalue()


def tensor_bytes(tensors: Mapping[str, np.ndarray]) -> bytes:
    """Return the content of a safetensors file."""
    from safetensors.numpy import save

    return save({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()})


class _WithoutTensors(pickle.Unpickler):
    """Unpickler that reads tensors as None and runs no code."""

    def find_class(self, module: str, name: str) -> Any:
        return lambda *args: None

    def persistent_load(self, pid: Any) -> None:
        return None


def read_without_tensors(path: Path) -> dict[str, Any]:
    """Return a file's table with None in place of tensors.

    The tensors' bytes are not read.

    Raises
    ------
    Exception
        Of whatever kind a damaged file makes its readers raise.
    """
    with zipfile.ZipFile(path) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        with archive.open(name) as content:
            return _WithoutTensors(content).load()
