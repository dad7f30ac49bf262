"""Long tables over arms, seeds and checkpoints."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analyses.tables.schema import is_setting

if TYPE_CHECKING:
    from training.inspection.trained_network import Network


def long_table(network: Network, axes: Mapping[str, Any], values: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Return a network's table with one row per combination of the axes' entries.

    Parameters
    ----------
    axes : mapping
        Column name and entries of each axis of the values, in order.
    values : mapping
        Arrays of the axes' lengths, or that broadcast to them, by column name.
    """
    shape = tuple(len(entries) for entries in axes.values())
    places = np.unravel_index(np.arange(int(np.prod(shape))), shape)
    columns: dict[str, Any] = {"arm": network.arm, "arm_role": network.role, "seed": network.seed}
    columns |= {
        name: np.asarray(entries)[at] for (name, entries), at in zip(axes.items(), places, strict=True)
    }
    columns |= {name: np.broadcast_to(value, shape).ravel() for name, value in values.items()}
    return pd.DataFrame(columns)


def groups(table: pd.DataFrame, by: Sequence[str]) -> Iterator[tuple[tuple[Any, ...], pd.DataFrame]]:
    """Yield the rows of each combination of some columns, in order of appearance."""
    for key, rows in table.groupby(list(by), sort=False):
        yield key if isinstance(key, tuple) else (key,), rows


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as plain mappings."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def gather(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the networks' tables as one."""
    return pd.concat(tables, ignore_index=True)


def first_and_last(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows of each network's first checkpoint, and of its last."""
    steps = table.groupby(["arm", "seed"], sort=False)["step"]
    return table[table["step"] == steps.transform("min")], table[table["step"] == steps.transform("max")]


def nearest_checkpoint(table: pd.DataFrame, step: int) -> pd.DataFrame:
    """Return the rows of each network's checkpoint nearest to a step, of two the earlier."""
    distance = (table["step"] - step).abs() + (table["step"] > step) * 0.5
    names = [table["arm"], table["seed"]]
    return table[distance == distance.groupby(names, sort=False).transform("min")]


def pairs_of(entries: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Return every pair of different entries, in order."""
    return list(itertools.combinations(entries, 2))


def plain_means(table: pd.DataFrame, by: Sequence[str]) -> list[dict[str, Any]]:
    """Return each group's first and last means over seeds, and last maxima."""
    first, last = first_and_last(table)
    keys = {"arm", "arm_role", "seed", "step", *by}
    measures = [name for name in table.columns if name not in keys and not is_setting(name)]
    rows = []
    for key, group in groups(last, by):
        start = first[(first[list(by)] == list(key)).all(axis=1)]
        row = dict(zip(by, key, strict=True)) | {"n_seeds": group["seed"].nunique()}
        for name in measures:
            row |= {f"{name}_first": float(start[name].mean()), f"{name}_last": float(group[name].mean())}
            row[f"{name}_max"] = float(group[name].max())
        rows.append(row)
    return rows
