"""The lottery of frequencies: one neuron's race, blow-up times, and the rules that tell the winner."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.ticker import LogFormatterSciNotation, MaxNLocator

from figures.drawing.recorded_figure import Drawing, letter, without_jumps
from figures.drawing.style import DOUBLE, arm_styles, linear_steps

TABLES = ("", "_race", "_times", "_equal")
WON, LOST = "#bd1f01", "0.65"
RULES = {
    "min_abs_misalignment": "least\n|D|",
    "max_magnitude": "largest\nα",
    "max_aligned_product": "largest\nα²β cos D",
    "min_blowup_time": "least\nblow-up time",
}
SIMULATED = {
    "flow": {"label": "decoupled flow", "color": "#832db6", "marker": "D"},
    "equal_magnitudes": {"label": "decoupled flow, all magnitudes equal", "color": "0.45", "marker": "o"},
}
"""How neurons look that were not trained, by what the analysis calls them."""


def draw(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Amplitudes and misalignments of one neuron, where it started on the map of times, and agreement."""
    rules, path = tables[""], tables["_race"]
    figure, axes = plt.subplots(2, 2, figsize=(DOUBLE, 5.0))
    drawing = Drawing(figure)
    (above, beside), (chart, agreement) = axes
    arm, seed, neuron = (path[name].iloc[0] for name in ("arm", "seed", "neuron"))
    for ax, name, title in (
        (above, "input_amplitude", "input amplitude α"),
        (beside, "D", "misalignment D"),
    ):
        _race(drawing, ax, name, path)
        ax.set_title(title)
        if arm in SIMULATED:
            ax.set(xlabel="time of the mean loss", xlim=(0, None))
        else:
            linear_steps(ax)
            ax.set_xlim(0, 1.02 * path["time"].max())
    above.set_yscale("log")
    beside.set_yticks([-np.pi, 0, np.pi], ["−π", "0", "π"])
    beside.set_ylim(-1.05 * np.pi, 1.05 * np.pi)
    _times(drawing, chart, tables["_times"], path)
    _agreement(drawing, agreement, pd.concat([rules, tables["_equal"]]))
    agreement.set_ylabel("share of the neurons that grew")
    figure.legend(*agreement.get_legend_handles_labels(), loc="outside upper center", ncols=5)
    letter([above, beside, chart, agreement])
    styles = _styles(rules)
    seeds = rules.groupby("arm")["seed"].nunique()
    n = ", ".join(f"{style['label']} n = {seeds[name]}" for name, style in styles.items())
    won = int(path.loc[path["final"], "frequency"].iloc[0])
    drawing.caption = (
        f"(a, b) Every frequency of neuron {neuron} of {styles[arm]['label']}, seed {seed}; red: {won}, the "
        f"largest at the end. (c) Blow-up time of the decoupled flow of the mean loss where α = β, over "
        f"their size and |D|; points: that neuron's frequencies at the start, at (α²β)^⅓. (d) Share of the "
        f"neurons that grew whose final frequency the rule names; one point per network, with its Wilson "
        f"interval (95 %), neurons taken as independent ({n}; last: simulated from equal "
        f"magnitudes and random phases). Dotted: 1/K; short lines: the same predictions dealt out at random."
    )
    return drawing


def _styles(rules: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """How every arm looks, and neurons of equal magnitudes."""
    styles = arm_styles([arm for arm in dict.fromkeys(rules["arm"]) if arm not in SIMULATED])
    return styles | {arm: look for arm, look in SIMULATED.items() if arm in set(rules["arm"])}


def _race(drawing: Drawing, ax: Axes, name: str, path: pd.DataFrame) -> None:
    for final, own in path.groupby("final"):
        look = {"color": WON, "linewidth": 1.6, "zorder": 3} if final else {"color": LOST, "linewidth": 0.6}
        for frequency, curve in own.groupby("frequency"):
            y = without_jumps(curve[name]) if name == "D" else curve[name]
            drawing.line(ax, name, f"frequency {frequency}", curve["time"], y, **look)


def _times(drawing: Drawing, ax: Axes, times: pd.DataFrame, path: pd.DataFrame) -> None:
    grid = times.pivot(index="D", columns="amplitude", values="blowup_time")
    x, y, T = grid.columns.to_numpy(), grid.index.to_numpy(), grid.to_numpy()
    levels = np.geomspace(T.min(), T.max(), 13)
    filled = ax.contourf(x, y, T, levels=levels, norm=LogNorm(), cmap="viridis_r")
    at_y, at_x = np.meshgrid(y, x, indexing="ij")
    drawing.note("times", "blow-up time", x=at_x.ravel(), y=at_y.ravel(), value=T.ravel())
    start = path[path["time"] == path["time"].min()]
    size = np.cbrt(start["input_amplitude"] ** 2 * start["output_amplitude"])
    for final, color, series in ((False, "white", "start"), (True, WON, "start of the final frequency")):
        chosen = (start["final"] == final) & (size > 0)
        look = {
            "linestyle": "none",
            "marker": "o",
            "markersize": 4,
            "color": color,
            "markeredgecolor": "black",
        }
        drawing.line(ax, "times", series, size[chosen], start["D"][chosen].abs(), markeredgewidth=0.4, **look)
    bar = ax.figure.colorbar(filled, ax=ax, format=LogFormatterSciNotation(), pad=0.02)
    decades = np.arange(np.ceil(np.log10(T.min())), np.floor(np.log10(T.max())) + 1)
    bar.set_ticks(list(10.0**decades))
    bar.ax.minorticks_off()
    bar.set_label("time of the mean loss")
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.set(title="blow-up time", xlabel="amplitude", ylabel="|D|")
    ax.set_yticks([0, np.pi / 2, np.pi], ["0", "π/2", "π"])


def _agreement(drawing: Drawing, ax: Axes, rules: pd.DataFrame) -> None:
    """A point per network and rule, and of the neurons simulated from equal magnitudes."""
    networks = rules[["arm", "seed"]].drop_duplicates().to_numpy()
    named: set[str] = set()
    styles = _styles(rules)
    width = 0.8 / len(networks)
    for place, (arm, seed) in enumerate(networks):
        own = rules[(rules["arm"] == arm) & (rules["seed"] == seed)].set_index("rule").reindex(list(RULES))
        x = np.arange(len(RULES)) - 0.4 + (place + 0.5) * width
        share, low, high = (own[name].to_numpy() for name in ("share_grown", "low", "high"))
        color, marker = styles[arm]["color"], styles[arm]["marker"]
        ax.errorbar(
            x,
            share,
            (share - low, high - share),
            color=color,
            marker=marker,
            linestyle="none",
            markersize=3,
            linewidth=0.8,
            label=None if arm in named else styles[arm]["label"],
        )
        named.add(arm)
        drawing.note("agreement", arm, seed, x=x, y=share, low=low, high=high)
        ax.hlines(own["shuffled_chance"], x - width / 2, x + width / 2, color=color, linewidth=0.8)
        drawing.note("agreement", f"{arm} shuffled", seed, x=x, y=own["shuffled_chance"])
    drawing.level(ax, "agreement", "1/K", float(rules["chance"].iloc[0]))
    ax.set_xticks(range(len(RULES)), list(RULES.values()))
    ax.tick_params(axis="x", length=0)
    ax.set(title="neurons whose frequency the rule names", ylim=(0, 1.04))
