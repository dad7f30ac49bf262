"""Figures of He et al., arXiv:2602.16849."""

from figures.catalogue.entry import Entry

HE = (
    Entry(
        name="phases",
        shows="output phases against twice the input phases, and their alignment through training",
        paper="He et al.: phase alignment",
        script="phases",
        needs=(("h_standard", "phases"),),
    ),
    Entry(
        name="phase_rings",
        shows="input phases of the neurons of every frequency, on circles",
        paper="He et al.: phase symmetry",
        script="phase_rings",
        needs=(("h_standard", "phases"),),
    ),
    Entry(
        name="magnitudes",
        shows="neurons per frequency, and how equal their amplitudes become",
        paper="He et al.: frequency diversification and magnitudes",
        script="magnitudes",
        needs=(("h_standard", "phases"),),
    ),
    Entry(
        name="magnitudes_quad",
        shows="the same of squares, where gradient descent lets few neurons grow",
        paper="He et al.: magnitudes, σ = x²",
        script="magnitudes",
        needs=(("h_quad", "phases"),),
    ),
    Entry(
        name="output_logits",
        shows="logits of every class at one x, beside those of ideal neurons",
        paper="He et al.: output logits",
        script="output_logits",
        needs=(("h_standard", "logits"),),
    ),
    Entry(
        name="output_logits_quad",
        shows="the same of squares, by AdamW and by gradient descent",
        paper="He et al.: output logits, σ = x²",
        script="output_logits",
        needs=(("h_quad", "logits"),),
    ),
    Entry(
        name="flawed_indicator",
        shows="fit of the flawed indicator through training, and the vote of the neurons",
        paper="He et al.: flawed indicator",
        script="logits",
        needs=(("h_quad", "logits"),),
    ),
    Entry(
        name="vote_subsets",
        shows="votes of some frequencies, and of some neurons of every frequency",
        paper="He et al.: subsets of frequencies and phases",
        script="vote_subsets",
        needs=(("h_standard", "logits"),),
    ),
    Entry(
        name="vote_subsets_quad",
        shows="the same of squares",
        paper="He et al.: subsets of frequencies and phases, σ = x²",
        script="vote_subsets",
        needs=(("h_quad", "logits"),),
    ),
    Entry(
        name="grokking_stages",
        shows="loss, accuracy, norm, IPR and alignment through three stages, and which pairs are known when",
        paper="He et al.: grokking, memorisation of common and rare pairs",
        script="stages",
        needs=(("h_grokking", "stages"),),
    ),
    Entry(
        name="lottery",
        shows="a neuron's frequencies racing, blow-up times, and rules that tell the winner",
        paper="He et al.: lottery",
        script="lottery",
        needs=(("h_quad", "lottery"),),
    ),
    Entry(
        name="single_frequency",
        shows="neurons of one frequency, for x² and ReLU: phases align, then amplitudes grow",
        paper="He et al.: training from a single frequency per neuron",
        script="single_frequency",
        needs=(("h_quad_single_freq", "phases"), ("h_relu_single_freq", "phases")),
    ),
    Entry(
        name="flow",
        shows="the decoupled flow against gradient descent, where they part and why, and the invariants",
        paper="He et al.: decoupled gradient flow",
        script="flow",
        needs=(("h_quad_single_freq", "flow"),),
    ),
    Entry(
        name="leakage",
        shows="harmonics in the gradient and the weights of ReLU neurons beside their limits",
        paper="He et al.: leakage of the ReLU",
        script="leakage",
        needs=(("h_relu_single_freq", "leakage"),),
    ),
)
