"""Curves of an adopted network: those that other code recorded, or an evaluation of its checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from training.config.settings import Criterion, Setting
from training.optimization.engine import Engine
from training.optimization.evaluation import METRICS
from training.runs.atomic_files import RunError, reading
from training.runs.checked_content import checked_metrics
from training.schema.validation import names

if TYPE_CHECKING:
    import pandas as pd


def read_table(path: Path) -> pd.DataFrame:
    """Return the table in a CSV or Parquet file.

    Raises
    ------
    RunError
        If the file is missing, damaged or of another kind.
    """
    import pandas as pd

    if path.suffix not in (".csv", ".parquet") or not path.is_file():
        raise RunError(f"{path}: expected a file of curves, .csv or .parquet, got none")
    with reading(path):
        return pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)


def recorded_curves(
    path: Path, table: pd.DataFrame, renames: Mapping[str, str], criterion: Criterion
) -> dict[str, np.ndarray]:
    """Return the columns of metrics.parquet from the curves of other code.

    Columns that this project does not have are left out; of its own, those that are missing are NaN.

    Parameters
    ----------
    path : path
        File of the curves, named in errors.
    renames : mapping
        This project's name of a column, by the file's.
    criterion : Criterion
        The step and the curves that it judges by have to be there.

    Raises
    ------
    RunError
        If such a column is missing, or holds values that cannot be.
    """
    table = table.rename(columns=dict(renames))
    theirs = names(map(str, table.columns))
    if len(set(table.columns)) < len(table.columns):
        raise RunError(f"{path}: expected columns of different names, got {theirs}; check --rename")
    needed = (criterion.train, criterion.test)
    if missing := [name for name in ("step", *needed) if name not in table]:
        raise RunError(
            f"{path}: expected columns step, {', '.join(needed)}, got none for {', '.join(missing)}; "
            f"--rename OLD=NEW gives such names to its columns ({theirs})"
        )
    table = checked_metrics(path, table, needed, measured=criterion.train)
    unmeasured = np.full(len(table), np.nan)
    return {name: table[name].to_numpy() if name in table else unmeasured for name in ("step", *METRICS)}


def evaluated(
    setting: Setting, steps: np.ndarray, weights: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return the columns of metrics.parquet, a row per checkpoint.

    The engine that trains computes them. Where the weights were trained on another split than the task's,
    train and test mix that one's parts.
    """
    start = {name: torch.from_numpy(w[0]) for name, w in weights.items()}
    engine = Engine(setting.model, setting.optimizer, setting.task.build(), [start], [None])
    rows, threads = [], torch.get_num_threads()
    torch.set_num_threads(1)  # as every worker does: these matrices are too small for two
    try:
        for i in range(len(steps)):
            for name, w in weights.items():
                engine.weights[name][0].copy_(torch.from_numpy(w[i]))
            rows.append(engine.evaluate()[0])
    finally:
        torch.set_num_threads(threads)
    return {"step": steps} | dict(zip(METRICS, np.array(rows).T, strict=True))
