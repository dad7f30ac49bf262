"""Figure that records every number drawn in it, for its CSV file."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from analyses.tables.labels import arm_label, of_chosen_checkpoints, series_of
from analyses.tables.output_folder import arguments_text
from figures.drawing.origin import PREFIX
from figures.drawing.plain_text import escaped, restored
from figures.drawing.style import Styles, line_style, table_styles

COLUMNS = ("panel", "series", "seed", "x", "y", "low", "high", "value")
LABEL_SIZE = 8
"""Size of an axis label, in points."""
MOST_NAMED = 8
"""Largest number of arms of one series that a legend names."""
CENTRES = ("mean", "median", "geometric mean")
"""Centres of the seeds' curves; on a logarithmic axis the last two are right."""


class Drawing:
    """Figure with its numbers and its caption."""

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
        """Draw `value` (y, x) as colours; every cell reaches halfway to its neighbours."""
        mesh = ax.pcolormesh(_edges(x), _edges(y), value, rasterized=True, **style)
        at_y, at_x = np.meshgrid(y, x, indexing="ij")
        self.note(panel, series, seed, x=at_x.ravel(), y=at_y.ravel(), value=value.ravel())
        return mesh

    def arms(
        self,
        ax: Axes,
        panel: str,
        table: pd.DataFrame,
        y: str,
        centre: str = "mean",
        styles: Styles | None = None,
        x: str = "step",
    ) -> None:
        """Draw every arm's curves over steps: seeds thin, their centre bold.

        The bold curve has the steps at which all seeds of the arm have a value.

        Parameters
        ----------
        table : DataFrame
            Columns arm, seed, `x` and `y`; arm_role, if it is there, decides the colours.
        centre : {"mean", "median", "geometric mean"}
            Centre over seeds. A logarithmic axis needs one of the last two.
        styles : dict, optional
            Styles of all arms of the figure, if the table has only some of them.
        x : str
            Column of the x axis.

        Raises
        ------
        ValueError
            If `centre` is none of these.
        """
        if centre not in CENTRES:
            raise ValueError(f"centre: expected one of {', '.join(CENTRES)}, got {centre!r}")
        arms = list(dict.fromkeys(table["arm"]))
        styles = styles or table_styles(table)
        for arm in sorted(arms, key=list(styles).index):
            arm_rows, style = table[table["arm"] == arm], styles[arm]
            seeds = list(dict.fromkeys(arm_rows["seed"]))
            for seed in seeds if len(seeds) > 1 else []:
                curve = arm_rows[arm_rows["seed"] == seed]
                self.line(ax, panel, arm, curve[x], curve[y], seed=seed, **line_style(style, seed=True))
            middle = _centre_over_seeds(arm_rows, x, y, centre, len(seeds))
            self.line(ax, panel, arm, middle.index, middle, seed=centre, **line_style(style))

    def table(self) -> pd.DataFrame:
        """Return every number drawn, with its panel, series and seed."""
        table = pd.concat(self._parts, ignore_index=True).reindex(columns=list(COLUMNS))
        for name in ("panel", "series", "seed"):
            table[name] = table[name].map(restored)
        return table.drop(columns=[name for name in COLUMNS[5:] if table[name].isna().all()])

    def stamp(self, note: str) -> None:
        """Write a note below all panels and in the caption."""
        if not note:
            return
        size = 5.5  # smaller than all other text: nobody needs it at first glance
        width = self.figure.get_figwidth()
        lines = textwrap.wrap(note, width=int(width * 72 / (0.55 * size)))
        add_strip_below(self.figure, 1.3 * size * len(lines) / 72)
        look: dict[str, Any] = {
            "fontsize": size,
            "color": "0.45",
            "ha": "right",
            "va": "bottom",
            "in_layout": False,
        }
        height = self.figure.get_figheight()
        self.figure.text(1 - 0.04 / width, 0.02 / height, escaped("\n".join(lines)), **look)
        self.caption += f" Made of a run whose note is: {escaped(note)}."

    def name_arguments(self, arguments: Mapping[str, Any]) -> None:
        """Say in the caption that the tables were made with arguments.

        Of tables of some checkpoints nothing is said to be at the last one.
        """
        if not arguments:
            return
        if "steps" in arguments:
            self.caption = of_chosen_checkpoints(self.caption)
            for text in self.figure.findobj(Text):
                text.set_text(of_chosen_checkpoints(text.get_text()))
        self.caption += f" Tables made with {escaped(arguments_text(arguments))}."

    def still(self) -> Figure:
        """Return the figure, laid out, as one picture shows it."""
        self.figure.draw_without_rendering()  # ticks take the style they are made in
        return self.figure

    def save(self, path: Path, preview: bool = False) -> list[Path]:
        """Write pictures, numbers (.csv) and caption (.txt), equal bytes every time.

        Parameters
        ----------
        preview : bool
            True: no .pdf.
        """
        from training.runs.atomic_files import write_bytes, write_table

        pictures = self.pictures(preview)
        for suffix, content in pictures.items():
            write_bytes(path.with_suffix(suffix), content)
        write_table(path.with_suffix(".csv"), self.table())
        lines = [restored(self.caption), *([PREFIX + self.origin] if self.origin else []), ""]
        write_bytes(path.with_suffix(".txt"), "\n".join(lines).encode())
        return [path.with_suffix(suffix) for suffix in (*pictures, ".csv", ".txt")]

    def pictures(self, preview: bool = False) -> dict[str, bytes]:
        """Return the content of the .png and .pdf file; a preview has no .pdf."""
        import io

        content = {}
        undated: dict[str, dict[str, None]] = {".png": {"Software": None}}
        if not preview:
            undated[".pdf"] = {"CreationDate": None, "ModDate": None}
        for suffix, metadata in undated.items():
            buffer = io.BytesIO()
            self.figure.savefig(buffer, format=suffix[1:], metadata=metadata)
            self.figure.set_layout_engine("none")  # one layout for both files
            content[suffix] = buffer.getvalue()
        return content

    def note(self, panel: str, series: str, seed: Any = "", **numbers: Any) -> None:
        """Record numbers that were drawn by other means than this class."""
        columns = {name: np.atleast_1d(np.asarray(v, dtype=np.float64)) for name, v in numbers.items()}
        self._parts.append(pd.DataFrame({"panel": panel, "series": series, "seed": str(seed)} | columns))


