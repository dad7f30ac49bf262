"""Package exports that are imported on first use."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def lazy_exports(package: str, exports: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a module's `__getattr__` that imports its exports on first use (PEP 562).

    Parameters
    ----------
    package : str
        `__name__` of the package.
    exports : mapping
        By exported name: the module below the package that defines it, as "registry".

    Examples
    --------
    In `training/tasks/__init__.py`::

        __getattr__ = lazy_exports(__name__, {"TASKS": "registry", "Dataset": "dataset"})
    """

    def get(name: str) -> Any:
        if name not in exports:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        exported = getattr(importlib.import_module(f"{package}.{exports[name]}"), name)
        setattr(sys.modules[package], name, exported)
        return exported

    return get
