"""Colours, lines and markers of arms and matrices; axes of steps."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from analyses.tables.labels import arm_label, layer_label, series_of, short_number

if TYPE_CHECKING:
    import pandas as pd

SINGLE, DOUBLE = 3.5, 7.0
"""Widths of one and of two columns of a paper, in inches."""

Look = tuple[str, Any, str]
"""Colour, line style and marker."""

ARMS: dict[str, Look] = {
    "dense": ("#26292f", "-", "o"),
    "grokked_ticket": ("#3f90da", "-", "s"),
    "random": ("#ffa90e", (0, (4, 1.5)), "^"),
    "shuffled": ("#bd1f01", (0, (4, 1, 1, 1)), "v"),
    "adamw": ("#832db6", (0, (1, 1)), "D"),
    "sgd": ("#a96b59", (0, (6, 1.5)), "P"),
}
"""Looks of arms that several recipes have."""

ROLES = {"dense": ARMS["dense"], "ticket": ARMS["grokked_ticket"], "control": ARMS["random"]}
"""Looks of any other arm that is the only one of its role."""

OTHERS = ["#832db6", "#a96b59", "#e76300", "#94a4a2", "#717581", "#92dadd", "#b9ac70"]
"""Colours of all other arms, in order."""

RAMPS: list[tuple[str, float, float, Any]] = [
    ("viridis_r", 0.1, 0.9, "-"),
    ("Greens", 0.45, 1.0, (0, (4, 1.5))),
]
"""Colour map of a series of arms, the part of it that is used, and the line style."""

DASHES: list[Any] = [(0, (1, 1)), (0, (6, 1.5)), (0, (3, 1, 1, 1, 1, 1))]
MARKERS = "DPX<>*h"

Styles = dict[str, dict[str, Any]]
"""Label, colour, line style and marker of arms, by name."""


def arm_styles(arms: Sequence[str], roles: Mapping[str, str] | None = None) -> Styles:
    """Return label, colour, line style and marker of each arm.

    An arm's name decides; an arm of an unknown name gets the look of its role if it is the only one of that
    role. Arms that differ in a number have colours along a ramp, and follow one another in its order.

    Parameters
    ----------
    roles : mapping, optional
        Role of each arm.
    """
    series = series_of(arms)
    looks = ARMS | {arm: look for place, group in enumerate(series) for arm, look in _ramp(group, place)}
    looks |= _looks_of_roles([arm for arm in arms if arm in looks], arms, roles or {})
    for place, arm in enumerate(sorted(set(arms) - looks.keys())):
        looks[arm] = (OTHERS[place % len(OTHERS)], DASHES[place % len(DASHES)], MARKERS[place % len(MARKERS)])
    group_of = {arm: group for group in series for arm in group}
    ordered = dict.fromkeys(one for arm in arms for one in group_of.get(arm, [arm]))
    names = ("color", "linestyle", "marker")
    return {arm: {"label": arm_label(arm), **dict(zip(names, looks[arm], strict=True))} for arm in ordered}


def table_styles(table: pd.DataFrame) -> Styles:
    """Return the styles of a table's arms, by name and role."""
    roles = dict(zip(table["arm"], table["arm_role"], strict=True)) if "arm_role" in table else None
    return arm_styles(list(dict.fromkeys(table["arm"])), roles)


def _looks_of_roles(named: Sequence[str], arms: Sequence[str], roles: Mapping[str, str]) -> dict[str, Look]:
    """Return looks by role, for unnamed arms alone in their role."""
    looks = {}
    for role, look in ROLES.items():
        arms_of_role = [arm for arm in dict.fromkeys(arms) if roles.get(arm) == role]
        is_free = look not in [ARMS.get(arm) for arm in named]
        if len(arms_of_role) == 1 and arms_of_role[0] not in named and is_free:
            looks[arms_of_role[0]] = look
    return looks


def _ramp(series: Sequence[str], place: int) -> list[tuple[str, Look]]:
    """Return the arms of a series with looks along a colour map."""
    name, start, stop, dash = RAMPS[place % len(RAMPS)]
    colors = colormaps[name](np.linspace(start, stop, len(series)))
    return [
        (arm, (to_hex(color), dash, marker))
        for arm, color, marker in zip(series, colors, itertools.cycle(MARKERS))
    ]


def line_style(style: dict[str, Any], *, seed: bool = False) -> dict[str, Any]:
    """Return an arm's curve style: bold centre, thin pale seed."""
    look = {"color": style["color"], "linestyle": "-" if seed else style["linestyle"]}
    return look | ({"linewidth": 0.6, "alpha": 0.45} if seed else {"linewidth": 1.5, "label": style["label"]})


def step_axis(ax: Axes, steps: Iterable[int], label: str = "step", narrow: bool = False) -> None:
    """Make the x axis one of logarithmic steps that begins with step 0.

    It is linear from 0 to the first positive step. In a narrow panel the first power of ten bears no number,
    and there are no ticks between powers.
    """
    positive = np.asarray([step for step in steps if step > 0] or [1])
    first, last = int(positive.min()), int(positive.max())
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
    """Make the x axis a linear one of steps, in thousands."""
    ax.xaxis.set_major_formatter(FuncFormatter(lambda step, _: short_number(step)))
    ax.set_xlabel(label)


def share_y_limits(axes: Sequence[Axes]) -> None:
    """Give panels that are compared equal limits of their y axes."""
    lows, highs = zip(*(ax.get_ylim() for ax in axes), strict=True)
    for ax in axes:
        ax.set_ylim(min(lows), max(highs))


def plain_log(ax: Axes) -> None:
    """Make the y axis logarithmic, with ticks 1, 2 and 5 in plain numbers."""
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())


LAYERS: dict[str, Look] = {
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
    """Return style and label of a weight matrix' curve.

    The last part of the name decides; "global" is all matrices together.
    """
    layer = layer.rpartition(".")[2]
    color, dash, marker = LAYERS.get(layer, ("#94a4a2", "-", "P"))
    look = {"color": color, "linestyle": dash, "marker": marker, "markersize": 2.4}
    return look | {"linewidth": 1.6 if layer == "global" else 1.0, "label": layer_label(layer)}
