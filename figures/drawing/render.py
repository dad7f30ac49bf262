"""One picture: its tables loaded, drawn in the house style, saved."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analyses.tables.schema import Table
from analyses.tables.storage import load_table
from figures.drawing.figure_spec import FigureSpec, TableKey
from figures.drawing.origin import picture_origin

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
    import matplotlib

    loaded = {
        key: load_table(path, key if isinstance(key, Table) else key[1]) for key, path in tables.items()
    }
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    resolution: dict[Any, Any] = {"savefig.dpi": PREVIEW_DPI} if preview else {}
    with plt.style.context(STYLE), matplotlib.rc_context(resolution):
        drawing = figure.draw(loaded)
        drawing.stamp(note)
        drawing.origin = picture_origin(figure, tables, note)
        try:
            return drawing.save(target, preview)
        finally:
            plt.close(drawing.figure)
