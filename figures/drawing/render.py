"""One figure: drawn in the house style, and saved as a picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from analyses.tables.schema import Table
from analyses.tables.storage import load_table
from figures.drawing.figure_spec import FigureSpec, TableKey
from figures.drawing.origin import picture_origin

if TYPE_CHECKING:
    import pandas as pd

    from figures.drawing.recorded_figure import Drawing

PREVIEW_DPI = 40
STYLE = Path(__file__).with_name("style.mplstyle")


def draw_picture(
    figure: FigureSpec,
    tables: Mapping[TableKey, Path],
    target: Path,
    note: str = "",
    preview: bool = False,
) -> list[Path]:
    """Draw a figure from tables on disk, and return the files written.

    Parameters
    ----------
    tables : mapping
        Path of each of the figure's tables, by its key.
    target : Path
        Where the figure goes, without its end.
    note : str
        Words for its corner and its caption, if any.
    preview : bool
        True: a coarse .png and no .pdf, in half the time.

    Raises
    ------
    RunError
        If a table is missing, damaged, or made by another schema or other code.
    """
    import matplotlib.pyplot as plt

    loaded = {
        key: load_table(path, key if isinstance(key, Table) else key[1]) for key, path in tables.items()
    }
    with style(), plt.rc_context({"savefig.dpi": PREVIEW_DPI} if preview else {}):
        drawing = draw_figure(figure, loaded, note)
        drawing.origin = picture_origin(figure, tables, note)
        try:
            return drawing.save(target, preview)
        finally:
            plt.close(drawing.figure)


def draw_figure(figure: FigureSpec, tables: Mapping[TableKey, pd.DataFrame], note: str = "") -> Drawing:
    """Draw a figure from tables in the house style, without saving it.

    Matplotlib's backend stays as it is; pyplot keeps the new figure open.
    """
    with style():
        drawing: Drawing = figure.draw(tables)
        drawing.stamp(note)
    return drawing


@contextmanager
def style() -> Iterator[None]:
    """Draw in the house style for a while.

    Examples
    --------
    >>> import matplotlib
    >>> with style():
    ...     matplotlib.rcParams["axes.spines.top"]
    False
    """
    import matplotlib.pyplot as plt

    with plt.style.context(STYLE):
        yield
