"""He et al.'s network, on one-hot inputs or on an embedding: settings, activations, start, gradient."""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(__name__, {"EmbeddedMLP": "architecture", "OneHotMLP": "architecture"})
