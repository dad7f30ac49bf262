"""Views of the page: their titles, their plots and the definitions they have one click away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from analyses.fourier import schema as fourier
from analyses.graph_props import schema as graph_props
from analyses.progress import schema as progress
from analyses.snapshots import schema as snapshots
from analyses.stages import schema as stages
from analyses.tables.columns import MISALIGNMENT
from analyses.tables.schema import Column, Table


@dataclass(frozen=True, kw_only=True)
class View:
    """A section of the page."""

    name: str
    """Also its place in the page's link."""
    title: str
    shows: str
    """What one sees, in a sentence or two."""
    plots: tuple[str, ...]
    """Kinds of its plots, keys of `figures.explorer.plots.PLOTS`."""
    of_run: bool = False
    """True: one plot for all networks; otherwise a column of plots for each chosen network."""
    columns: tuple[tuple[Table | None, Column], ...] = ()
    """Columns whose words from the schemas define what it shows."""

    def words(self) -> dict[str, Any]:
        """Return what the page says of it."""
        return {
            "name": self.name,
            "title": self.title,
            "shows": self.shows,
            "plots": self.plots,
            "of_run": self.of_run,
            "definitions": [_definition(table, column) for table, column in self.columns],
        }


def _definition(table: Table | None, column: Column) -> dict[str, str]:
    """Return name, meaning, unit and source of a column, in the schema's words."""
    name = column.name if table is None else f"{table.name}.{column.name}"
    return {"name": name, "meaning": column.meaning, "unit": column.unit, "source": column.source}


def _of(table: Table, *names: str) -> tuple[tuple[Table, Column], ...]:
    return tuple((table, table[name]) for name in names)


PROGRESS = progress.ANALYSIS.tables[0]
VIEWS: Sequence[View] = (
    View(
        name="curves",
        title="Curves",
        shows="Accuracy, loss and norm of the chosen networks. Solid: test set, and the L2 norm; dashed: "
        "training set, and the L1 norm. The vertical line is the step of the slider; dotted lines are "
        "t_mem and t_gen.",
        plots=("accuracy", "loss", "norm"),
        of_run=True,
        columns=_of(stages.CURVES, "train_acc", "test_acc", "train_loss", "test_loss", "l2"),
    ),
    View(
        name="neurons",
        title="Neurons",
        shows="Input weights (blue) and output weights (red) of every neuron over the residues, and the "
        "cosine of their strongest frequency (orange). Choose a neuron by a click, or by its number.",
        plots=("neurons",),
        columns=_of(snapshots.NEURONS, "frequency", "share", "place"),
    ),
    View(
        name="spectrum",
        title="Spectra",
        shows="Amplitude of each frequency in the weights of each neuron. Click a row to choose its neuron.",
        plots=("spectrum",),
        columns=((snapshots.SPECTRA, snapshots.SPECTRA["1"]), (snapshots.MAPS, snapshots.MAPS["1"])),
    ),
    View(
        name="neuron",
        title="One neuron",
        shows="The chosen neuron: weights over the residues (dotted: at the first checkpoint, dashed: their "
        "cosine), amplitudes, the phase of its last frequency through training, and its own weights at "
        "the first checkpoint, θ₀: orange above 0, purple below, grey where the mask prunes them.",
        plots=("waves", "amplitudes", "phase", "weights"),
        columns=_of(fourier.NEURONS, "frequency", "amplitude", "phase", "energy_share"),
    ),
    View(
        name="phases",
        title="Phases",
        shows="Outer ring: output phase ψ of each neuron; inner ring: twice its input phase, 2φ, each at the "
        "neuron's strongest input frequency, which gives the colour. Aligned neurons have radial "
        "links.",
        plots=("ring",),
        columns=((None, MISALIGNMENT),),
    ),
    View(
        name="logits",
        title="Logits over all pairs",
        shows="Logit of the right answer for each pair (a, b), less the mean over classes; or that of one "
        "class. For networks with attention, its margin over the largest wrong logit.",
        plots=("logits",),
        columns=_of(snapshots.PAIRS, "quantity"),
    ),
    View(
        name="mask",
        title="Mask",
        shows="Weights that the mask keeps (dark), a matrix at a time.",
        plots=("mask",),
        columns=_of(snapshots.MATRICES, "layer", "kept"),
    ),
    View(
        name="graph",
        title="The mask's graph beside random masks",
        shows="Units of the chosen matrix around a circle, joined where both keep more of the same "
        "connections than chance; coloured if both are neurons of one frequency. Beside it, random masks "
        "of equal density and of equal degrees by the same rule.",
        plots=("mask_graph",),
        columns=_of(snapshots.MASK_GRAPHS, "kind", "place", "1"),
    ),
    View(
        name="statistics",
        title="Statistics of the mask's graph",
        shows="Statistics of the graph of all layers: distance from random masks of equal densities "
        "(circles) and of equal degrees (squares), in their standard deviations. Grey: within two.",
        plots=("graph",),
        columns=_of(graph_props.PROPERTIES, "statistic", "value", "density_z", "degree_z"),
    ),
    View(
        name="race",
        title="Race of the frequencies",
        shows="Share of the weights' variance at each frequency, through training.",
        plots=("race",),
        columns=_of(fourier.SPECTRA, "share"),
    ),
    View(
        name="progress",
        title="Progress measures",
        shows="Losses with and without the waves of the key frequencies, and measures of the embedding.",
        plots=("progress_losses", "progress_measures"),
        columns=_of(
            PROGRESS, "restricted_sum2", "excluded", "trig_loss", "trig_r2", "key_share", "gini_embedding"
        ),
    ),
    View(
        name="attention",
        title="Attention",
        shows="Attention of each head to a, from the last position, over all pairs; below, its mean over b.",
        plots=("attention", "head_waves"),
        columns=_of(snapshots.PAIRS, "quantity"),
    ),
    View(
        name="circles",
        title="Circles of the embedding",
        shows="Embedding of the residues in the planes of its strongest frequencies; a line joins residues "
        "that follow one another around the circle.",
        plots=("circles",),
        columns=_of(snapshots.CIRCLES, "frequency", "axis"),
    ),
)
