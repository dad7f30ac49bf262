"""Interventions: parts of one network put into another.

May import `interp.spectra`, `interp.masks` and `interp.mechanism`.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(
    __name__,
    {
        "matched_neurons": "stitching",
        "spectrum_similarity": "stitching",
        "stitched_logits": "stitching",
        "wave_similarity": "stitching",
    },
)
