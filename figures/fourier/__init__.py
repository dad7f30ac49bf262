"""Figures of spectra of weights, logits and neurons.

Each file draws one figure from tables of `analyses.fourier`; `FIGURES` declares them. Imports that schema,
`analyses.tables` and `figures.drawing`.
"""

from analyses.fourier import schema as fourier
from figures.drawing.figure_spec import FigureSpec

FIGURES = (
    FigureSpec(
        name="periodicity",
        shows="Fourier entropy of the neurons' weights, spectra and single neurons",
        draws="fourier.periodicity",
        tables=(fourier.MEANS, fourier.SPECTRA, fourier.NEURONS, fourier.INPUT_WEIGHTS),
        paper="Minegishi et al.: periodicity",
        recipe="modadd_ticket",
    ),
    FigureSpec(
        name="spectra_mainline",
        shows="spectra of the embedding and the neuron–logit map, of logits and neurons over both inputs",
        draws="fourier.spectrum_2d",
        tables=(fourier.SPECTRA, fourier.PAIRS),
        paper="Nanda et al., arXiv:2301.05217: Fourier components",
        recipe="n_mainline",
    ),
    FigureSpec(
        name="fourier",
        shows="entropy, IPR, the embedding's spectrum and single neurons through training",
        draws="fourier.periodicity",
        tables=(fourier.MEANS, fourier.SPECTRA, fourier.NEURONS, fourier.INPUT_WEIGHTS),
        after_analysis=True,
    ),
)
