"""Kernels of the fast networks: products, sums of rows, fused loops, arms one at a time.

They import torch. May import `interp.lazy_exports`, and nothing else of this project.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(
    __name__, {"PairSum": "pair_embedding", "RowSums": "row_sums", "stacked_matmul": "batched_matmul"}
)
