"""Parametrizations: one file each, from trained rows to a network's weights.

`registry` declares each without torch; the classes import torch. May import `interp`, `training.schema`,
`training.models` and `training.tasks`.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(
    __name__,
    {
        "PARAMETRIZATIONS": "registry",
        "Parametrization": "base",
        "ParametrizationSettings": "registry",
        "ParametrizationSpec": "registry",
        "StackedArms": "base",
    },
)
