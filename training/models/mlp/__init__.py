"""A ReLU network on features.

Settings are in `architecture`, forward pass and gradient in `network`. May import what other models may.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(__name__, {"MLP": "architecture"})
