"""Tables printed on the terminal.

Imports nothing heavy, so `--help` stays quick.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_COLUMNS = 7
"""Columns printed without --verbose."""
NUMBER = re.compile(r"(> ?|< ?|≥ ?|≤ ?)?[-−+]?\d[\d,.]*(e[-+]?\d+)?( ?%)?")
"""Text of one number, possibly a bound."""
MISSING = "-"
WIDTH = 100
"""Longest line of a title or a conclusion, in characters."""


@dataclass(frozen=True)
class PrintedTable:
    """Rows under a title that is a sentence, with a concluding line.

    Attributes
    ----------
    title : str
        Sentence that says what the table shows.
    rows : sequence of mapping
        Cells by column header, in the order in which they are printed; a header names its unit. The rows may
        have different columns: a cell that a row lacks is printed as missing.
    conclusion : str
        Line below the table: what to conclude from it. Further lines explain its columns.
    details : bool
        True: printed with `--verbose` only.

    Examples
    --------
    >>> rows = [{"arm": "dense", "t_gen (steps)": 15850}, {"arm": "ticket", "t_gen (steps)": None}]
    >>> print(PrintedTable("Step at which each arm generalised.", rows, "The ticket never did.").text())
    Step at which each arm generalised.
    arm     t_gen (steps)
    dense           15850
    ticket              -
    The ticket never did.
    """

    title: str
    rows: Sequence[Mapping[str, Any]]
    conclusion: str = ""
    details: bool = False

    def text(self, verbose: bool = False) -> str:
        """Return the table as lines; without `verbose`, its first seven columns."""
        headers = list(dict.fromkeys(header for row in self.rows for header in row))
        hidden = [] if verbose else headers[MOST_COLUMNS:]
        headers = headers[: len(headers) - len(hidden)]
        lines = _wrapped(self.title)
        lines.append(_aligned(headers, self.rows) if self.rows else "(no rows)")
        lines += _wrapped(self.conclusion)
        if hidden:
            columns = "1 more column" if len(hidden) == 1 else f"{len(hidden)} more columns"
            lines += _wrapped(f"({columns} with --verbose: {', '.join(hidden)})")
        return "\n".join(lines)


def render(tables: Sequence[PrintedTable], verbose: bool = False) -> str:
    """Return tables as text, an empty line between them; detail tables only if `verbose`."""
    shown = [table.text(verbose) for table in tables if verbose or not table.details]
    n_hidden = len(tables) - len(shown)
    if n_hidden:
        shown.append(f"({n_hidden} more {'table' if n_hidden == 1 else 'tables'} with --verbose)")
    return "\n\n".join(shown)


def _wrapped(text: str) -> list[str]:
    """Return text as lines of at most `WIDTH` characters."""
    return [
        line
        for paragraph in text.splitlines()
        for line in textwrap.wrap(paragraph, WIDTH, break_long_words=False, break_on_hyphens=False)
    ]


def _aligned(headers: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """Return header and cells in columns: text to the left, numbers to the right."""
    cells = [[cell_text(row.get(header)) for header in headers] for row in rows]
    columns = list(zip(*cells, strict=True))
    widths = [max(map(len, [header, *column])) for header, column in zip(headers, columns, strict=True)]
    numeric = [all(text == MISSING or NUMBER.fullmatch(text) for text in column) for column in columns]
    lines = [
        "  ".join(
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in [headers, *cells]
    ]
    return "\n".join(lines)


def cell_text(value: Any) -> str:
    """Return a cell as text: four significant digits, or `-` for a missing value.

    Examples
    --------
    >>> cell_text(0.123456), cell_text(None), cell_text(float("nan")), cell_text("dense")
    ('0.1235', '-', '-', 'dense')
    """
    if value is None or value != value:
        return MISSING
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)


def format_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as aligned text under their column names, without a title."""
    return PrintedTable("", rows).text(verbose=True)
