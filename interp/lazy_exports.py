"""Package exports that are imported on first use."""

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def lazy_exports(package: str, exports: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a package's `__getattr__`, which imports an export on first use.

    `dir(package)` lists the exports too, for tab completion.

    Importing one light module, such as `interp.masks.topk`, then does not import SciPy's integrators or
    networkx, which other modules need.

    Parameters
    ----------
    package : str
        `__name__` of the package.
    exports : Mapping[str, str]
        By exported name, the module below the package that defines the name: "fourier", "masks.topk".

    Returns
    -------
    Callable[[str], Any]
        Looks up an export by name.

    Raises
    ------
    AttributeError
        From the returned function, if the name is no export.

    References
    ----------
    .. [1] PEP 562 (`__getattr__` of a module).

    Examples
    --------
    >>> lazy_exports("interp.masks", {"density": "topk"})("density").__module__
    'interp.masks.topk'
    """

    def export(name: str) -> Any:
        if name not in exports:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(f"{package}.{exports[name]}"), name)
        setattr(sys.modules[package], name, value)  # the next access no longer comes here
        return value

    setattr(sys.modules[package], "__dir__", lambda: sorted({*vars(sys.modules[package]), *exports}))  # noqa: B010
    return export
