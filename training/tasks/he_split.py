"""He et al.'s split of the pairs.

Their code draws it after their network. Torch is imported when the split is drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Int


def he_width(p: int) -> int:
    """Return the width of He et al.'s network for p residues.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849 (512 for p = 23, in proportion to p² above; from the published code).
    """
    return max(512, -(-512 * p**2 // 529))


def he_order(p: int, seed: int) -> Int[np.ndarray, " n"]:
    """Return He et al.'s order of all ordered pairs.

    It is drawn after both matrices of their network, which has their width, whatever the recipe trains: the
    split belongs to the task alone.
    """
    import torch

    generator = torch.Generator().manual_seed(seed)
    for _ in range(2):
        torch.randn(p * he_width(p), generator=generator)
    return torch.randperm(p**2, generator=generator).numpy()
