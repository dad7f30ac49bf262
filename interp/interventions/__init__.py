"""Interventions: activations exchanged between runs, logits told by their sources, parts put together.

`patching` normalizes logits after activations of one pair are put into the run of another, `attribution` says
what each neuron adds to a logit, `steering` moves waves of an embedding, `stitching` reads one network's
neurons by another's output map. May import all folders of interp but `dynamics` and `graphs`.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(
    __name__,
    {
        "class_attribution": "attribution",
        "ghost_classes": "attribution",
        "logit_difference": "patching",
        "matched_neurons": "stitching",
        "nearest_shift": "attribution",
        "recovered_share": "patching",
        "sampled_pairs": "patching",
        "shifted_frequencies": "steering",
        "spectrum_similarity": "stitching",
        "stitched_logits": "stitching",
        "wave_similarity": "stitching",
    },
)