def _centre_over_seeds(arm_rows: pd.DataFrame, x: str, y: str, centre: str, n_seeds: int) -> pd.Series:
    """Return the centre of an arm's curves over its seeds."""
    geometric = centre == "geometric mean"
    with np.errstate(divide="ignore", invalid="ignore"):  # no curve where a value is not positive
        values = np.log(arm_rows[y]) if geometric else arm_rows[y]
    statistic = "mean" if geometric else centre
    by_step = values.groupby(arm_rows[x]).agg([statistic, "count"])
    middle = by_step.loc[by_step["count"] == n_seeds, statistic]
    return np.exp(middle) if geometric else middle


def add_strip_below(figure: Figure, inches: float) -> None:
    """Lay out a figure, then add an empty strip below it."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    height = figure.get_figheight()
    scale, shift = height / (height + inches), inches / (height + inches)
    for ax in figure.axes:
        box = ax.get_position(original=True)
        ax.set_position((box.x0, box.y0 * scale + shift, box.width, box.height * scale))
    for legend in figure.legends:
        legend.set_bbox_to_anchor((0, shift, 1, scale), transform=figure.transFigure)
    for text in figure.texts:
        text.set_y(text.get_position()[1] * scale + shift)
    figure.set_figheight(height + inches)


def seeds_and_centre(table: pd.DataFrame, centre: str = "mean") -> str:
    """Return the caption's sentence on thin and bold curves, with n."""
    n = table.groupby("arm", sort=False)["seed"].nunique()
    if (n == 1).all():
        return "One network per arm (n = 1)."
    return f"Thin: single seeds; bold: their {centre} where all seeds have a value ({counted(n.to_dict())})."


def counted(n: Mapping[Any, int]) -> str:
    """Return the number of networks of every arm in words."""
    if len(set(n.values())) == 1:
        return f"n = {next(iter(n.values()))}" + (" of every arm" if len(n) > 1 else "")
    return "; ".join(f"{arm_label(arm)} n = {number}" for arm, number in n.items())


def without_jumps(angle: Any) -> np.ndarray:
    """Return a curve of angles with gaps where it crosses from π to −π."""
    y = np.array(angle, dtype=np.float64)
    y[1:][np.abs(np.diff(y)) > np.pi] = np.nan
    return y


def shared_x_label(figure: Figure, axes: Iterable[Axes], label: str) -> None:
    """Label the x axes of all panels once, below them."""
    for ax in axes:
        ax.set_xlabel("")
    figure.supxlabel(f"{label} (all panels)", fontsize=LABEL_SIZE)


def arm_legend(figure: Figure, table: pd.DataFrame, more: Sequence[Line2D] = (), **style: Any) -> None:
    """Draw one legend of a table's arms above the panels.

    It has as many rows as its words need, and the figure grows by them. Of a long series of arms it names a
    few, evenly spaced: the colours of the others lie between.

    Parameters
    ----------
    more : sequence of Line2D
        Further entries: what other lines and markers mean.
    """
    styles = table_styles(table)
    for series in series_of(list(styles)):
        named = {round(at) for at in np.linspace(0, len(series) - 1, MOST_NAMED)}
        for place, arm in enumerate(series if len(series) > MOST_NAMED else ()):
            if place not in named:
                del styles[arm]
    handles = [*(Line2D([], [], **line_style(arm)) for arm in styles.values()), *more]
    labels = [str(handle.get_label()) for handle in handles]
    columns = next(
        n for n in range(len(labels), 0, -1) if n == 1 or _width(labels, n) < figure.get_figwidth()
    )
    rows = math.ceil(len(labels) / columns)
    figure.set_figheight(figure.get_figheight() + 0.14 * (rows - 1))
    figure.legend(handles=handles, loc="outside upper center", ncols=columns, **style)


def _width(labels: Sequence[str], columns: int) -> float:
    """Return the approximate width of a legend, in inches."""
    longest = [max(map(len, column)) for column in np.array_split(np.array(labels), columns)]
    return sum(0.52 + 0.054 * length for length in longest)


def letter(axes: Sequence[Axes]) -> None:
    """Write (a), (b), …, (z), (aa), … before the panels' titles."""
    names = (first + last for first in ("", *ascii_lowercase) for last in ascii_lowercase)
    for name, ax in zip(names, axes, strict=False):
        ax.set_title(f"({name}) {ax.get_title(loc='left')}", loc="left")


def _edges(centres: Any) -> np.ndarray:
    """Return the borders of cells, halfway between their centres."""
    x = np.asarray(centres, dtype=np.float64)
    if len(x) == 1:
        return np.array([x[0] - 0.5, x[0] + 0.5])
    middle = (x[1:] + x[:-1]) / 2
    return np.concatenate([[2 * x[0] - middle[0]], middle, [2 * x[-1] - middle[-1]]])
