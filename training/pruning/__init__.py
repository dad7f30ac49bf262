"""Pruning methods and starts: which weights are kept, and their initial values.

`METHODS` and `STARTS` declare what each needs of a source arm. Nothing here imports torch at its top. May
import `interp.masks`, `training.schema` and `training.models`.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(
    __name__,
    {
        "METHODS": "registry",
        "STARTS": "registry",
        "CannotPrune": "method",
        "Initialization": "initialization",
        "Mask": "method",
        "Method": "method",
        "Subject": "method",
        "norm_ratio": "initialization",
    },
)
