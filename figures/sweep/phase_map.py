"""Figure `sweep`: maps of t_gen over two fields, or its line over one."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.patches import Patch, Rectangle

from analyses.sweep.schema import CELLS
from analyses.tables.labels import field_label, short_number
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing, letter
from figures.drawing.style import DOUBLE
from figures.sweep.line_over_field import line_over_field

CELL: dict[str, Any] = {"linewidth": 0.6, "edgecolor": "white"}
CENSORED: dict[str, Any] = {"facecolor": "0.88", "edgecolor": "0.55", "hatch": "////", "linewidth": 0}
SKIPPED: dict[str, Any] = {"facecolor": "white", "edgecolor": "0.75", "linewidth": 0.6}
COLORS = "viridis_r"


def draw(tables: Mapping[TableKey, pd.DataFrame]) -> Drawing:
    """Draw a map per family of arms; a line for one field."""
    cells = tables[CELLS]
    x, y = cells["x"].iloc[0], cells["y"].iloc[0]
    if not isinstance(y, str):
        return line_over_field(tables, x)
    panels = [field for field in cells["panels"].iloc[0].split(", ") if field]
    columns = list(itertools.product(*(_values(cells, field) for field in panels)))
    families = list(dict.fromkeys(cells["family"]))
    xs, ys = _values(cells, x), _values(cells, y)
    rows = len(families)
    size = (DOUBLE, 0.8 + rows * max(1.5, 0.5 + 0.3 * len(ys)))
    figure, axes = plt.subplots(rows, len(columns), figsize=size, squeeze=False, sharex=True, sharey=True)
    drawing, norm = Drawing(figure), _norm(cells)
    wide = len(xs) * len(columns) <= 16
    for (row, family), (column, values) in itertools.product(enumerate(families), enumerate(columns)):
        ax, chosen = axes[row, column], cells[cells["family"] == family]
        for field, value in zip(panels, values, strict=True):
            chosen = chosen[_equal(chosen[field], value)]
        named = [f"{field_label(f)} {_text(v)}" for f, v in zip(panels, values, strict=True)]
        ax.set_title("\n".join([family, *named]))
        for place in itertools.product(range(len(xs)), range(len(ys))):
            at = chosen[_equal(chosen[x], xs[place[0]]) & _equal(chosen[y], ys[place[1]])]
            if len(at):
                _cell(drawing, ax, ", ".join([family, *named]), place, at.iloc[0], norm, wide)
        ax.set(xlim=(-0.5, len(xs) - 0.5), ylim=(-0.5, len(ys) - 0.5))
        ax.set_xticks(range(len(xs)), [_text(value) for value in xs])
        ax.set_yticks(range(len(ys)), [_text(value) for value in ys])
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        ax.set_xlabel(field_label(x) if row == rows - 1 else "")
        ax.set_ylabel(field_label(y) if column == 0 else "")
    letter(axes.ravel().tolist())
    colors = plt.cm.ScalarMappable(norm, COLORS)
    bar = figure.colorbar(colors, ax=axes, label="median $t_\\mathrm{gen}$ (steps)", pad=0.02, aspect=30)
    bar.outline.set_visible(False)
    _legend(drawing, cells)
    drawing.caption = _caption(cells, x, y)
    return drawing


def _cell(
    drawing: Drawing,
    ax: Axes,
    panel: str,
    place: tuple[int, int],
    row: pd.Series,
    norm: LogNorm,
    wide: bool,
) -> None:
    """Draw one cell: color, hatches for a bound, a cross if not trained."""
    corner, t_gen, bound = (place[0] - 0.5, place[1] - 0.5), row["t_gen_median"], row["t_gen_median_bound"]
    number = short_number(t_gen) if row["n"] and pd.notna(t_gen) else ""
    if not number:
        ax.add_patch(Rectangle(corner, 1, 1, **SKIPPED))
        text, color = "×", "0.6"
    elif bound == "=":
        shade = plt.get_cmap(COLORS)(norm(t_gen))
        ax.add_patch(Rectangle(corner, 1, 1, facecolor=shade, **CELL))
        text, color = number, "white" if np.dot(shade[:3], (0.3, 0.59, 0.11)) < 0.55 else "black"
    else:
        ax.add_patch(Rectangle(corner, 1, 1, **CENSORED))
        text, color = f"{bound} {number}", "black"
    if wide:
        box = {"facecolor": "0.88", "edgecolor": "none", "pad": 0.8} if bound in (">", "<") else None
        ax.text(*place, text, ha="center", va="center", fontsize=7, color=color, bbox=box)
    kind = {"=": "median t_gen", ">": "above", "<": "below"}.get(bound, "not trained")
    drawing.note(f"{panel}: {kind}", row["arm"], x=place[0], y=place[1], value=t_gen)


def _legend(drawing: Drawing, cells: pd.DataFrame) -> None:
    """Draw a legend of the kinds of cells that have no colour."""
    handles = []
    if ((cells["n"] > 0) & (cells["t_gen_median_bound"] != "=")).any():
        words = "fewer than half of the networks generalised"
        handles.append(Patch(label=words, **CENSORED))
    if (cells["n"] == 0).any():
        skipped = (cells.loc[cells["n"] == 0, "n_skipped"] > 0).all()
        words = "×: skipped, as no source had generalised" if skipped else "×: not trained"
        handles.append(Patch(label=words, **SKIPPED))
    if handles:
        drawing.figure.legend(handles=handles, loc="outside lower center", ncols=2)


def _caption(cells: pd.DataFrame, x: str, y: str) -> str:
    return (
        f"Kaplan–Meier median over seeds of the step at which networks generalise, over {field_label(x)} and "
        f"{field_label(y)}. Hatched, with '>': fewer than half of the networks generalised in so many steps; "
        f"×: not trained. x and y in the CSV file count cells from 0. {_networks(cells)}"
    )


def _networks(cells: pd.DataFrame) -> str:
    least, most = int(cells["n"].min()), int(cells["n"].max())
    return f"Networks per cell: n = {least}{f' to {most}' if most > least else ''}."


def _norm(cells: pd.DataFrame) -> LogNorm:
    """Return the colour scale that all panels share."""
    exact = cells.loc[(cells["t_gen_median_bound"] == "=") & (cells["t_gen_median"] > 0), "t_gen_median"]
    if exact.empty:
        return LogNorm(1, 10)
    return LogNorm(exact.min(), max(exact.max(), 1.01 * exact.min()))


def _values(cells: pd.DataFrame, field: str) -> list[Any]:
    """Return a field's values in order; None if some arm has none."""
    values = cells[field].dropna().unique().tolist()
    return sorted(values) + ([None] if cells[field].isna().any() else [])


def _equal(values: pd.Series, value: Any) -> pd.Series:
    return values.isna() if value is None else values == value


def _text(value: Any) -> str:
    return "none" if value is None else value if isinstance(value, str) else f"{value:g}"
