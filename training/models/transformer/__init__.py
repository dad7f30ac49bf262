"""A transformer of one layer on pairs of residues.

Settings are in `architecture`, forward passes in `network` and `stacked_network`; `hooked_transformer` is the
network in TransformerLens, and alone imports it. May import what other models may.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(__name__, {"Transformer": "architecture"})
