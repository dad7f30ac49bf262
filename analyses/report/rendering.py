"""Documents as Markdown, and as one HTML page."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SPECIAL = re.compile(r"([\\`*<\[|~])")
"""Characters that are markup in a line of Markdown; `_` within words is not."""

STYLE = """
:root { color-scheme: light dark; --line: #8886; --soft: #8881; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 0 auto; padding: 1rem; }
h1, h2, h3 { line-height: 1.2; margin: 2rem 0 .5rem; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid var(--line); }
td { overflow-wrap: anywhere; }
pre { overflow-x: auto; padding: .6rem; background: var(--soft); }
mark { padding: 0 .35em; border-radius: .25em; color: #000; white-space: nowrap; }
mark.good { background: #9ed8a5; } mark.mixed { background: #f2d479; }
mark.bad { background: #f2a39b; } mark.none { background: #ccc; }
@media (max-width: 50rem) {
  thead { display: none; }
  tr { display: block; padding: .5rem 0; border-bottom: 2px solid var(--line); }
  td { display: block; border: 0; padding: .1rem 0; }
  td:empty { display: none; }
  td::before { content: attr(data-label) ": "; opacity: .7; }
}
"""
"""Style of the page; at narrow width a table's row is a block, a line per cell with its column's name."""


@dataclass(frozen=True)
class Heading:
    """Heading of a section."""

    level: int
    """1 for the document's title."""
    text: str


@dataclass(frozen=True)
class Paragraph:
    """Paragraph of plain text."""

    text: str


@dataclass(frozen=True)
class TextTable:
    """Rows of plain text under a header."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Commands:
    """Command lines for a shell."""

    lines: Sequence[str]


Block = Heading | Paragraph | TextTable | Commands


def markdown(blocks: Sequence[Block]) -> str:
    """Return a document as Markdown, its markup characters escaped."""
    return "\n\n".join(map(_markdown, blocks)) + "\n"


def html_page(blocks: Sequence[Block], marks: Mapping[str, str]) -> str:
    """Return a document as a page that needs no other file.

    Parameters
    ----------
    marks : mapping
        Class of the mark around a table's cell, by the cell's whole text.
    """
    title = next((block.text for block in blocks if isinstance(block, Heading)), "")
    body = "\n".join(_html(block, marks) for block in blocks)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def markdown_table(table: TextTable) -> str:
    """Return a table as Markdown."""
    rows = [table.header, *table.rows]
    lines = ["| " + " | ".join(map(_escaped, row)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(table.header), *lines[1:]])


def _markdown(block: Block) -> str:
    match block:
        case Heading(level, text):
            return f"{'#' * level} {_escaped(text)}"
        case Paragraph(text):
            return _escaped(text)
        case TextTable():
            return markdown_table(block)
        case Commands(lines):
            return "\n".join(["```", *lines, "```"])


def _escaped(text: str) -> str:
    return SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _html(block: Block, marks: Mapping[str, str]) -> str:
    match block:
        case Heading(level, text):
            return f"<h{level}>{html.escape(text)}</h{level}>"
        case Paragraph(text):
            return f"<p>{html.escape(text)}</p>"
        case Commands(lines):
            return "<pre>" + html.escape("\n".join(lines)) + "</pre>"
        case TextTable(header, rows):
            head = "".join(f"<th>{html.escape(name)}</th>" for name in header)
            body = "\n".join(_html_row(header, row, marks) for row in rows)
            return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def _html_row(header: Sequence[str], row: Sequence[str], marks: Mapping[str, str]) -> str:
    cells = []
    for name, text in zip(header, row, strict=True):
        shown = html.escape(text)
        shown = f'<mark class="{marks[text]}">{shown}</mark>' if text in marks else shown
        cells.append(f'<td data-label="{html.escape(name)}">{shown}</td>')
    return f"<tr>{''.join(cells)}</tr>"
