"""Measures of trained networks: arrays in, values out.

Nothing here reads files, prints, plots or trains, and nothing imports the other packages or torch. `spectra`
(Fourier transforms over the residues) and `masks` (pruning masks) are at the bottom. `mechanism` (how a
network computes), `dynamics` (how training proceeds) and `graphs` (the graph of a mask) may import these two
and never each other. `statistics` (censored times) imports none of the folders. `interventions` (activations
patched, logits attributed, inputs steered) may import all but `dynamics` and `graphs`.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(
    __name__,
    {
        "amplitude_phase": "spectra.fourier",
        "effective_maps": "mechanism.effective_weights",
        "frequency_power": "spectra.weight_spectrum",
        "grokking_times": "dynamics.threshold_crossings",
        "keep_top": "masks.topk",
        "key_frequencies": "mechanism.key_frequency_rules",
        "median_time": "statistics.censored_times",
        "misalignment": "mechanism.phase_alignment",
        "neuron_frequency": "spectra.weight_spectrum",
        "properties": "graphs.graph_measures",
    },
)
