"""Minegishi et al.'s MLP on modular addition."""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(__name__, {"EmbedMLP": "architecture"})
