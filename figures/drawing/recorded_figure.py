"""A figure that remembers every number drawn in it, so that its CSV holds exactly these."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from analyses.tables.labels import series_of
from figures.drawing.origin import PREFIX
from figures.drawing.style import arm_styles, line_style

COLUMNS = ("panel", "series", "seed", "x", "y", "low", "high", "value")
MOST_NAMED = 8
"""Arms of one series that a legend names."""


class Drawing:
    """A figure, its numbers and its caption."""

    def __init__(self, figure: Figure):
        self.figure = figure
        self.caption = ""
        self._parts: list[pd.DataFrame] = []
        self.origin = ""
        """Hash of all that it is drawn from, the last line of the caption's file."""

    def line(self, ax: Axes, panel: str, series: str, x: Any, y: Any, seed: Any = "", **style: Any) -> None:
        """Draw a curve or, without a line style, points."""
        ax.plot(x, y, **style)
        self.note(panel, series, seed, x=x, y=y)

    def band(self, ax: Axes, panel: str, series: str, x: Any, low: Any, high: Any, **style: Any) -> None:
        """Fill between two curves."""
        ax.fill_between(x, low, high, **style)
        self.note(panel, series, "", x=x, low=low, high=high)

    def level(self, ax: Axes, panel: str, series: str, y: float, **style: Any) -> None:
        """Draw a horizontal line across the panel."""
        look: dict[str, Any] = {"color": "0.45", "linewidth": 0.8, "linestyle": ":"} | style
        ax.axhline(y, **look)
        self.note(panel, series, "", y=y)

    def heat(
        self, ax: Axes, panel: str, series: str, seed: Any, x: Any, y: Any, value: np.ndarray, **style: Any
    ) -> Any:
        """Draw `value` (y, x) as colours; every cell reaches half way to its neighbours."""
        mesh = ax.pcolormesh(_edges(x), _edges(y), value, rasterized=True, **style)
        at_y, at_x = np.meshgrid(y, x, indexing="ij")
        self.note(panel, series, seed, x=at_x.ravel(), y=at_y.ravel(), value=value.ravel())
        return mesh

    def arms(self, ax: Axes, panel: str, table: pd.DataFrame, y: str, centre: str = "mean") -> None:
        """Draw a curve per arm over steps: every seed thin, their centre bold where all have the step.

        `centre` is "mean" or "median".
        """
        for arm, style in arm_styles(list(dict.fromkeys(table["arm"]))).items():
            own = table[table["arm"] == arm]
            seeds = list(dict.fromkeys(own["seed"]))
            for seed in seeds if len(seeds) > 1 else []:
                curve = own[own["seed"] == seed]
                self.line(ax, panel, arm, curve["step"], curve[y], seed=seed, **line_style(style, seed=True))
            shared = own.groupby("step")[y].agg([centre, "size"])
            middle = shared.loc[shared["size"] == len(seeds), centre]
            self.line(ax, panel, arm, middle.index, middle, seed=centre, **line_style(style))

    def table(self) -> pd.DataFrame:
        """Every number drawn: panel, series, seed, then x, y and, where there are such, low, high, value."""
        table = pd.concat(self._parts, ignore_index=True).reindex(columns=list(COLUMNS))
        return table.drop(columns=[name for name in COLUMNS[5:] if table[name].isna().all()])

    def stamp(self, note: str) -> None:
        """Say in the lower right corner, below all panels, and in the caption what `note` says."""
        if not note:
            return
        width, height = self.figure.get_size_inches()
        size = 5.5  # below what the style has for text that has to be read at a glance
        lines = textwrap.wrap(note, width=int(width * 72 / (0.55 * size)))
        layout = self.figure.get_layout_engine()
        if isinstance(layout, ConstrainedLayoutEngine):
            strip = 1.3 * size * len(lines) / 72 / height
            layout.set(rect=(0, strip, 1, 1 - strip))
        look: dict[str, Any] = {
            "fontsize": size,
            "color": "0.45",
            "ha": "right",
            "va": "bottom",
            "in_layout": False,
        }
        self.figure.text(1 - 0.04 / width, 0.02 / height, "\n".join(lines), **look)
        self.caption += f" Made of a run whose note is: {note}."

    def save(self, path: Path) -> list[Path]:
        """Write the pictures, .csv and .txt (the caption) beside one another, the same bytes every time."""
        from training.runs.atomic_files import write_bytes, write_table

        pictures = self.pictures()
        for suffix, content in pictures.items():
            write_bytes(path.with_suffix(suffix), content)
        write_table(path.with_suffix(".csv"), self.table())
        lines = [self.caption, *([PREFIX + self.origin] if self.origin else []), ""]
        write_bytes(path.with_suffix(".txt"), "\n".join(lines).encode())
        return [path.with_suffix(suffix) for suffix in (*pictures, ".csv", ".txt")]

    def pictures(self) -> dict[str, bytes]:
        """Content of the .png and of the .pdf, by suffix."""
        import io

        content = {}
        undated = {".png": {"Software": None}, ".pdf": {"CreationDate": None, "ModDate": None}}
        for suffix, metadata in undated.items():
            buffer = io.BytesIO()
            self.figure.savefig(buffer, format=suffix[1:], metadata=metadata)
            self.figure.set_layout_engine("none")  # laid out once, the same for both files
            content[suffix] = buffer.getvalue()
        return content

    def note(self, panel: str, series: str, seed: Any = "", **numbers: Any) -> None:
        """Record numbers that were drawn by other means."""
        columns = {name: np.atleast_1d(np.asarray(v, dtype=np.float64)) for name, v in numbers.items()}
        self._parts.append(pd.DataFrame({"panel": panel, "series": series, "seed": str(seed)} | columns))


