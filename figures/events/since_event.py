"""Figure `events`: test curves of arms with events, over the steps since each event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analyses.events.schema import CURVES
from analyses.tables.labels import arm_label
from analyses.tables.long_format import groups
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing, letter, seeds_and_centre, shared_x_label
from figures.drawing.style import DOUBLE, Styles, step_axis, table_styles
from training.runs.log_spacing import thinned

MOST_COLUMNS = 4
COLOR = "#832db6"
"""Colour of every arm, as each has a panel of its own."""
REFERENCE: dict[str, Any] = {"color": "0.25", "linewidth": 0.9, "linestyle": (0, (4, 1.5))}


def draw(tables: Mapping[TableKey, pd.DataFrame]) -> Drawing:
    """Draw a panel per arm and event."""
    curves = tables[CURVES]
    judged_by = str(curves["judged_by"].iloc[0])
    shown = _since_event(curves[curves["judged_by"] == judged_by])
    panels = list(groups(shown, ["arm", "event", "name"]))
    n_columns = min(len(panels), MOST_COLUMNS)
    n_rows = -(-len(panels) // n_columns)
    figure, grid = plt.subplots(
        n_rows, n_columns, figsize=(DOUBLE, 0.6 + 1.75 * n_rows), sharey=True, squeeze=False
    )
    drawing, axes = Drawing(figure), list(grid.flat)
    look = {"color": COLOR, "linestyle": "-"}
    styles: Styles = {arm: style | look for arm, style in table_styles(shown).items()}
    for ax, ((arm, event, name), rows) in zip(axes, panels, strict=False):
        _panel(drawing, ax, f"{arm} {event}", rows, styles)
        ax.set_title(f"{arm_label(arm)}\n{name.replace('_', ' ')}")
        if judged_by == "loss":
            ax.set_yscale("log")
    for ax in axes[len(panels) :]:
        ax.set_visible(False)
    for row in grid:
        row[0].set_ylabel(f"test {judged_by}")
    letter(axes[: len(panels)])
    shared_x_label(figure, axes, "steps since the event began")
    _legend(figure)
    drawing.caption = (
        f"Test {judged_by} over the steps since an event began; the last evaluation that does not show the "
        f"event is drawn at 0. {seeds_and_centre(shown, 'median')} Dashed: the reference (the arm whose key "
        "frequencies the event takes, else the dense one) at the same steps of its own training; thin: its "
        "seeds. Dotted: the level that the training has to meet. Evaluations are "
        "thinned for drawing, evenly spaced in the logarithm."
    )
    return drawing


def _since_event(curves: pd.DataFrame) -> pd.DataFrame:
    """Return thinned curves from the event's evaluation on, which is moved to 0."""
    names = ["arm", "seed", "event"]
    before = curves[curves["since"] <= 0]
    last = before.groupby(names)["since"].max().rename("last_before").reset_index()
    rows = curves.merge(last, on=names, how="left")
    rows = rows[rows["since"] >= rows["last_before"].fillna(0)].assign(since=rows["since"].clip(lower=0))
    steps = pd.Series(sorted(set(rows["since"])))
    return rows[rows["since"].isin(steps.iloc[thinned(steps.to_numpy())])]


def _panel(drawing: Drawing, ax: Axes, panel: str, rows: pd.DataFrame, styles: Styles) -> None:
    """Draw the seeds and their median, the reference's median and the level."""
    for seed, curve in rows[rows["reference_test"].notna()].groupby("seed"):
        look = REFERENCE | {"linewidth": 0.5, "alpha": 0.4, "linestyle": "-"}
        drawing.line(ax, panel, "reference", curve["since"], curve["reference_test"], seed=seed, **look)
    by_step = rows.groupby("since")["reference_test"].agg(["median", "count"])
    reference = by_step.loc[by_step["count"] == rows["seed"].nunique(), "median"]
    if len(reference):
        drawing.line(ax, panel, "reference", reference.index, reference, seed="median", **REFERENCE)
    own = rows[rows["test"].notna()]
    drawing.arms(ax, panel, own, "test", centre="median", styles=styles, x="since")
    if own.empty:
        ax.text(0.5, 0.5, "no test set", transform=ax.transAxes, ha="center", va="center")
    for level in dict.fromkeys(rows["level"]):
        drawing.level(ax, panel, "level", float(level))
    if rows["judged_by"].iloc[0] == "accuracy":
        ax.set_ylim(-0.02, 1.04)
    step_axis(ax, rows["since"], narrow=True)


def _legend(figure: plt.Figure) -> None:
    """Draw one legend of the lines' meanings above the panels."""
    handles = [
        Line2D([], [], color="0.45", linewidth=0.6, alpha=0.6, label="single seed"),
        Line2D([], [], color="0.45", linewidth=1.5, label="median of the seeds"),
        Line2D([], [], label="median of the reference", **REFERENCE),
        Line2D([], [], color="0.45", linewidth=0.8, linestyle=":", label="level"),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=4)
