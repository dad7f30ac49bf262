"""Measures of networks given as a function of pairs of residues.

`pair_grid` evaluates a function, such as a torch module, on all ordered pairs; the measures of
`interp.mechanism` take its result. May import `interp.mechanism`, `interp.spectra` and `interp.masks`.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(
    __name__,
    {
        "additive_maps": "neuron_inputs",
        "all_pairs": "evaluation",
        "excluded_loss": "losses",
        "fitted_key_frequencies": "logit_frequencies",
        "pair_grid": "evaluation",
        "pair_loss": "losses",
        "progress_losses": "progress_measures",
        "restricted_loss": "losses",
    },
)
