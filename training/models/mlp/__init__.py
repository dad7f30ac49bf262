"""A ReLU network on features."""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(__name__, {"MLP": "architecture"})
