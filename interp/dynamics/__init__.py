"""Dynamics of training: grokking times, stages, and the decoupled gradient flow.

Curves of a training run are read for threshold crossings and stages; initial weights are followed along the
decoupled flow, which predicts the frequency of each neuron. May import `interp.spectra` and `interp.masks`.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(
    __name__,
    {
        "blowup_time": "frequency_lottery",
        "class_means": "memorization",
        "first_crossing": "threshold_crossings",
        "gradient_descent": "decoupled_flow",
        "gradient_flow": "decoupled_flow",
        "grokking_stages": "training_stages",
        "grokking_times": "threshold_crossings",
        "half_decrease_step": "threshold_crossings",
        "invariants": "decoupled_flow",
        "match_frequencies": "frequency_lottery",
        "pair_classes": "memorization",
        "predicted_frequency": "frequency_lottery",
        "relu_leakage": "harmonic_leakage",
        "relu_leakage_limit": "harmonic_leakage",
        "simulate_competition": "frequency_competition",
        "velocity": "decoupled_flow",
    },
)
