"""Declared schemas of the saved tables."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

DTYPES: dict[type, str] = {int: "whole number", float: "number", bool: "true or false", str: "text"}
"""Words for the types that a column can have."""

METRICS, CHECKPOINTS, MASK = "metrics.parquet", "checkpoints.safetensors", "mask.safetensors"
"""Files of a network that analyses read."""

SETTINGS = frozenset(
    (
        "method",
        "sparsity",
        "scope",
        "start",
        "norm_scope",
        "form",
        "source_step",
        "from_step",
        "train_weights",
    )
)
"""Fields of an arm that tables carry if a run's arms differ in them."""
SETTING_TABLES = ("task.", "model.", "optimizer.")
"""Beginnings of the other such fields."""


def is_setting(name: str) -> bool:
    """Return True for a column that holds a field of the recipe."""
    return name in SETTINGS or name.startswith(SETTING_TABLES)


class SchemaError(ValueError):
    """Schema that contradicts itself, or a table that does not fit its schema."""


@dataclass(frozen=True)
class Column:
    """One column of a saved table.

    Raises
    ------
    SchemaError
        If the type is none of `DTYPES`.
    """

    name: str
    dtype: type
    """int, float, bool or str."""
    meaning: str
    """One plain sentence."""
    unit: str = ""
    """Unit of the values, as "steps" or "nats"; empty for text, counts and names."""
    missing: str = ""
    """Meaning of a missing value; empty if a value is always there."""
    source: str = ""
    """Definition that the values follow: a paper's section, or DEFINITIONS.md."""
    optional: str = ""
    """Networks whose tables have this column; empty if all have it."""
    needs: tuple[str, ...] = ()
    """Needs of its values (`analyses.loading.needs`); they are missing for a network without one."""
    role_of: str = ""
    """Name of the column of arms whose roles this column holds; it is then filled in on saving."""

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise SchemaError(
                f"column {self.name}: expected one of int, float, bool, str, got {self.dtype!r}"
            )


SETTING = Column(
    "setting",
    str,
    "Number or text of a field in which the run's arms differ ('python -m training list fields').",
    missing="the arm does not take the field, or leaves it open",
    optional="runs whose arms differ in it",
)
"""Column of a field of the recipe, under the field's name, as "optimizer.lr"; filled in on saving."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Table:
    """Schema of one saved table: its columns, its key, its version.

    Raises
    ------
    SchemaError
        If a column is declared twice, or the key names a column that is not declared.
    """

    analysis: str
    """Analysis that saves it: the package `analyses.<analysis>`."""
    part: str = ""
    """End of the table's name; empty for the main table of the analysis, which is also saved as CSV."""
    meaning: str
    """One plain sentence."""
    key: tuple[str, ...]
    """Columns whose values together occur once."""
    columns: tuple[Column, ...]
    """In the order in which they are saved."""
    needs: tuple[str, ...] = ()
    """Needs of its rows (`analyses.loading.needs`); a network without one has none."""
    numbered: Column | None = None
    """Column that occurs once per number, as one per residue, under the number's digits."""
    version: int = 1
    """Raised when a column changes its meaning."""

    def __post_init__(self) -> None:
        declared = [column.name for column in self.columns]
        if twice := sorted({name for name in declared if declared.count(name) > 1}):
            raise SchemaError(f"table {self.name}: column declared twice: {', '.join(twice)}")
        if unknown := [name for name in self.key if name not in declared]:
            raise SchemaError(
                f"table {self.name}: key: expected some of {', '.join(declared)}, got {', '.join(unknown)}"
            )

    def __repr__(self) -> str:
        return f"Table({self.name})"

    @property
    def name(self) -> str:
        """File name without its end, as "fourier_neurons"."""
        return f"{self.analysis}_{self.part}" if self.part else self.analysis

    @property
    def measured_columns(self) -> list[str]:
        """Names of the columns that an analysis fills in: all but roles."""
        return [column.name for column in self.columns if not column.role_of]

    def __getitem__(self, name: str) -> Column:
        """Return a column by name.

        Raises
        ------
        SchemaError
            If there is none of that name; the message lists those there are.
        """
        for column in self.columns:
            if column.name == name:
                return column
        if self.numbered is not None and name.isdecimal():
            return self.numbered
        if self.has_settings and is_setting(name):
            return SETTING
        names = ", ".join(column.name for column in self.columns)
        raise SchemaError(f"table {self.name}: expected one of the columns {names}, got {name!r}")

    def __contains__(self, name: object) -> bool:
        return self.declares(name) or (self.has_settings and isinstance(name, str) and is_setting(name))

    @property
    def has_settings(self) -> bool:
        """True if rows are of arms; the fields in which these differ become columns."""
        return self.declares("arm")

    def declares(self, name: object) -> bool:
        """Return True for a column that an analysis may fill in."""
        return any(column.name == name for column in self.columns) or (
            self.numbered is not None and isinstance(name, str) and name.isdecimal()
        )

    def digest(self) -> str:
        """Return a hash of names, types, key and version; prose does not count."""
        columns = [
            [column.name, column.dtype.__name__, bool(column.missing), bool(column.optional)]
            for column in (*self.columns, *filter(None, [self.numbered]))
        ]
        content = [self.name, self.version, list(self.key), columns]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()


@dataclass(frozen=True, eq=False, kw_only=True)
class Analysis:
    """Description of an analysis: its question, what it takes, its tables.

    Raises
    ------
    SchemaError
        If a table belongs to another analysis, two have one name, or none is the main table.
    """

    name: str
    """Also the package below `analyses`."""
    answers: str
    """The question that it answers, in one sentence."""
    takes: str
    """Networks that it can read, in words."""
    cost: str
    """Time on the twelve networks of `modadd_fast`, as "4 s"."""
    tables: tuple[Table, ...] = field(default=())
    """The main table first."""
    needs: tuple[str, ...] = ()
    """Needs of all its tables, by name (`analyses.loading.needs`); networks without one are left out."""
    reads: tuple[str, ...] = (METRICS, CHECKPOINTS, MASK)
    """Files of a network that it reads: they are checked, and decide whether its tables are current."""
    of_several_runs: bool = False
    """True: its command takes `--runs A B …`, in place of `--run`."""
    measure: Callable[..., Any] | None = None
    """For an analysis of a plug-in: function from a run and its networks to a `Result`."""

    def __post_init__(self) -> None:
        names = [table.name for table in self.tables]
        if others := [table.name for table in self.tables if table.analysis != self.name]:
            raise SchemaError(f"analysis {self.name}: expected tables of its own, got {', '.join(others)}")
        if len(set(names)) < len(names):
            raise SchemaError(f"analysis {self.name}: two tables have one name, among {', '.join(names)}")
        if names[:1] != [self.name]:
            raise SchemaError(f"analysis {self.name}: expected its main table first, got {names[:1]}")

    def __iter__(self) -> Iterator[Table]:
        return iter(self.tables)

    @property
    def program(self) -> str:
        """Begin of its command line; a plug-in's analysis has no package."""
        return f"python -m analyses{'.' if self.measure is None else ' '}{self.name}"

    def command(self, run: str = "DIR") -> str:
        """Return the command line that makes the tables."""
        runs = "--runs A B" if self.of_several_runs else f"--run {run}"
        return f"{self.program} {runs}"
