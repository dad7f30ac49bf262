"""Mechanism of a trained network: frequencies, phases, votes, logits.

The measures take weights as maps between residues and neurons (`effective_weights`), activations or logits.
May import `interp.spectra` and `interp.masks`.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(
    __name__,
    {
        "activation_swap": "two_layer_forward",
        "amplitude_variation": "diversification",
        "circularity": "clock_pizza",
        "cosine_fit": "logit_fit",
        "cross_entropy": "logit_fit",
        "distance_irrelevance": "clock_pizza",
        "effective_maps": "effective_weights",
        "excluded_logits": "fourier_ablation",
        "frequency_agreement": "phase_alignment",
        "frequency_counts": "diversification",
        "gradient_symmetricity": "clock_pizza",
        "graph_layer_names": "effective_weights",
        "group_votes": "majority_vote",
        "grouped_vote_curve": "majority_vote",
        "ideal_neurons": "flawed_indicator",
        "indicator_fit": "flawed_indicator",
        "indicator_logits": "flawed_indicator",
        "key_frequencies": "key_frequency_rules",
        "key_frequencies_by_rule": "key_frequency_rules",
        "layer_matrices": "effective_weights",
        "logit_margin": "logit_fit",
        "misalignment": "phase_alignment",
        "pair_activations": "two_layer_forward",
        "pair_logits": "two_layer_forward",
        "phase_symmetry": "diversification",
        "residue_weights": "effective_weights",
        "restricted_logits": "fourier_ablation",
        "restricted_logits_through_neurons": "fourier_ablation",
        "second_harmonic": "frequency_overlap",
        "set_overlap": "frequency_overlap",
        "vote_curve": "majority_vote",
        "weighted_agreement": "frequency_overlap",
        "wrap_angle": "phase_alignment",
    },
)
