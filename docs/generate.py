"""Pages of the site that are made of the code: questions, recipes, columns, figures, Python.

A hook of MkDocs; nothing that it makes is committed. Documents and pictures of the repository that are no
files of docs/ become pages too, so that one relative link works here and in the site.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyses.report.rendering import TextTable, markdown_table
from analyses.running.registry import ANALYSES
from analyses.tables.explanation import SETTINGS_NOTE
from analyses.tables.schema import DTYPES, Analysis, Column, Table
from figures.catalogue.registry import FIGURES
from training.config.listing import recipe_rows

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

ROOT = Path(__file__).parent.parent
PACKAGES = ("training", "analyses", "figures", "interp")
DOCUMENTS = {
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "analyses/reproduction/REPRODUCTION.md": "reproduction.md",
}
"""Pages of the site that are other documents of the repository."""
GALLERY = "figures/gallery"
DEFINITIONS = "DEFINITIONS.md"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add the page of every question and package to the navigation."""
    for entry in config.nav or []:
        if "Questions" in entry:
            entry["Questions"] = ["questions.md", *(f"questions/{name}.md" for name in ANALYSES)]
        if "Python" in entry:
            entry["Python"] = ["api.md", *(f"api/{package}.md" for package in PACKAGES)]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and pictures that docs/ has no file of."""
    from mkdocs.structure.files import File

    for path, content in pages().items():
        files.append(File.generated(config, path, content=content))
    for picture in sorted((ROOT / GALLERY).iterdir()):
        files.append(File.generated(config, f"gallery/{picture.name}", content=picture.read_bytes()))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Point links out of docs/ to the pages that the documents became."""
    return site_links(markdown)


def site_links(markdown: str) -> str:
    """Return a page with links to other documents as links within the site."""
    for path, page in DOCUMENTS.items():
        markdown = markdown.replace(f"(../{path}", f"({page}")
    return markdown.replace(f"(../{GALLERY}/", "(gallery/")


def pages() -> dict[str, str]:
    """Return every page made of the code, by its path in the site."""
    documents = {page: (ROOT / path).read_text() for path, page in DOCUMENTS.items()}
    questions = {f"questions/{name}.md": question_page(entry) for name, entry in ANALYSES.items()}
    exports = {f"api/{package}.md": api_page(package) for package in PACKAGES}
    return {
        **documents,
        **questions,
        **exports,
        "questions.md": questions_page(),
        "recipes.md": recipes_page(),
        "columns.md": columns_page(),
        "figures.md": figures_page(),
        "api.md": api_overview(),
    }


def questions_page() -> str:
    """Return the list of questions, with what each takes and costs."""
    lines = ["# Questions", "", "Each is one command. Costs are those of the networks of `modadd_fast`.", ""]
    for name, entry in ANALYSES.items():
        lines += [f"- [{entry.answers}](questions/{name}.md) Takes {entry.takes}. Cost: {entry.cost}."]
    return "\n".join(lines) + "\n"


def question_page(entry: Analysis) -> str:
    """Return the page of one analysis: its question, command, tables and figures."""
    lines = [f"# {entry.name}", "", f"**{entry.answers}**", ""]
    lines += [f"Takes {entry.takes}. Cost: {entry.cost}.", ""]
    lines += [
        "```",
        entry.command("runs/modadd_fast"),
        f"python -m analyses.{entry.name} --explain",
        "```",
        "",
    ]
    lines += ["## Tables", ""]
    for table in entry:
        key = f" One row per {', '.join(table.key)}." if table.key else ""
        lines.append(f"- [`{table.name}`](../columns.md#{table.name}): {escaped(table.meaning)}{key}")
    drawn = [figure for figure in FIGURES.values() if entry.name in figure.analyses]
    lines += ["", "## Figures", ""] if drawn else []
    for figure in drawn:
        lines.append(f"- [`{figure.name}`](../figures.md#{figure.name}): {escaped(figure.shows)}")
    return "\n".join(lines) + "\n"


def recipes_page() -> str:
    """Return the table of recipes, with sizes and minutes."""
    parts = ["# Recipes", "Each is trained by `python -m training NAME`, or in minutes by `--quick`."]
    parts.append("Minutes were measured on two cores. `python -m training list fields` explains every field.")
    for row in recipe_rows():
        size = f"{row['seeds']} seeds; {row['weights']:,} prunable weights"
        times = [
            f"{text} {row[name]:g} minutes"
            for text, name in (("full", "minutes"), ("quick", "quick_minutes"))
            if row[name] is not None
        ]
        parts += [f"## {row['recipe']}", escaped(row["about"])]
        parts += [f"{'; '.join(filter(None, [row['collection'], size, *times]))}.", f"Arms: {row['arms']}."]
    return "\n\n".join(parts) + "\n"


