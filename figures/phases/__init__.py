"""Figures of phases of the neurons."""

from analyses.phases import schema as phases
from figures.drawing.figure_spec import FigureSpec

FIGURES = (
    FigureSpec(
        name="phases",
        shows="output phases against twice the input phases, and their alignment through training",
        draws="phases.phase_alignment",
        tables=(phases.MEANS, phases.NEURONS),
        paper="He et al.: phase alignment",
        recipe="h_standard",
        after_analysis=True,
    ),
    FigureSpec(
        name="phase_rings",
        shows="input phases of the neurons of every frequency, on circles",
        draws="phases.phase_circles",
        tables=(phases.NEURONS, phases.GROUPS),
        paper="He et al.: phase symmetry",
        recipe="h_standard",
        after_analysis=True,
    ),
    FigureSpec(
        name="magnitudes",
        shows="neurons per frequency, and how equal their amplitudes become",
        draws="phases.frequency_allocation",
        tables=(phases.MEANS, phases.NEURONS, phases.GROUPS),
        paper="He et al.: frequency diversification and magnitudes",
        recipe="h_standard",
        after_analysis=True,
    ),
    FigureSpec(
        name="magnitudes_quad",
        shows="the same of squares, where gradient descent lets few neurons grow",
        draws="phases.frequency_allocation",
        tables=(phases.MEANS, phases.NEURONS, phases.GROUPS),
        paper="He et al.: magnitudes, σ = x²",
        recipe="h_quad",
    ),
    FigureSpec(
        name="single_frequency",
        shows="neurons of one frequency, for x² and ReLU: phases align, then amplitudes grow",
        draws="phases.single_frequency",
        tables=(("h_quad_single_freq", phases.NEURONS), ("h_relu_single_freq", phases.NEURONS)),
        paper="He et al.: training from a single frequency per neuron",
    ),
)
