"""He et al.'s network, on one-hot inputs or an embedding."""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(__name__, {"EmbeddedMLP": "architecture", "OneHotMLP": "architecture"})
