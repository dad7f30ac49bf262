"""How arms look and are called in every figure, and how an axis of steps is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter

SINGLE, DOUBLE = 3.5, 7.0
"""Widths of one and of two columns of a paper, in inches."""

ARMS: dict[str, tuple[str, str, Any, str]] = {
    "dense": ("dense", "#26292f", "-", "o"),
    "grokked_ticket": ("grokked ticket", "#3f90da", "-", "s"),
    "random": ("random mask", "#ffa90e", (0, (4, 1.5)), "^"),
    "shuffled": ("shuffled ticket", "#bd1f01", (0, (4, 1, 1, 1)), "v"),
}
"""Label, colour, line style and marker of the arms that most recipes have."""

OTHERS = ["#832db6", "#a96b59", "#e76300", "#94a4a2", "#717581", "#92dadd", "#b9ac70"]
"""Colours of further arms, in order."""

DASHES: list[Any] = [(0, (1, 1)), (0, (6, 1.5)), (0, (3, 1, 1, 1, 1, 1))]
MARKERS = "DPX<>*h"


def arm_styles(arms: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Label, colour, line style and marker of each arm, the same in every figure of a run."""
    styles = {}
    for place, arm in enumerate(sorted(set(arms) - ARMS.keys())):
        dash, marker = DASHES[place % len(DASHES)], MARKERS[place % len(MARKERS)]
        styles[arm] = (arm.replace("_", " "), OTHERS[place % len(OTHERS)], dash, marker)
    known = ARMS | styles
    return {
        arm: dict(zip(("label", "color", "linestyle", "marker"), known[arm], strict=True)) for arm in arms
    }


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
    ax.xaxis.set_major_formatter(FuncFormatter(lambda step, _: short_step(step)))
    between = (1,) if narrow else range(1, 10)
    ax.set_xticks([s * d for d in decades for s in between if s * d <= last], minor=True)
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlim(0, last * 1.15)
    ax.set_xlabel(label)


def linear_steps(ax: Axes, label: str = "step") -> None:
    """Steps on a linear axis, in thousands."""
    ax.xaxis.set_major_formatter(FuncFormatter(lambda step, _: short_step(step)))
    ax.set_xlabel(label)


def short_step(step: float) -> str:
    """A step as a tick says it: 0, 100, 2k, 2.5k."""
    return f"{step / 1000:g}k" if step >= 1000 else f"{step:g}"


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
