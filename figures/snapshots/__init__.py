"""Figures of weights and masks as pictures.

`FIGURES` declares them; each is drawn by the module that its `draws` names, from tables of
`analyses.snapshots`. May import `analyses.snapshots.schema`, `analyses.tables` and `figures.drawing`.
"""

from analyses.snapshots import schema as snapshots
from figures.drawing.figure_option import FigureOption
from figures.drawing.figure_spec import FigureSpec


def _neurons(default: int) -> FigureOption:
    """Return the option of the number of neurons that a figure shows."""
    about = "neurons shown, those of largest amplitude with different frequencies"
    return FigureOption(name="neurons", about=about, default=default, least=1, most=20)


FIGURES = (
    FigureSpec(
        name="neurons",
        shows="input weights of three neurons at start, memorised and end, dense network and ticket",
        draws="snapshots.single_neurons",
        tables=(snapshots.MOMENTS, snapshots.NEURONS, snapshots.MAPS),
        paper="Minegishi et al.: periodicity, single neurons",
        recipe="modadd_ticket",
        after_analysis=True,
        options=(_neurons(3),),
    ),
    FigureSpec(
        name="weights_mlp",
        shows="input and output weights of all neurons, start and end, dense network and ticket",
        draws="snapshots.weight_maps",
        tables=(snapshots.MOMENTS, snapshots.NEURONS, snapshots.MAPS),
        paper="Minegishi et al.: weights",
        recipe="modadd_ticket",
    ),
    FigureSpec(
        name="masks_as_pictures",
        shows="weight matrices of the dense network, and what masks of ticket and control leave of them",
        draws="snapshots.weight_matrices",
        tables=(snapshots.NEURONS, snapshots.MATRICES),
        paper="Minegishi et al.: masks",
        recipe="modadd_ticket",
    ),
    FigureSpec(
        name="cosines",
        shows="learned weights with their cosines, of single neurons and of all in order of frequency",
        draws="snapshots.cosine_fits",
        tables=(snapshots.NEURONS, snapshots.MAPS),
        paper="He et al.: learned weights",
        recipe="h_standard",
        after_analysis=True,
    ),
    FigureSpec(
        name="weight_stages",
        shows="spectra and weights of the neurons at the ends of the stages of grokking",
        draws="snapshots.weight_stages",
        tables=(snapshots.MOMENTS, snapshots.ACCURACY, snapshots.NEURONS, snapshots.MAPS, snapshots.SPECTRA),
        paper="He et al.: weights through grokking",
        recipe="h_grokking",
        after_analysis=True,
    ),
    FigureSpec(
        name="film",
        shows="animation: spectra and single neurons through training, dense network and ticket",
        draws="snapshots.training_animation",
        tables=(snapshots.MOMENTS, snapshots.ACCURACY, snapshots.NEURONS, snapshots.MAPS, snapshots.SPECTRA),
        recipe="modadd_ticket",
        after_analysis=True,
        moving=True,
        options=(
            FigureOption(
                name="frames",
                about="frames, of evenly spaced checkpoints; one per saved checkpoint by default",
                least=2,
            ),
            _neurons(2),
        ),
    ),
    FigureSpec(
        name="maps",
        shows="input and output weights of all neurons over the residues, start and end",
        draws="snapshots.weight_maps",
        tables=(snapshots.MOMENTS, snapshots.NEURONS, snapshots.MAPS),
        after_analysis=True,
    ),
    FigureSpec(
        name="matrices",
        shows="weight matrices and what masks leave of them",
        draws="snapshots.weight_matrices",
        tables=(snapshots.NEURONS, snapshots.MATRICES),
        after_analysis=True,
    ),
)
