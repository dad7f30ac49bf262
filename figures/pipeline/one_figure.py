"""Figures of the catalogue from Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyses.running.measurement import measure
from analyses.tables.schema import Table
from figures.catalogue.registry import FIGURES
from training.inspection.run import open_run
from training.schema.validation import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from matplotlib.figure import Figure

    from figures.drawing.figure_spec import TableKey
    from training.inspection.run import Run
    from training.runs.run_directory import RunDir


def draw(run: Run | RunDir | Path | str, figure: str) -> Figure:
    """Draw a figure of the catalogue from a run.

    Tables that are missing or stale are measured first, and saved in the run. Matplotlib's backend, settings
    and open figures stay as they are. A notebook shows the figure where it is the last value of a cell; in a
    script, `plt.show()` shows it, or `savefig` saves it.

    Parameters
    ----------
    run : Run, RunDir or path
        Trained run, or its folder.
    figure : str
        Name of a figure, as in `list_figures()`; of an animation, the last frame is drawn.

    Raises
    ------
    ConfigError
        If there is no such figure, or it is one of several runs.
    RunError
        If the run is damaged, or has no network that the figure's analyses take.

    Examples
    --------
    >>> draw("runs/modadd_fast", "portrait")
    Traceback (most recent call last):
    training.schema.registry.UnknownNameError: figure: expected one of ...
    """
    from figures.drawing.render import draw_figure, style

    spec = FIGURES[figure]
    if not spec.of_one_run:
        recipes = ", ".join(dict.fromkeys(recipe for recipe, _ in spec.needs))
        raise ConfigError(
            f"figure {figure}: expected a figure of one run, got one of the runs {recipes}; "
            f"'python -m figures make {figure}' makes it"
        )
    opened = open_run(run)
    results = {analysis: measure(opened, analysis) for analysis in spec.analyses}
    tables: dict[TableKey, pd.DataFrame] = {
        key: results[key.analysis].tables[key] for key in spec.tables if isinstance(key, Table)
    }
    with style():
        drawn = draw_figure(spec, tables, (opened.files.config() or {}).get("note", "")).still()
    _close_if_inline(drawn)
    return drawn


def list_figures() -> pd.DataFrame:
    """Return every figure: what it shows, whose it is, its analyses and recipe.

    A figure without a recipe is drawn of any run that its analyses can read, or of several runs.

    Examples
    --------
    >>> list_figures().set_index("name").loc["periodicity", "analyses"]
    'fourier'
    """
    import pandas as pd

    return pd.DataFrame(
        {
            "name": spec.name,
            "shows": spec.shows,
            "paper": spec.paper,
            "analyses": ", ".join(spec.analyses),
            "recipe": spec.recipe or "",
            "of_one_run": spec.of_one_run,
        }
        for spec in FIGURES.values()
    )


def _close_if_inline(figure: Figure) -> None:
    """Close a figure in pyplot where a notebook would show it a second time."""
    import matplotlib
    import matplotlib.pyplot as plt

    if "inline" in matplotlib.get_backend().lower():
        plt.close(figure)