def seeds_and_centre(table: pd.DataFrame, centre: str = "mean") -> str:
    """The sentence of a caption that says what thin and bold curves are, with n."""
    n = table.groupby("arm", sort=False)["seed"].nunique()
    return f"Thin: single seeds; bold: their {centre} where all seeds have a value ({counted(n.to_dict())})."


def counted(n: Mapping[Any, int]) -> str:
    """How many networks of every arm; in one number where it is the same."""
    if len(set(n.values())) == 1:
        return f"n = {next(iter(n.values()))}" + (" of every arm" if len(n) > 1 else "")
    return "; ".join(f"{style['label']} n = {n[arm]}" for arm, style in arm_styles(list(n)).items())


def without_jumps(angle: Any) -> np.ndarray:
    """A curve of angles in [-pi, pi) with gaps where it crosses the cut, for no stroke to be drawn there."""
    y = np.array(angle, dtype=np.float64)
    y[1:][np.abs(np.diff(y)) > np.pi] = np.nan
    return y


def arm_legend(figure: Figure, table: pd.DataFrame, **style: Any) -> None:
    """One legend of all arms above the panels, in as many rows as its words need; the figure grows by them.

    Of a long series of arms it names a few, evenly spaced; their colours say where the others are.
    """
    from matplotlib.lines import Line2D

    styles = arm_styles(list(dict.fromkeys(table["arm"])))
    for series in series_of(list(styles)):
        named = {round(at) for at in np.linspace(0, len(series) - 1, MOST_NAMED)}
        for place, arm in enumerate(series if len(series) > MOST_NAMED else ()):
            if place not in named:
                del styles[arm]
    handles = [Line2D([], [], **line_style(arm)) for arm in styles.values()]
    labels = [arm["label"] for arm in styles.values()]
    columns = next(
        n for n in range(len(labels), 0, -1) if n == 1 or _width(labels, n) < figure.get_figwidth()
    )
    rows = math.ceil(len(labels) / columns)
    figure.set_figheight(figure.get_figheight() + 0.14 * (rows - 1))
    figure.legend(handles=handles, loc="outside upper center", ncols=columns, **style)


def _width(labels: Sequence[str], columns: int) -> float:
    """About how wide a legend is, in inches."""
    longest = [max(map(len, column)) for column in np.array_split(np.array(labels), columns)]
    return sum(0.52 + 0.054 * length for length in longest)


def letter(axes: Sequence[Axes]) -> None:
    """Put (a), (b), …, (z), (aa), … before the panels' titles."""
    names = (first + last for first in ("", *ascii_lowercase) for last in ascii_lowercase)
    for name, ax in zip(names, axes, strict=False):
        ax.set_title(f"({name}) {ax.get_title(loc='left')}", loc="left")


def _edges(centres: Any) -> np.ndarray:
    x = np.asarray(centres, dtype=np.float64)
    if len(x) == 1:
        return np.array([x[0] - 0.5, x[0] + 0.5])
    middle = (x[1:] + x[:-1]) / 2
    return np.concatenate([[2 * x[0] - middle[0]], middle, [2 * x[-1] - middle[-1]]])
