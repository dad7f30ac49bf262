"""Every figure of the catalogue is drawn from runs of the recipes it names."""

import importlib
import importlib.util
import re

import pandas as pd
import pytest

from figures.catalogue.figure_spec import Entry
from figures.catalogue.registry import ENTRIES
from figures.drawing.render import draw_picture, tables_of
from training.config.recipe_files import recipe_names


@pytest.mark.parametrize("name", ENTRIES)
def test_drawn_from_tiny_runs(name, tiny_runs, tmp_path):
    entry = ENTRIES[name]
    tables = {table: tiny_runs.table(*entry.source(table)) for table in tables_of(entry.script)}
    files = draw_picture(entry.script, tables, tmp_path / name)
    assert files == [tmp_path / (name + suffix) for suffix in entry.suffixes]
    assert all(path.stat().st_size for path in files)
    caption = (tmp_path / f"{name}.txt").read_text()
    assert "n = " in caption and not re.search(r"\bnan\b", caption)
    assert pd.read_csv(tmp_path / f"{name}.csv").columns[:5].tolist() == ["panel", "series", "seed", "x", "y"]


@pytest.mark.parametrize("name", ENTRIES)
def test_needs_are_recipes_and_analyses_and_cover_the_tables(name):
    entry = ENTRIES[name]
    assert entry.name == name
    assert {recipe for recipe, _ in entry.needs} <= set(recipe_names())
    assert all(importlib.util.find_spec(f"analyses.{analysis}") for _, analysis in entry.needs)
    tables = tables_of(entry.script)
    assert tables == importlib.import_module(f"figures.{entry.script}").TABLES
    used = {entry.source(table)[:2] for table in tables}
    assert used == set(entry.needs)


def test_tables_by_run_and_by_name():
    words = {"name": "a", "shows": "", "paper": "", "script": "s"}
    one = Entry(**words, needs=(("r", "norms"),))
    assert one.source("") == ("r", "norms", "norms")
    assert one.source("_pairs") == ("r", "norms", "norms_pairs")
    assert one.source("r/norms_pairs") == ("r", "norms", "norms_pairs")
    many = Entry(**words, needs=(("r", "graph"), ("r", "graph_props"), ("q", "norms")))
    assert many.source("r/graph_props_layers") == ("r", "graph_props", "graph_props_layers")
    assert many.source("q/norms") == ("q", "norms", "norms")
    for entry, table in ((many, ""), (many, "q/normsy"), (many, "s/norms"), (one, "r/norm")):
        with pytest.raises(ValueError, match="is no table of"):
            entry.source(table)
