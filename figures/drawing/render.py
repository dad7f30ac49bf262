"""One picture: its tables loaded, drawn in the house style, saved."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analyses.tables.schema import Table
from analyses.tables.storage import load_table
from figures.drawing.figure_spec import FigureSpec, TableKey
from figures.drawing.origin import picture_origin

STYLE = Path(__file__).with_name("style.mplstyle")


def draw_picture(
    figure: FigureSpec,
    tables: Mapping[TableKey, Path],
    target: Path,
    note: str = "",
    dots_per_inch: int | None = None,
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
    dots_per_inch : int, optional
        Resolution of the .png; the house style's by default.

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

    module: Any = importlib.import_module(f"figures.{figure.draws}")
    resolution: dict[Any, Any] = {} if dots_per_inch is None else {"savefig.dpi": dots_per_inch}
    with plt.style.context(STYLE), matplotlib.rc_context(resolution):
        drawing = module.draw(loaded)
        drawing.stamp(note)
        drawing.origin = picture_origin(figure, tables, note)
        try:
            return drawing.save(target)
        finally:
            plt.close(drawing.figure)
