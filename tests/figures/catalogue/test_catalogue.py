"""Every figure of the catalogue is drawn from runs of the recipes it names."""

import importlib.util
import re

import pandas as pd
import pytest

from analyses.grokking import schema as grokking
from analyses.norms import schema as norms
from analyses.running.registry import ANALYSES
from analyses.tables.schema import SchemaError
from figures.catalogue.registry import FIGURES
from figures.drawing.figure_spec import FigureSpec
from figures.drawing.render import draw_picture
from training.config.recipe_files import recipe_names
from training.schema.validation import ConfigError

OF_RECIPES = [name for name, figure in FIGURES.items() if figure.recipe or not figure.of_one_run]
WORDS = {"name": "a", "shows": "", "draws": "s"}


@pytest.mark.parametrize("name", OF_RECIPES)
def test_every_figure_is_drawn_from_tiny_runs(name, tiny_runs, tmp_path):
    figure = FIGURES[name]
    tables = {key: tiny_runs.table_file(*source) for key, source in figure.sources().items()}
    files = draw_picture(figure, tables, tmp_path / name, preview=True)
    assert files == [tmp_path / (name + suffix) for suffix in figure.suffixes if suffix != ".pdf"]
    assert all(path.stat().st_size for path in files)
    caption = (tmp_path / f"{name}.txt").read_text()
    assert "n = " in caption and not re.search(r"\bnan\b", caption)
    assert pd.read_csv(tmp_path / f"{name}.csv").columns[:5].tolist() == ["panel", "series", "seed", "x", "y"]


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_names_existing_modules_analyses_and_recipes(name):
    figure = FIGURES[name]
    assert figure.name == name and figure.shows and "the same" not in figure.shows
    assert importlib.util.find_spec(figure.module)
    assert set(figure.analyses) <= set(ANALYSES)
    if name in OF_RECIPES:
        assert {recipe for recipe, _ in figure.needs} <= set(recipe_names())


def test_sources_of_figures_of_one_run_and_of_several():
    one = FigureSpec(**WORDS, tables=(norms.NORMS, norms.ENDS), recipe="r")
    assert one.of_one_run and one.needs == (("r", "norms"),)
    assert one.sources() == {norms.NORMS: ("r", norms.NORMS), norms.ENDS: ("r", norms.ENDS)}
    key = ("q", grokking.CURVES)
    several = FigureSpec(**WORDS, tables=(("r", norms.NORMS), key))
    assert not several.of_one_run and several.needs == (("r", "norms"), ("q", "grokking"))
    assert several.sources()[key] == key and several.analyses == ("norms", "grokking")


def test_a_figure_that_contradicts_itself_is_refused():
    for tables in ((), (norms.NORMS, ("q", grokking.CURVES))):
        with pytest.raises(SchemaError, match="figure a: expected tables"):
            FigureSpec(**WORDS, tables=tables)
    with pytest.raises(ValueError, match="of any run"):
        FigureSpec(**WORDS, tables=(norms.NORMS,)).sources()


def test_a_figure_declared_twice_is_refused():
    with pytest.raises(ConfigError, match="figure 'norms': registered twice"):
        FIGURES["norms"] = FIGURES["norms"]
