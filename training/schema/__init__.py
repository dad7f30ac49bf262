"""Config validation, registries, and descriptions taken from docstrings.

The ground floor: everything else may use it. May import `interp.lazy_exports`.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(
    __name__,
    {
        "ConfigError": "validation",
        "Registry": "registry",
        "UnknownNameError": "registry",
        "build": "validation",
        "config_hash": "validation",
        "differences": "validation",
        "require": "validation",
        "to_dict": "validation",
    },
)
