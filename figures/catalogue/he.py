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
        name="lottery",
        shows="a neuron's frequencies racing, blow-up times, and rules that tell the winner",
        paper="He et al.: lottery",
        script="lottery",
        needs=(("h_quad", "lottery"),),
    ),
    Entry(
        name="cosines",
        shows="learned weights with their cosines, of single neurons and of all in order of frequency",
        paper="He et al.: learned weights",
        script="cosines",
        needs=(("h_standard", "snapshots"),),
    ),
    Entry(
        name="weight_stages",
        shows="spectra and weights of the neurons at the ends of the stages of grokking",
        paper="He et al.: weights through grokking",
        script="stages",
        needs=(("h_grokking", "snapshots"),),
    ),
)
