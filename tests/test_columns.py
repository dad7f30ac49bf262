"""Columns that code names are columns of the schemas that it imports."""

import ast
import functools
import importlib
import re
from pathlib import Path

import pytest

from analyses.tables import columns as shared
from analyses.tables.schema import Column, Table

ROOT = Path(__file__).parent.parent
FRAME_METHODS = {
    "groupby": ("by",),
    "sort_values": ("by",),
    "set_index": ("keys",),
    "drop_duplicates": ("subset",),
    "dropna": ("subset",),
    "pivot": ("index", "columns", "values"),
    "pivot_table": ("index", "columns", "values"),
    "merge": ("on", "left_on", "right_on"),
    "nunique": ("subset",),
}
"""Methods of a data frame whose arguments name columns."""
ANNOTATIONS = ("Literal", "Float", "Int", "Bool", "Complex", "Num", "UInt8")
"""Types that are written with texts in brackets."""
MAPS = {"input", "output", "direct"}
"""Keys of `interp.mechanism.effective_maps`."""
MEANS = ("first", "last", "max")
"""Suffixes that `analyses.tables.long_format.plain_means` adds to columns."""
SHARED = {value.name for value in vars(shared).values() if isinstance(value, Column)}
"""Columns that any table may begin with."""


def files():
    """Return the files that read or write tables."""
    folders = [path.parent for path in ROOT.glob("analyses/*/schema.py") if path.parent.name != "tables"]
    folders += [ROOT / "figures" / folder.name for folder in folders]
    folders += [ROOT / "analyses" / "claims", ROOT / "analyses" / "report", ROOT / "figures" / "drawing"]
    return sorted(
        path
        for folder in folders
        for path in folder.glob("*.py")
        if path.name not in ("schema.py", "__init__.py", "__main__.py")
    )


def constants_of(node):
    """Return the string constants of an expression or of its entries."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node]
    if isinstance(node, ast.List | ast.Tuple):
        return [text for entry in node.elts for text in constants_of(entry)]
    return []


def names_read(tree):
    """Return the string constants that select a column or a key."""
    named = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            if ast.unparse(node.value) in ANNOTATIONS:
                continue
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            named += [text for part in parts for text in constants_of(part)]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            names = FRAME_METHODS.get(node.func.attr)
            if names:
                arguments = [*node.args[:1], *(k.value for k in node.keywords if k.arg in names)]
                named += [text for argument in arguments for text in constants_of(argument)]
    return named


def imported_schemas(tree):
    """Return the tables that a file imports, and their analyses' folders."""
    tables, folders = [], set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or node.module is None:
            continue
        for alias in node.names:
            module = node.module if node.module.endswith(".schema") else f"{node.module}.{alias.name}"
            if not module.endswith(".schema") or module == "analyses.tables.schema":
                continue
            schema = importlib.import_module(module)
            folders.add(Path(schema.__file__).parent)
            if module == node.module:
                entry = getattr(schema, alias.name)
                tables += [entry] if isinstance(entry, Table) else list(getattr(entry, "tables", ()))
            else:
                tables += [value for value in vars(schema).values() if isinstance(value, Table)]
    return tables, folders


def names_made(tree):
    """Return the keys that a file makes, and patterns of computed ones.

    Keys are those of dicts, new columns and keyword arguments.
    """
    names, patterns = set(), []
    for node in ast.walk(tree):
        nodes = []
        if isinstance(node, ast.Dict):
            nodes = [key for key in node.keys if key is not None]
        elif isinstance(node, ast.DictComp):
            nodes = [node.key]
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            nodes = [node.slice]
        elif isinstance(node, ast.Call):
            names |= {k.arg for k in node.keywords if k.arg}
            if isinstance(node.func, ast.Attribute) and node.func.attr == "agg":
                nodes = list(node.args)
        for key in nodes:
            names |= {text.value for text in constants_of(key)}
            if isinstance(key, ast.JoinedStr):
                parts = (re.escape(v.value) if isinstance(v, ast.Constant) else ".+" for v in key.values)
                patterns.append(re.compile("".join(parts)))
    return names, patterns


def undeclared_names(path):
    """Return `file:line: name` of every undeclared column or key.

    Declared are the columns of the schemas that the file imports, and the keys that the file itself or the
    analyses of these schemas make (of their summaries).
    """
    tree = ast.parse(path.read_text())
    tables, folders = imported_schemas(tree)
    names, patterns = names_made(tree)
    for file in (file for folder in folders for file in folder.glob("*.py")):
        more_names, more_patterns = names_made_by(file)
        names, patterns = names | more_names, patterns + more_patterns
    columns = {column.name for table in tables for column in table.columns}
    names |= MAPS | SHARED | columns | {"n_seeds"} | {f"{name}_{end}" for name in columns for end in MEANS}
    return [
        f"{path.name}:{text.lineno}: {text.value!r}"
        for text in names_read(tree)
        if text.value not in names and not any(p.fullmatch(text.value) for p in patterns)
    ]


@functools.cache
def names_made_by(path):
    """Return the keys that a file makes, and patterns."""
    return names_made(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_column_is_declared_by_an_imported_schema(path):
    assert undeclared_names(path) == []


PLANTED = """
import pandas as pd
from analyses.fourier.schema import MEANS


def f(means: pd.DataFrame):
    row = {"made here": 1, **{f"{name}_last": 2 for name in "ab"}}
    return means["entropy"], means[["arm", "gini"]], row["made here"], row["x_last"], means.groupby("step")
"""


def test_declared_columns_and_made_keys_are_accepted(tmp_path):
    path = tmp_path / "planted.py"
    path.write_text(PLANTED)
    assert undeclared_names(path) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('means["entropy"]', 'means["entropie"]'),
        ('["arm", "gini"]', '["arm", "genie"]'),
        ('groupby("step")', 'groupby("steps")'),
        ('row["x_last"]', 'row["x_middle"]'),
        ("fourier.schema import MEANS", "flow.schema import DEVIATIONS"),
    ],
)
def test_a_planted_mistake_is_reported(right, wrong, tmp_path):
    path = tmp_path / "planted.py"
    assert right in PLANTED
    path.write_text(PLANTED.replace(right, wrong))
    assert undeclared_names(path)
