"""Figure `spectra_mainline`: spectra of one network's weights, logits and neurons."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm

from analyses.fourier.schema import PAIRS, SPECTRA
from analyses.tables.labels import arm_label
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing, letter
from figures.drawing.style import DOUBLE

FIRST, LAST = "0.6", "#3f90da"
FLOOR = 1e-5
"""Smallest share that the colours show."""


def draw(tables: Mapping[TableKey, pd.DataFrame]) -> Drawing:
    """Draw the first network of the tables, before and after training."""
    spectra, pairs = tables[SPECTRA], tables[PAIRS]
    arm, seed = pairs["arm"].iloc[0], pairs["seed"].iloc[0]
    spectra, pairs = (table[(table["arm"] == arm) & (table["seed"] == seed)] for table in (spectra, pairs))
    figure, axes = plt.subplots(2, 2, figsize=(DOUBLE, 5.4), height_ratios=(1, 1.9))
    drawing = Drawing(figure)
    embedding = spectra["weight"].iloc[0]
    titles = {embedding: "embedding", "output": "neuron–logit map"}
    for ax, (weight, title) in zip(axes[0], titles.items(), strict=True):
        _bars(drawing, ax, spectra[spectra["weight"] == weight], title)
    axes[0, 0].set_ylabel("share of the variance")
    axes[0, 0].legend(loc="upper center")
    for ax, of in zip(axes[1], ("logits", "neurons"), strict=True):
        _heat(drawing, ax, pairs[pairs["of"] == of], of)
    letter(axes.ravel())
    drawing.caption = (
        f"One network (n = 1): {arm_label(arm)}, seed {seed}, step "
        f"{pairs['step'].iloc[0]:,}. (a) Share of the variance over residues of {embedding}, and (b) of the "
        f"map from neurons to logits, at every frequency, cosine and sine together; grey: step "
        f"{spectra['step'].min():,}. (c) Share of the logits' variance over all pairs (a, b), and (d) of the "
        f"neurons' activations, at frequency k over a and l over b; 0 is no dependence. A function of a + b "
        f"or a − b has all on the diagonal. Shares below {FLOOR:g} are drawn as {FLOOR:g}."
    )
    return drawing


def _bars(drawing: Drawing, ax: Axes, spectrum: pd.DataFrame, title: str) -> None:
    """Draw a weight matrix' last spectrum as bars, its first as a line."""
    first, last = (
        spectrum[spectrum["step"] == step] for step in (spectrum["step"].min(), spectrum["step"].max())
    )
    ax.bar(last["frequency"], last["share"], width=0.8, color=LAST, label="end")
    drawing.note(title, "end", x=last["frequency"], y=last["share"])
    look = {"color": FIRST, "linewidth": 1.0, "drawstyle": "steps-mid", "label": "start"}
    drawing.line(ax, title, "start", first["frequency"], first["share"], **look)
    ax.set(title=title, xlabel="frequency k", xlim=(0.3, spectrum["frequency"].max() + 0.7), ylim=(0, None))


def _heat(drawing: Drawing, ax: Axes, pairs: pd.DataFrame, title: str) -> None:
    """Draw the variance over both inputs by frequency."""
    grid = pairs.pivot(index="over_b", columns="over_a", values="share")
    places = 1 + np.arange(len(grid))
    norm = LogNorm(FLOOR, 1)
    values = grid.clip(lower=FLOOR).to_numpy()
    mesh = drawing.heat(ax, title, "share", "", places, places, values, norm=norm, cmap="magma_r")
    ticks = [0, *range(10, len(grid), 10)]
    ax.set_xticks([tick + 1 for tick in ticks], ticks)
    ax.set_yticks([tick + 1 for tick in ticks], ticks)
    ax.set(title=title, xlabel="frequency k over a", ylabel="frequency l over b", aspect="equal")
    ax.figure.colorbar(mesh, ax=ax, pad=0.02, shrink=0.75, label="share of the variance")
