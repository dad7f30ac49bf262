"""Figure `patching`: share of the answer that each site brings into another run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analyses.patching.schema import PATCHES
from analyses.tables.labels import arm_label
from analyses.tables.roles import arms_and_control
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing, arm_legend, counted, letter
from figures.drawing.style import DOUBLE, share_y_limits, step_axis, table_styles

INPUTS = ("first input", "second input")
ORDINALS = ("1st", "2nd", "3rd", "4th", "5th", "6th")
"""Frequencies whose shares at the end are drawn, the largest."""
UNTOLD = "0.85"
"""Grey of checkpoints at which clean runs do not prefer their answer."""
Site = tuple[str, int]


def draw(tables: Mapping[TableKey, pd.DataFrame]) -> Drawing:
    """Draw sites over steps for three arms, and the last shares of all networks."""
    patches = tables[PATCHES]
    shown = arms_and_control(patches)
    networks = {arm: _first_network(patches, arm) for arm in shown}
    sites = {arm: shown_sites(rows) for arm, rows in networks.items()}
    height = 1.1 + 0.13 * max(map(len, sites.values()))
    figure = plt.figure(figsize=(DOUBLE, height + 2.3))
    grid = figure.add_gridspec(2, 2 * len(shown), height_ratios=(height, 2.3))
    drawing = Drawing(figure)
    upper = []
    for place, (arm, rows) in enumerate(networks.items()):
        ax = figure.add_subplot(grid[0, 2 * place : 2 * place + 2])
        mesh = _heat(drawing, ax, arm, rows, sites[arm])
        ax.set_title(f"{arm_label(arm)}, seed {rows['seed'].iloc[0]}")
        step_axis(ax, rows["step"], narrow=len(shown) > 1)
        upper.append(ax)
    figure.colorbar(mesh, ax=upper, label="recovered share", pad=0.01, aspect=30)
    ends, paths = figure.add_subplot(grid[1, : len(shown)]), figure.add_subplot(grid[1, len(shown) :])
    _last_shares(drawing, ends, patches)
    rest = patches[patches["site"] == "rest"]
    drawing.arms(paths, "rest", rest, "recovered", centre="median")
    step_axis(paths, patches["step"])
    for ax in (ends, paths):
        ax.set_ylim(max(ax.get_ylim()[0], -0.3), min(ax.get_ylim()[1], 1.15))
    share_y_limits([ends, paths])
    ends.set_ylabel("recovered share")
    paths.set_title("neurons of no key frequency")
    letter([*upper, ends, paths])
    arm_legend(figure, patches)
    last = "abcdefgh"[len(shown)]
    drawing.caption = (
        "Activations of a clean pair put into the run of a corrupted pair with another answer. "
        f"({', '.join('abcdefgh'[: len(shown)])}) Share of the logit difference of the two answers that "
        "comes back, 0 as without the patch, 1 as in the clean run; frequencies are groups of neurons, by "
        "their frequency at the last checkpoint, key frequencies from the largest share, then all others. "
        f"Grey: clean runs do not prefer their answer. ({last}) At the last checkpoint, with the 95 % "
        f"interval over pairs of every network. ({chr(ord(last) + 1)}) Through training; bold: the median "
        f"over seeds ({counted(patches.groupby('arm', sort=False)['seed'].nunique().to_dict())})."
    )
    return drawing


def _first_network(patches: pd.DataFrame, arm: str) -> pd.DataFrame:
    rows = patches[patches["arm"] == arm]
    return rows[rows["seed"] == rows["seed"].min()]


def shown_sites(rows: pd.DataFrame) -> dict[Site, str]:
    """Return the sites of a network that are drawn, in their order, with their labels.

    Those whose share is 0 or 1 whatever the network are left out.
    """
    last = rows[rows["step"] == rows["step"].max()]
    sites: dict[Site, str] = {("input", unit): label for unit, label in enumerate(INPUTS)}
    heads = last.loc[last["site"] == "head", "unit"].tolist()
    sites |= {("head", int(h)): f"head {h}" for h in heads if len(heads) > 1}
    if heads:
        sites |= {("attention", 0): "all heads", ("neurons", 0): "all neurons"}
    keys = last[(last["site"] == "frequency") & last["is_key"]]
    ordered = keys.sort_values("recovered", ascending=False, kind="stable")["unit"].tolist()
    sites |= {("frequency", int(k)): f"k = {k}" for k in ordered}
    return sites | {("rest", 0): "other neurons"}


def _heat(drawing: Drawing, ax: Axes, arm: str, rows: pd.DataFrame, sites: Mapping[Site, str]) -> Any:
    """Draw the share of every site over steps, one row of cells each."""
    steps = np.unique(rows["step"])
    ax.set_facecolor(UNTOLD)
    look = {"cmap": "RdBu_r", "vmin": -1, "vmax": 1}
    by_site = rows.set_index(["site", "unit", "step"])["recovered"].sort_index()
    seed = rows["seed"].iloc[0]
    for y, (site, label) in enumerate(sites.items()):
        values = by_site.loc[site].reindex(steps).to_numpy()[None]
        mesh = drawing.heat(ax, f"recovered {arm}", label, seed, steps, [y], values, **look)
    ax.set_yticks(range(len(sites)), list(sites.values()))
    ax.set_ylim(len(sites) - 0.5, -0.5)
    return mesh


def _last_shares(drawing: Drawing, ax: Axes, patches: pd.DataFrame) -> None:
    """Draw the shares of all networks at their last checkpoint, with their intervals."""
    last = patches[patches["step"] == patches.groupby(["arm", "seed"])["step"].transform("max")]
    styles = table_styles(patches)
    n_ranks = last[last["site"] == "frequency"].groupby(["arm", "seed"]).size().max()
    ranks = ORDINALS[: 0 if np.isnan(n_ranks) else int(n_ranks)]
    labels = ["1st input", "2nd input", *(f"{name} k" for name in ranks), "others"]
    n_networks = last.groupby(["arm", "seed"]).ngroups
    for place, ((arm, seed), rows) in enumerate(last.groupby(["arm", "seed"], sort=False)):
        frequencies = rows[rows["site"] == "frequency"].sort_values("recovered", ascending=False)
        parts = [rows[rows["site"] == "input"].head(2), frequencies.head(len(ORDINALS))]
        chosen = pd.concat([*parts, rows[rows["site"] == "rest"]])
        at = [0, 1, *range(2, 2 + len(parts[1])), len(labels) - 1]
        x = np.array(at) + 0.7 * ((place + 0.5) / n_networks - 0.5)
        y, low, high = (chosen[name].to_numpy() for name in ("recovered", "low", "high"))
        color = styles[str(arm)]["color"]
        ax.errorbar(x, y, [y - low, high - y], color=color, linestyle="none", elinewidth=0.7)
        look = {"color": color, "marker": styles[str(arm)]["marker"], "linestyle": "none", "markersize": 2}
        drawing.line(ax, "last", str(arm), x, y, seed=seed, **look)
        drawing.note("last interval", str(arm), seed, x=x, low=low, high=high)
    ax.set_xticks(range(len(labels)), labels, rotation=35, ha="right", rotation_mode="anchor")
    drawing.level(ax, "last", "as without the patch", 0.0)
    ax.set_title("frequencies of largest share, at the end")
