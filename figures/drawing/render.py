"""One picture: the tables that a script names, read, drawn in the house style and saved."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


PACKAGE = Path(__file__).parent.parent
STYLE = Path(__file__).with_name("style.mplstyle")


def tables_of(script: str) -> tuple[str, ...]:
    """The `TABLES` of a script of `figures`, read off its source: importing it would import matplotlib."""
    source = PACKAGE.joinpath(*script.split(".")).with_suffix(".py").read_text()
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "TABLES":
            return tuple(ast.literal_eval(statement.value))
    raise AssertionError(f"figures/{script}.py has no TABLES")


def draw_picture(script: str, tables: Mapping[str, Path], target: Path, note: str = "") -> list[Path]:
    """Draw a script's figure from tables on disk, and return the files written.

    Parameters
    ----------
    tables : mapping
        By the names of the script's `TABLES`: where each is.
    target : Path
        Where the figure goes, without its end.
    note : str
        What its corner and its caption say of the runs, if anything.

    Raises
    ------
    RunError
        If a table is missing or damaged.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    module: Any = importlib.import_module(f"figures.{script}")
    with plt.style.context(STYLE):
        drawing = module.draw({name: _read(path) for name, path in tables.items()})
        drawing.stamp(note)
        try:
            return drawing.save(target)
        finally:
            plt.close(drawing.figure)


def _read(path: Path) -> pd.DataFrame:
    import pandas as pd
    import pyarrow

    from training.runs.atomic_files import RunError

    try:
        return pd.read_parquet(path)
    except FileNotFoundError:
        raise RunError(f"{path}: missing; the analysis makes it") from None
    except pyarrow.ArrowInvalid as error:
        raise RunError(f"{path}: damaged: {str(error).splitlines()[0]}") from None
