"""How arms look and are called in every figure, and how an axis of steps is drawn."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from figures.drawing.labels import arm_label, series_of, short_number

SINGLE, DOUBLE = 3.5, 7.0
"""Widths of one and of two columns of a paper, in inches."""

ARMS: dict[str, tuple[str, Any, str]] = {
    "dense": ("#26292f", "-", "o"),
    "grokked_ticket": ("#3f90da", "-", "s"),
    "random": ("#ffa90e", (0, (4, 1.5)), "^"),
    "shuffled": ("#bd1f01", (0, (4, 1, 1, 1)), "v"),
    "adamw": ("#832db6", (0, (1, 1)), "D"),
    "sgd": ("#a96b59", (0, (6, 1.5)), "P"),
}
"""Colour, line style and marker of the arms that several recipes have."""

OTHERS = ["#832db6", "#a96b59", "#e76300", "#94a4a2", "#717581", "#92dadd", "#b9ac70"]
"""Colours of further arms, in order."""

RAMPS: list[tuple[str, float, float, Any]] = [
    ("viridis_r", 0.1, 0.9, "-"),
    ("Greens", 0.45, 1.0, (0, (4, 1.5))),
]
"""Colour map of a series of arms, the part of it that is used, and the line style."""

DASHES: list[Any] = [(0, (1, 1)), (0, (6, 1.5)), (0, (3, 1, 1, 1, 1, 1))]
MARKERS = "DPX<>*h"

Styles = dict[str, dict[str, Any]]
"""Of arms by name: label, colour, line style and marker."""


def arm_styles(arms: Sequence[str]) -> Styles:
    """Label, colour, line style and marker of each arm, the same in every figure of a run.

    Arms that differ in a number have colours along a ramp, and stand together in its order.
    """
    series = series_of(arms)
    looks = ARMS | {arm: look for place, own in enumerate(series) for arm, look in _ramp(own, place).items()}
    for place, arm in enumerate(sorted(set(arms) - looks.keys())):
        looks[arm] = (OTHERS[place % len(OTHERS)], DASHES[place % len(DASHES)], MARKERS[place % len(MARKERS)])
    together = {arm: own for own in series for arm in own}
    ordered = dict.fromkeys(one for arm in arms for one in together.get(arm, [arm]))
    names = ("color", "linestyle", "marker")
    return {arm: {"label": arm_label(arm), **dict(zip(names, looks[arm], strict=True))} for arm in ordered}


def _ramp(series: Sequence[str], place: int) -> dict[str, tuple[str, Any, str]]:
    name, start, stop, dash = RAMPS[place % len(RAMPS)]
    colors = colormaps[name](np.linspace(start, stop, len(series)))
    looks = zip(series, colors, itertools.cycle(MARKERS))
    return {arm: (to_hex(color), dash, marker) for arm, color, marker in looks}


def line_style(style: dict[str, Any], *, seed: bool = False) -> dict[str, Any]:
    """Of an arm's style, what a curve needs: bold for the mean, thin and pale for a single seed."""
    look = {"color": style["color"], "linestyle": "-" if seed else style["linestyle"]}
    return look | ({"linewidth": 0.6, "alpha": 0.45} if seed else {"linewidth": 1.5, "label": style["label"]})


def step_axis(ax: Axes, steps: Iterable[int], label: str = "step", narrow: bool = False) -> None:
    """Logarithmic steps, with step 0 at the left end before a linear stretch up to the first positive one.

    In a narrow panel the first power of ten bears no number, and there are no ticks between powers.
    """
    known = np.unique(np.asarray(list(steps)))
    first, last = (int(known[known > 0].min()), int(known.max())) if known.max() > 0 else (1, 1)
    ax.set_xscale("symlog", linthresh=first, linscale=0.35)
    decades = [10**e for e in range(int(np.ceil(np.log10(first))), int(np.log10(last)) + 1)]
    if len(decades) < 2:
        decades = sorted({first, *decades, last})
    ax.set_xticks([0, *decades[narrow and len(decades) > 2 :]])
    ax.xaxis.set_major_formatter(FuncFormatter(lambda step, _: short_number(step)))
    between = (1,) if narrow else range(1, 10)
    ax.set_xticks([s * d for d in decades for s in between if s * d <= last], minor=True)
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlim(0, last * 1.15)
    ax.set_xlabel(label)


def linear_steps(ax: Axes, label: str = "step") -> None:
    """Steps on a linear axis, in thousands."""
    ax.xaxis.set_major_formatter(FuncFormatter(lambda step, _: short_number(step)))
    ax.set_xlabel(label)


def plain_log(ax: Axes) -> None:
    """A logarithmic vertical axis over about a decade, its ticks 1, 2 and 5 in plain numbers."""
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())


LAYERS: dict[str, tuple[str, Any, str]] = {
    "W_E": ("#3f90da", "-", "o"),
    "W_in": ("#bd1f01", (0, (4, 1.2)), "s"),
    "W_out": ("#ffa90e", (0, (4, 1, 1, 1)), "^"),
    "W_U": ("#832db6", (0, (1, 1)), "v"),
    "W_pos": ("#92dadd", "-", "p"),
    "W_Q": ("#e76300", "-", "<"),
    "W_K": ("#a96b59", (0, (4, 1.2)), ">"),
    "W_V": ("#b9ac70", (0, (4, 1, 1, 1)), "X"),
    "W_O": ("#717581", (0, (1, 1)), "h"),
    "W_0": ("#3f90da", "-", "o"),
    "W_1": ("#bd1f01", (0, (4, 1.2)), "s"),
    "W_2": ("#ffa90e", (0, (4, 1, 1, 1)), "^"),
    "W_3": ("#832db6", (0, (1, 1)), "v"),
    "global": ("#26292f", "-", "D"),
}


def layer_style(layer: str) -> dict[str, Any]:
    """How a weight matrix' curve is drawn and called, by its name's last part; "global" is all together."""
    layer = layer.rpartition(".")[2]
    color, dash, marker = LAYERS.get(layer, ("#94a4a2", "-", "P"))
    look = {"color": color, "linestyle": dash, "marker": marker, "markersize": 2.4}
    return look | {"linewidth": 1.6 if layer == "global" else 1.0, "label": layer_label(layer)}


def layer_label(layer: str) -> str:
    """A weight matrix as it is written: W with its index below, without the path to it."""
    if layer == "global":
        return "all weights"
    symbol, _, index = layer.rpartition(".")[2].partition("_")
    return rf"${symbol}_{{\mathrm{{{index}}}}}$" if index else layer
