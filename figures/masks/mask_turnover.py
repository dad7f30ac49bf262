"""Turnover of the dense network's mask beside its gain on the test set, and densities per layer."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter

from figures.drawing.recorded_figure import Drawing, letter
from figures.drawing.style import DOUBLE, arm_styles, layer_style, linear_steps, step_axis

TABLES = ("", "_peaks", "_density")
MOST_SEEDS = 3
GAINS = {"test_acc": ("gain in", "test accuracy"), "test_loss": ("fall of log₁₀", "test loss")}
"""What counts as getting better, by the curve in which the network generalises."""


def draw(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Per seed the distances at the fixed spacing, below the gain; then early distances and densities."""
    changes, peaks, densities = tables[""], tables["_peaks"], tables["_density"]
    layers = [name for name in dict.fromkeys(densities["layer"]) if name != "global"] + ["global"]
    changes = changes[changes["arm"] == changes["arm"].iloc[0]] if len(changes) else changes
    fixed, early = changes[changes["spacing"] == "fixed"], changes[changes["spacing"] == "early"]
    seeds = sorted(set(fixed["seed"]))[:MOST_SEEDS]
    gained = GAINS[fixed["gain_of"].iloc[0]] if seeds else ("", "")
    figure = plt.figure(figsize=(DOUBLE, 5.4 if seeds else 2.2))
    drawing = Drawing(figure)
    rows = 3 if seeds else 1
    grid = figure.add_gridspec(rows, 6, height_ratios=(1.1, 0.75, 1.05)[-rows:])
    turnover: list[Axes] = []
    gain: list[Axes] = []
    width = 6 // max(len(seeds), 1)
    for place, seed in enumerate(seeds):
        columns = slice(width * place, width * (place + 1))
        above = figure.add_subplot(grid[0, columns], sharey=turnover[0] if turnover else None)
        below = figure.add_subplot(grid[1, columns], sharex=above, sharey=gain[0] if gain else None)
        own = fixed[fixed["seed"] == seed]
        _distances(drawing, above, f"turnover seed {seed}", own, layers, _lowest(fixed))
        below.set_title(f"gain, seed {seed}")
        above.set(title=f"masks, seed {seed}", xlim=(0, own["step"].max() * 1.03))
        _gain(drawing, below, seed, own[own["layer"] == "global"])
        found = peaks[(peaks["arm"] == own["arm"].iloc[0]) & (peaks["seed"] == seed)]
        for ax, name in ((above, "velocity_half_step"), (below, "gain_half_step")):
            for step in found.loc[found["layer"] == "global", name].dropna():
                ax.axvline(step, color="0.45", linewidth=0.8)
                drawing.note(name, "half risen", seed, x=step)
        turnover.append(above)
        gain.append(below)
    for axes, label in ((turnover, "Jaccard distance"), (gain, "\n".join(gained))):
        for place, ax in enumerate(axes):
            ax.tick_params(labelleft=place == 0, labelbottom=axes is gain)
            ax.set_ylabel(label if place == 0 else "")
    start, kept = figure.add_subplot(grid[-1, :3]), figure.add_subplot(grid[-1, 3:])
    _distances(drawing, start, "early", early, layers, _lowest(early))
    start.set(title="successive masks, early", ylabel="Jaccard distance")
    if len(early):
        step_axis(start, early["step"], "step of the later mask")
        start.set_xlim(early["step"].min() * 0.85, early["step"].max() * 1.15)
    _densities(drawing, kept, densities, layers)
    letter([*turnover, *gain, start, kept])
    handles = [plt.Line2D([], [], **layer_style(layer)) for layer in layers]
    handles.append(plt.Line2D([], [], color="0.45", linewidth=0.9, linestyle=":", label="chance"))
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    drawing.caption = _caption(fixed, early, seeds, " ".join(gained))
    return drawing


