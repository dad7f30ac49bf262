"""Declaration of a figure: its tables, its runs, what it shows."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from analyses.tables.schema import SchemaError, Table
from figures.drawing.figure_option import FigureOption, Options, option_values

TableKey = Table | tuple[str, Table]
"""A table of the figure's run, or of the run of a named recipe."""
NEW = "new here"
"""Paper of a figure that nobody has published."""


@dataclass(frozen=True, kw_only=True)
class FigureSpec:
    """A figure: what draws it, from which tables, of which runs.

    A figure with plain tables is drawn of any run that has them, by `python -m figures NAME --run DIR`. With
    a recipe, `python -m figures make` draws it of that recipe's run. A figure of several runs names the
    recipe of each table.

    Raises
    ------
    SchemaError
        If it has no table, or plain tables beside tables of named recipes.
    """

    name: str
    """File name of the figure, without its end."""
    shows: str
    """What one sees, in words."""
    draws: str | Callable[..., Any]
    """Function from tables to a `Drawing`, or the module below `figures` whose `draw` is one.

    It gets every option by its name, the default included.
    """
    tables: tuple[TableKey, ...]
    """Tables that `draw` gets, by these keys."""
    paper: str = NEW
    """Whose figure it is, as "Minegishi et al.: speed"."""
    recipe: str | None = None
    """Recipe of the run that `make` draws; None for a figure of several runs, or of any run only."""
    after_analysis: bool = False
    """True: also drawn of any run for which no figure is named."""
    moving: bool = False
    """True for an animation."""
    options: tuple[FigureOption, ...] = ()
    """Numbers and texts that change what it shows."""

    def __post_init__(self) -> None:
        plain = [key for key in self.tables if isinstance(key, Table)]
        if not self.tables or (plain and len(plain) < len(self.tables)):
            raise SchemaError(
                f"figure {self.name}: expected tables of one run, or tables that all name their recipe"
            )

    @property
    def module(self) -> str:
        """Name of the module that draws it."""
        return f"figures.{self.draws}" if isinstance(self.draws, str) else self.draws.__module__

    def draw(self, tables: Mapping[TableKey, Any], options: Options | None = None) -> Any:
        """Return the `Drawing` of some tables, by the keys of `tables`.

        Parameters
        ----------
        options : mapping, optional
            Values of some of the figure's options; the others have their defaults.

        Raises
        ------
        ConfigError
            If the figure has no such option, or a value does not fit.
        """
        draws: Any = self.draws
        if isinstance(draws, str):
            draws = importlib.import_module(self.module).draw
        return draws(tables, **option_values(self.options, options or {}))

    def changed(self, options: Options) -> dict[str, Any]:
        """Return the options whose values are not the defaults."""
        defaults = {option.name: option.default for option in self.options}
        values = option_values(self.options, options)
        return {name: value for name, value in values.items() if value != defaults[name]}

    def file_name(self, options: Options) -> str:
        """Return the name of its files, without their end; it says options that are not the defaults."""
        changed = self.changed(options).items()
        return "_".join(
            [self.name, *(f"{name}{re.sub('[^0-9A-Za-z-]', '-', str(v))}" for name, v in changed)]
        )

    @property
    def of_one_run(self) -> bool:
        """True if all its tables are of one run."""
        return all(isinstance(key, Table) for key in self.tables)

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Ends of the files that it becomes: the picture, then the others."""
        return (".gif", ".csv", ".txt") if self.moving else (".png", ".pdf", ".csv", ".txt")

    def sources(self) -> Mapping[TableKey, tuple[str, Table]]:
        """Return the recipe and the table of each of its tables.

        Raises
        ------
        ValueError
            If it is of any run: then no recipe is known.
        """
        sources = {}
        for key in self.tables:
            recipe, table = (self.recipe, key) if isinstance(key, Table) else key
            if recipe is None:
                raise ValueError(f"figure {self.name}: of any run, without a recipe")
            sources[key] = (recipe, table)
        return sources

    @property
    def needs(self) -> tuple[tuple[str, str], ...]:
        """Recipe and analysis of all its tables, as ("m_norms", "norms")."""
        return tuple(dict.fromkeys((recipe, table.analysis) for recipe, table in self.sources().values()))

    @property
    def analyses(self) -> tuple[str, ...]:
        """Names of the analyses that make its tables."""
        tables = (key if isinstance(key, Table) else key[1] for key in self.tables)
        return tuple(dict.fromkeys(table.analysis for table in tables))
