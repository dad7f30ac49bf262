"""A transformer of one layer on pairs of residues: settings, forward pass, gradient by hand.

`hooked_transformer` is the same network in TransformerLens, and alone imports it.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(__name__, {"Transformer": "architecture"})
