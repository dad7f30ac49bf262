"""A transformer of one layer on pairs of residues.

`hooked_transformer` is the same network in TransformerLens, and alone imports it.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(__name__, {"Transformer": "architecture"})
