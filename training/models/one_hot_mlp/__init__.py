"""He et al.'s network, on one-hot inputs or an embedding.

Settings are in `architecture`, start, forward pass and gradient in `network`, activation functions in
`activations`. May import what other models may.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(__name__, {"EmbeddedMLP": "architecture", "OneHotMLP": "architecture"})
