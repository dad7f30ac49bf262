"""The site: pages made of the code, links, and no other host."""

import importlib
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from analyses.running.registry import ANALYSES
from figures.catalogue.registry import FIGURES
from training.config.recipe_files import recipe_names

pytest.importorskip("mkdocs", reason="the site needs the extra docs")
ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Return the folder of the built site; a broken link fails the build."""
    folder = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(
        build, cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def headings(page):
    return set(re.findall(r'<h\d id="([^"]+)"', page.read_text()))


def test_every_question_recipe_figure_and_column_has_its_entry(site):
    for name, analysis in ANALYSES.items():
        page = (site / f"questions/{name}.html").read_text()
        assert f"python -m analyses.{name}" in page
        assert all(f"columns.html#{table.name}" in page for table in analysis)
    tables = [table for analysis in ANALYSES.values() for table in analysis]
    assert {table.name for table in tables} <= headings(site / "columns.html")
    cells = re.findall(r"<td>([^<]*)</td>", (site / "columns.html").read_text())
    assert {column.name for table in tables for column in table.columns} <= set(cells)
    assert set(FIGURES) <= headings(site / "figures.html")
    assert set(recipe_names()) <= headings(site / "recipes.html")


def test_every_export_has_its_entry(site):
    for package in ("interp", "training", "analyses", "figures"):
        entries = {name.rpartition(".")[2] for name in headings(site / f"api/{package}.html")}
        getter = vars(importlib.import_module(package))["__getattr__"]
        assert set(inspect.getclosurevars(inspect.unwrap(getter)).nonlocals["exports"]) <= entries


def test_the_site_loads_nothing_from_another_host(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        loaded = re.findall(r"<(?:script|img|iframe|link)[^>]*>", page.read_text())
        assert not [tag for tag in loaded if re.search(r'(?:src|href)="(?:https?:)?//', tag)]
