"""Pruning masks: by score, at random, compared with each other.

Norms of the masked weights are here too. Imports nothing else of `interp`.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(
    __name__,
    {
        "chance_jaccard_distances": "overlap",
        "density": "topk",
        "jaccard_distances": "overlap",
        "keep_count": "topk",
        "keep_top": "topk",
        "keep_top_globally": "topk",
        "magnitude_mask": "topk",
        "overlap_excess": "overlap",
        "overlap_z_scores": "overlap",
        "random_mask": "random_masks",
        "relative_spread": "weight_norms",
        "rewired_mask": "random_masks",
        "shuffled_mask": "random_masks",
        "weight_norm": "weight_norms",
    },
)
