"""Figure `masks`: change of the dense network's mask, its gain, densities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullFormatter

from analyses.masks.schema import DENSITY, DISTANCES, PEAKS
from analyses.tables.labels import arm_label
from analyses.tables.roles import arms_with_role
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing, letter
from figures.drawing.style import DOUBLE, layer_style, linear_steps, step_axis

MOST_ABREAST = 8
"""Largest number of legend entries in one row."""
GAINS = {"test_acc": ("gain in", "test accuracy"), "test_loss": ("fall of log₁₀", "test loss")}
"""Words for the gain, in two lines, by the curve in which the network generalises."""
CHANCE: dict[str, Any] = {"color": "0.45", "linewidth": 0.9, "linestyle": ":"}
HALF_RISEN: dict[str, Any] = {"color": "0.45", "linewidth": 0.8}


def draw(tables: Mapping[TableKey, pd.DataFrame], *, seeds: int) -> Drawing:
    """Draw distances and gain of each seed, early distances, densities.

    Parameters
    ----------
    seeds : int
        Largest number of seeds with a column of panels.
    """
    distances, densities = tables[DISTANCES], tables[DENSITY]
    layers = [layer for layer in dict.fromkeys(densities["layer"]) if layer != "global"] + ["global"]
    arm = next(iter([*arms_with_role(distances, "dense"), *distances["arm"]]), "")
    distances = distances[distances["arm"] == arm]
    peaks = tables[PEAKS][tables[PEAKS]["arm"] == arm]
    fixed, early = (distances[distances["spacing"] == spacing] for spacing in ("fixed", "early"))
    shown = sorted(set(fixed["seed"]))[:seeds]
    label = arm_label(arm)
    figure = plt.figure(figsize=(DOUBLE, 5.4 if shown else 2.2))
    drawing = Drawing(figure)
    n_rows = 3 if shown else 1
    grid = figure.add_gridspec(n_rows, 6, height_ratios=(1.1, 0.75, 1.05)[-n_rows:])
    panels = _seed_panels(drawing, grid, fixed, peaks, shown, layers, label) if shown else []
    start, density = figure.add_subplot(grid[-1, :3]), figure.add_subplot(grid[-1, 3:])
    _distances(drawing, start, "early", early, layers)
    start.set(title=f"{label}: change in the first steps", ylabel="Jaccard distance")
    if len(early):
        step_axis(start, early["step"], "step of the later mask")
        start.set_xlim(early["step"].min() * 0.85, early["step"].max() * 1.15)
    _densities(drawing, density, densities, layers)
    letter([*panels, start, density])
    _legend(figure, layers, bool(shown))
    drawing.caption = _caption(fixed, early, shown, label)
    return drawing


def _seed_panels(
    drawing: Drawing,
    grid: plt.GridSpec,
    fixed: pd.DataFrame,
    peaks: pd.DataFrame,
    seeds: Sequence[int],
    layers: Sequence[str],
    label: str,
) -> list[Axes]:
    """Draw a column per seed: distances above, the gain below."""
    above: list[Axes] = []
    below: list[Axes] = []
    width = 6 // len(seeds)
    for place, seed in enumerate(seeds):
        columns = slice(width * place, width * (place + 1))
        shared = {"sharey": above[0], "sharex": above[0]} if above else {}
        upper = drawing.figure.add_subplot(grid[0, columns], **shared)
        lower = drawing.figure.add_subplot(grid[1, columns], sharex=upper, sharey=below[0] if below else None)
        seed_rows = fixed[fixed["seed"] == seed]
        _distances(drawing, upper, f"turnover seed {seed}", seed_rows, layers)
        upper.set(title=f"change of mask, seed {seed}")
        lower.set(title=f"gain, seed {seed}")
        _gain(drawing, lower, seed, seed_rows[seed_rows["layer"] == "global"])
        rise = peaks[(peaks["seed"] == seed) & (peaks["layer"] == "global")]
        for ax, name in ((upper, "velocity_half_step"), (lower, "gain_half_step")):
            for step in rise[name].dropna():
                ax.axvline(step, **HALF_RISEN)
                drawing.note(name, "half risen", seed, x=step)
        above.append(upper)
        below.append(lower)
    above[0].set_xlim(0, fixed.loc[fixed["seed"].isin(seeds), "step"].max() * 1.03)
    above[0].set_ylim(_lowest(fixed), 1)
    gain = "\n".join(GAINS[fixed["gain_of"].iloc[0]])
    for axes, words in ((above, "Jaccard\ndistance"), (below, gain)):
        axes[0].set_ylabel(f"{label}: {words}")
        for place, ax in enumerate(axes):
            ax.tick_params(labelleft=place == 0, labelbottom=axes is below)
    return [*above, *below]


def _legend(figure: plt.Figure, layers: Sequence[str], has_gain: bool) -> None:
    handles = [Line2D([], [], **layer_style(layer)) for layer in layers]
    handles.append(Line2D([], [], **CHANCE, label="chance"))
    if has_gain:
        half = {"linestyle": "none", "marker": "|", "markersize": 8, "color": HALF_RISEN["color"]}
        handles.append(Line2D([], [], **half, label="half way up to the peak"))
    n_rows = -(-len(handles) // MOST_ABREAST)
    figure.legend(handles=handles, loc="outside upper center", ncols=-(-len(handles) // n_rows))


def _lowest(distances: pd.DataFrame) -> float:
    """Return the lower end of a logarithmic axis of distances.

    Equal masks, at distance 0, lie below it.
    """
    positive = distances.loc[distances["distance"] > 0, "distance"]
    return 0.7 * float(positive.min()) if len(positive) else 0.1


def _caption(fixed: pd.DataFrame, early: pd.DataFrame, seeds: Sequence[int], label: str) -> str:
    upper = ""
    if seeds:
        interval = int((fixed["step"] - fixed["from_step"]).iloc[0])
        gain = " ".join(GAINS[fixed["gain_of"].iloc[0]])
        upper = (
            f"Upper row: Jaccard distance between magnitude masks of the network {label} {interval:,} steps "
            f"apart, at the later step, one panel per seed; chance: two independent masks of these "
            f"densities, all weights. Middle row: {gain} over the same steps. Vertical lines: where either "
            f"is half way up from its lowest value before its peak, from step {interval:,} on. "
        )
    return upper + (
        f"Below, left: the distance of every checkpoint's mask to the one before, early in training, median "
        f"over n = {early['seed'].nunique()} seeds. Right: share kept in each layer by each arm's mask (of a "
        f"dense arm: the magnitude mask of the last checkpoint), mean over seeds; lines: least to largest "
        f"seed."
    )


def _distances(
    drawing: Drawing, ax: Axes, panel: str, distances: pd.DataFrame, layers: Sequence[str]
) -> None:
    """Draw a curve per layer, and chance, on a logarithmic axis.

    Curves are medians over the seeds, where all seeds have the step.
    """
    n_seeds = distances["seed"].nunique()
    for layer in layers:
        layer_rows = distances[distances["layer"] == layer]
        by_step = layer_rows.groupby("step")[["distance", "chance"]].agg(["median", "size"])
        shared = by_step[by_step["distance", "size"] == n_seeds]
        curve = shared["distance", "median"]
        drawing.line(ax, panel, layer, curve.index, curve, seed="median", **layer_style(layer))
        if layer == "global":
            chance = shared["chance", "median"]
            drawing.line(ax, panel, "chance", shared.index, chance, seed="median", **CHANCE)
    ax.set_yscale("log")
    ax.set_yticks([0.02, 0.05, 0.1, 0.2, 0.5, 1])
    ax.set_ylim(_lowest(distances), 1)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())


def _gain(drawing: Drawing, ax: Axes, seed: int, intervals: pd.DataFrame) -> None:
    curve = intervals.dropna(subset="gain")
    look = {"color": "#26292f", "linewidth": 1.4, "marker": "D", "markersize": 2}
    drawing.line(ax, "gain", "gain", curve["step"], curve["gain"], seed=seed, **look)
    ax.axhline(0, color="0.8", linewidth=0.6, zorder=0)
    linear_steps(ax)


def _densities(drawing: Drawing, ax: Axes, densities: pd.DataFrame, layers: Sequence[str]) -> None:
    last = densities.groupby(["arm", "seed", "layer"], sort=False).tail(1)
    arms = list(dict.fromkeys(last["arm"]))
    apart = min(0.13, 0.8 / len(layers))
    for place, layer in enumerate(layers):
        style = layer_style(layer) | {"linestyle": "none", "markersize": 3.5}
        by_arm = (
            last[last["layer"] == layer].groupby("arm")["density"].agg(["mean", "min", "max"]).reindex(arms)
        )
        x = [i + (place - (len(layers) - 1) / 2) * apart for i in range(len(arms))]
        ax.vlines(x, by_arm["min"], by_arm["max"], color=style["color"], linewidth=1)
        drawing.line(ax, "density", layer, x, by_arm["mean"], seed="mean", **style)
        drawing.note("density range", layer, x=x, low=by_arm["min"], high=by_arm["max"])
    names = [arm_label(arm) for arm in arms]
    crowded = len(arms) > 6
    shown = names if crowded else [name.replace(" ", "\n") for name in names]
    ax.set_xticks(range(len(arms)), shown, rotation=90 if crowded else 0)
    ax.set(title="density of each layer, range of seeds", ylabel="share kept")
    ax.set(xlim=(-0.5, len(arms) - 0.5), ylim=(0, 1.1 * last["density"].max()))
