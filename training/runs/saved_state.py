"""Plain values of a file that `torch.save` wrote, read without torch."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any


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
