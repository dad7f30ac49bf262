"""One picture: its tables loaded, drawn in the house style, saved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyses.tables.schema import Table
from analyses.tables.storage import load_table
from figures.drawing.figure_option import Options
from figures.drawing.figure_spec import FigureSpec, TableKey
from figures.drawing.origin import arguments_of, picture_origin

if TYPE_CHECKING:
    from figures.drawing.recorded_figure import Drawing

PREVIEW_DPI = 40
STYLE = Path(__file__).with_name("style.mplstyle")


@contextmanager
def style() -> Iterator[None]:
    """Draw in the house style, in a `with` block.

    Examples
    --------
    >>> import matplotlib
    >>> with style():
    ...     matplotlib.rcParams["font.size"]
    8.0
    """
    import matplotlib
    from matplotlib.style import context

    interactive = matplotlib.is_interactive()
    try:
        with context(STYLE, after_reset=True):
            try:
                yield
            finally:  # a notebook's backend turns it on when the first figure is made
                interactive = matplotlib.is_interactive()
    finally:
        matplotlib.interactive(interactive)


def draw_picture(
    figure: FigureSpec,
    tables: Mapping[TableKey, Path],
    target: Path,
    note: str = "",
    preview: bool = False,
    options: Options | None = None,
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
    options : mapping, optional
        As in `FigureSpec.draw`.

    Raises
    ------
    ConfigError
        If an option does not fit.
    RunError
        If a table is missing, damaged, or made by another schema or other code.
    """
    loaded = {
        key: load_table(path, key if isinstance(key, Table) else key[1]) for key, path in tables.items()
    }
    import matplotlib
    import matplotlib.pyplot as plt

    resolution: dict[Any, Any] = {"savefig.dpi": PREVIEW_DPI} if preview else {}
    with style(), matplotlib.rc_context(resolution):
        drawing = drawn(figure, loaded, note, options, arguments_of(tables.values()))
        drawing.origin = picture_origin(figure, tables, note, options)
        try:
            return drawing.save(target, preview)
        finally:
            plt.close(drawing.figure)


def drawn(
    figure: FigureSpec,
    tables: Mapping[TableKey, Any],
    note: str = "",
    options: Options | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> Drawing:
    """Return the drawing of loaded tables, in matplotlib's style of now.

    Options that are not the defaults are named in the caption.

    Parameters
    ----------
    tables, note, options
        As in `draw_picture`, with data frames in place of paths.
    arguments : mapping, optional
        Arguments that the tables were made with, where these are not the full ones.
    """
    from figures.drawing.plain_text import escaped_table

    drawing: Drawing = figure.draw({key: escaped_table(table) for key, table in tables.items()}, options)
    if changed := figure.changed(options or {}):
        drawing.caption += f" Drawn with {', '.join(f'{name} = {value}' for name, value in changed.items())}."
    drawing.name_arguments(arguments or {})
    drawing.stamp(note)
    return drawing
