"""Figures of the neurons' phases, frequencies and amplitudes.

Each file draws one figure from tables of `analyses.phases`; `FIGURES` declares them. Imports that schema,
`analyses.tables` and `figures.drawing`.
"""

from analyses.phases import schema as phases
from figures.drawing.figure_option import FigureOption
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
        shows="input phases of one network's neurons, a circle per frequency",
        draws="phases.phase_circles",
        tables=(phases.NEURONS, phases.GROUPS),
        paper="He et al.: phase symmetry",
        recipe="h_standard",
        after_analysis=True,
        options=(
            FigureOption(
                name="circles", about="frequencies shown, those of most neurons", default=12, least=1, most=60
            ),
            FigureOption(name="seed", about="seed of the network; the first by default", least=0),
        ),
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
        shows="neurons per frequency and amplitudes with squares, where gradient descent grows few neurons",
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
