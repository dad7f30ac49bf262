"""Fourier spectra of functions of residues: weights, embeddings, logits.

Transforms and their conventions are in `fourier`; the other files reduce a spectrum to a few numbers. Imports
nothing else of `interp`.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(
    __name__,
    {
        "activation_frequency": "pair_spectrum",
        "amplitude_phase": "fourier",
        "complex_amplitude": "fourier",
        "fourier_basis": "fourier",
        "fourier_coefficient_ratio": "embedding_spectrum",
        "fourier_coefficients": "fourier",
        "fourier_entropy": "concentration",
        "fourier_frequency_density": "embedding_spectrum",
        "frequency_norms": "weight_spectrum",
        "frequency_power": "weight_spectrum",
        "gini_coefficient": "concentration",
        "inverse_participation_ratio": "concentration",
        "mean_over_neurons": "weight_spectrum",
        "neuron_frequency": "weight_spectrum",
        "neuron_gini": "concentration",
        "pair_power": "pair_spectrum",
        "spectrum_2d": "pair_spectrum",
    },
)