def _lowest(own: pd.DataFrame) -> float:
    """Where a logarithmic axis of these distances begins; equal masks, at distance 0, lie below it."""
    positive = own.loc[own["distance"] > 0, "distance"]
    return 0.7 * float(positive.min()) if len(positive) else 0.1


def _caption(fixed: pd.DataFrame, early: pd.DataFrame, seeds: list[int], gained: str) -> str:
    every = int((fixed["step"] - fixed["from_step"]).iloc[0]) if len(fixed) else 0
    first = (
        f"Upper row: Jaccard distance between magnitude masks of the dense network {every:,} steps apart, at "
        f"the later step, one panel per seed; chance: two independent masks of these densities, all weights. "
        f"Middle row: {gained} over the same steps. Vertical lines: where either has risen half of the way "
        f"from its lowest value before its peak, from step {every:,} on. "
    )
    return (first if seeds else "") + (
        f"Below, left: the distance of every checkpoint's mask to the one before, early in training, mean "
        f"over n = {early['seed'].nunique()} seeds. Right: share kept in each layer by each arm's mask "
        f"(dense: the magnitude mask of the last checkpoint), mean over seeds; lines: least to largest seed."
    )


def _distances(
    drawing: Drawing, ax: Axes, panel: str, own: pd.DataFrame, layers: list[str], low: float
) -> None:
    """A curve per layer, mean over the seeds where all have the step, and chance; from `low` to 1."""
    n_seeds = own["seed"].nunique()
    for layer in layers:
        grouped = own[own["layer"] == layer].groupby("step")[["distance", "chance"]].agg(["mean", "size"])
        mean = grouped[grouped["distance", "size"] == n_seeds]
        curve = mean["distance", "mean"]
        drawing.line(ax, panel, layer, curve.index, curve, seed="mean", **layer_style(layer))
        if layer == "global":
            look = {"color": "0.45", "linewidth": 0.9, "linestyle": ":"}
            drawing.line(ax, panel, "chance", mean.index, mean["chance", "mean"], seed="mean", **look)
    ax.set_yscale("log")
    ax.set_yticks([0.02, 0.05, 0.1, 0.2, 0.5, 1])
    ax.set_ylim(low, 1)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())


def _gain(drawing: Drawing, ax: Axes, seed: int, own: pd.DataFrame) -> None:
    own = own.dropna(subset="gain")
    look = {"color": "#26292f", "linewidth": 1.4, "marker": "D", "markersize": 2}
    drawing.line(ax, "gain", "gain", own["step"], own["gain"], seed=seed, **look)
    ax.axhline(0, color="0.8", linewidth=0.6, zorder=0)
    linear_steps(ax)


def _densities(drawing: Drawing, ax: Axes, densities: pd.DataFrame, layers: list[str]) -> None:
    last = densities.groupby(["arm", "seed", "layer"], sort=False).tail(1)
    arms = list(dict.fromkeys(last["arm"]))
    apart = min(0.13, 0.8 / len(layers))
    for place, layer in enumerate(layers):
        style = layer_style(layer) | {"linestyle": "none", "markersize": 3.5}
        by_arm = last[last["layer"] == layer].groupby("arm")["density"].agg(["mean", "min", "max"]).loc[arms]
        x = [i + (place - (len(layers) - 1) / 2) * apart for i in range(len(arms))]
        ax.vlines(x, by_arm["min"], by_arm["max"], color=style["color"], linewidth=1)
        drawing.line(ax, "density", layer, x, by_arm["mean"], seed="mean", **style)
        drawing.note("density range", layer, x=x, low=by_arm["min"], high=by_arm["max"])
    names = [style["label"] for style in arm_styles(arms).values()]
    crowded = len(arms) > 8
    shown = names if crowded else [name.replace(" ", "\n") for name in names]
    ax.set_xticks(range(len(arms)), shown, rotation=90 if crowded else 0)
    ax.set(title="density of each layer", ylabel="share kept", xlim=(-0.5, len(arms) - 0.5), ylim=(0, None))