def columns_page() -> str:
    """Return the glossary: every column of every table, in words."""
    parts = ["# Columns", "Every column of every saved table, by the schemas that tables are written with."]
    parts.append(escaped(SETTINGS_NOTE))
    for entry in ANALYSES.values():
        for table in entry:
            parts += [
                f"## {table.name}",
                f"{escaped(table.meaning)} [{entry.name}](questions/{entry.name}.md)",
            ]
            parts.append(f"One row per {', '.join(table.key)}." if table.key else "Rows have no key.")
            parts.append(linked_definitions(column_table(table)))
    return "\n\n".join(parts) + "\n"


def column_table(table: Table) -> str:
    """Return a table's columns as a table."""
    columns = [(column.name, column) for column in table.columns]
    if table.numbered is not None:
        columns.append((f"one per {table.numbered.name}", table.numbered))
    rows = [column_cells(name, column) for name, column in columns]
    return markdown_table(TextTable(("column", "unit", "meaning", "missing value", "source"), rows))


def column_cells(name: str, column: Column) -> tuple[str, ...]:
    """Return the cells of one column."""
    meaning = f"{column.meaning} Only of {column.optional}." if column.optional else column.meaning
    return (name, column.unit or DTYPES[column.dtype], meaning, column.missing, column.source)


def linked_definitions(text: str) -> str:
    """Return text whose sections of DEFINITIONS.md are links."""
    headings = re.findall(r"^## ((\d+)\..*)$", (ROOT / "docs" / DEFINITIONS).read_text(), flags=re.MULTILINE)
    anchors = {number: slug(heading) for heading, number in headings}

    def link(match: re.Match[str]) -> str:
        return f"[{match[0]}]({DEFINITIONS}#{anchors[match[1]]})"

    return re.sub(rf"{re.escape(DEFINITIONS)}, section (\d+)", link, text)


def slug(heading: str) -> str:
    """Return the anchor of a heading, as MkDocs makes it."""
    from markdown.extensions.toc import slugify

    return slugify(heading, "-")


def figures_page() -> str:
    """Return the list of figures, with their tables and recipes."""
    parts = ["# Figures", "`python -m figures list` says what is left to do for each."]
    for figure in FIGURES.values():
        needs = ", ".join(f"[{name}](questions/{name}.md)" for name in figure.analyses if name in ANALYSES)
        of = f" Recipe: `{figure.recipe}`." if figure.recipe else ""
        about = f"{escaped(figure.shows)} ({figure.paper}). Measured by {needs}.{of}"
        parts += [f"## {figure.name}", about]
    return "\n\n".join(parts) + "\n"


def api_overview() -> str:
    """Return the page of the packages, in the words of their docstrings."""
    parts = ["# Python"]
    for package in PACKAGES:
        about = inspect.getdoc(importlib.import_module(package)) or ""
        parts += [f"## [{package}](api/{package}.md)", escaped(about)]
    return "\n\n".join(parts) + "\n"


def api_page(package: str) -> str:
    """Return the page of a package's exports, which mkdocstrings fills in."""
    parts = [f"# {package}", f"`from {package} import …`"]
    parts += [f"::: {path}" for path in exported(package)]
    return "\n\n".join(parts) + "\n"


def exported(package: str) -> Iterator[str]:
    """Yield the full path of every export of a package, and of its folders for `interp`."""
    module = importlib.import_module(package)
    getter = vars(module).get("__getattr__")
    exports = inspect.getclosurevars(inspect.unwrap(getter)).nonlocals["exports"] if getter else {}
    names = {f"{package}.{source}.{name}": None for name, source in exports.items()}
    if package == "interp":
        folders = sorted(path.parent.name for path in Path(str(module.__file__)).parent.glob("*/__init__.py"))
        for folder in folders:
            names |= dict.fromkeys(exported(f"interp.{folder}"))
    yield from names


def escaped(text: str) -> str:
    """Return text without what Markdown reads as markup."""
    return re.sub(r"([\\*<\[|])", r"\\\1", text)
