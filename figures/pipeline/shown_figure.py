"""Figures from Python: a run in, a matplotlib figure out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from figures.catalogue.registry import FIGURES
from figures.drawing.figure_option import option_values
from figures.drawing.figure_spec import FigureSpec, TableKey
from training.schema.validation import named_as_in_python

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from training.inspection.run import Run
    from training.runs.run_directory import RunDir


@named_as_in_python()
def draw(run: Run | RunDir | Path | str, name: str, **options: Any) -> Figure:
    """Draw a figure of the catalogue, and return it as a matplotlib figure.

    Tables that are missing or stale are measured first, and saved in the run. Matplotlib's backend, settings
    and other figures stay as they are. As the last line of a notebook's cell the figure is shown once; in a
    script `plt.show()` shows it.

    Parameters
    ----------
    run : Run, RunDir or path
        A run; for a figure of several runs, the folder that holds them.
    name : str
        Name of the figure; `list_figures()` shows them. Of an animation the last frame is drawn.
    options
        Options of the figure, as `neurons=4` for `--neurons 4`.

    Raises
    ------
    ConfigError
        If no figure has this name, or it has no such option; the message lists those there are.
    RunError
        If the run is damaged, or holds no network that the figure can show.
    """
    import matplotlib
    import matplotlib.pyplot as plt

    from figures.drawing.render import drawn, style

    figure = FIGURES[name]
    option_values(figure.options, options)  # refused before anything is measured
    tables, note = _tables(run, figure)
    open_before = set(plt.get_fignums())
    try:
        with style():
            shown = drawn(figure, tables, note, options).still()
    except BaseException:
        for number in set(plt.get_fignums()) - open_before:
            plt.close(number)
        raise
    if "inline" in matplotlib.get_backend():  # which shows every open figure at the end of a cell
        plt.close(shown)
    return shown


def list_figures() -> pd.DataFrame:
    """Return the figures: name, what each shows, its paper, its analyses, its recipe and its options.

    A figure of one run can be drawn of any run that its analyses can read.
    """
    import pandas as pd

    rows = [
        {
            "name": figure.name,
            "shows": figure.shows,
            "paper": figure.paper,
            "analyses": ", ".join(figure.analyses),
            "recipes": figure.recipe
            or ", ".join(dict.fromkeys(key[0] for key in figure.tables if isinstance(key, tuple))),
            "of_one_run": figure.of_one_run,
            "options": ", ".join(option.name for option in figure.options),
        }
        for figure in FIGURES.values()
    ]
    return pd.DataFrame(rows).set_index("name")


def _tables(run: Run | RunDir | Path | str, figure: FigureSpec) -> tuple[dict[TableKey, Any], str]:
    """Return a figure's current tables by key, and the notes of their runs."""
    from analyses.running.measured_tables import MeasuredTables, measure
    from training.inspection.run import open_run

    folder = Path(run) if isinstance(run, str | Path) else run.path
    measured: dict[tuple[str, str], MeasuredTables] = {}
    tables: dict[TableKey, Any] = {}
    notes: dict[str, None] = {}
    for key in figure.tables:
        recipe, table = key if isinstance(key, tuple) else ("", key)
        source = folder / recipe if recipe else run
        if (recipe, table.analysis) not in measured:
            opened = open_run(source)
            notes[opened.recipe.note] = None
            measured[recipe, table.analysis] = measure(opened, table.analysis)
        tables[key] = measured[recipe, table.analysis].tables[table]
    return tables, "; ".join(note for note in notes if note)
