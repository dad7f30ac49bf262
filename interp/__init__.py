"""Measures of trained networks: arrays in, values out.

Nothing here reads files, prints, plots or trains, and nothing imports the other packages or torch. `spectra`
(Fourier transforms over the residues) and `masks` (pruning masks) are at the bottom. `mechanism` (how a
network computes), `dynamics` (how training proceeds) and `graphs` (the graph of a mask) may import these two
and never each other. `interventions` (activations patched, logits attributed, inputs steered, neurons read by
another network) and `pairs` (measures of a network that is any function of two residues) are above
`mechanism`. `statistics` (censored times) imports none of the folders.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(
    __name__,
    {
        "additive_maps": "pairs.neuron_inputs",
        "all_pairs": "pairs.evaluation",
        "amplitude_phase": "spectra.fourier",
        "cosine_fit": "mechanism.logit_fit",
        "effective_maps": "mechanism.effective_weights",
        "excluded_loss": "pairs.losses",
        "fitted_key_frequencies": "pairs.logit_frequencies",
        "frequency_power": "spectra.weight_spectrum",
        "grokking_times": "dynamics.threshold_crossings",
        "grouped_vote_curve": "mechanism.majority_vote",
        "keep_top": "masks.topk",
        "key_frequencies": "mechanism.key_frequency_rules",
        "median_time": "statistics.censored_times",
        "misalignment": "mechanism.phase_alignment",
        "neuron_frequency": "spectra.weight_spectrum",
        "pair_grid": "pairs.evaluation",
        "pair_loss": "pairs.losses",
        "progress_losses": "pairs.progress_measures",
        "properties": "graphs.graph_measures",
        "restricted_loss": "pairs.losses",
        "vote_curve": "mechanism.majority_vote",
    },
)
