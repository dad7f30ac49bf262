"""Figures drawn from Python, in the caller's matplotlib."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import figures
from analyses.norms.schema import NORMS
from figures.drawing.render import STYLE
from training.inspection.run import open_run
from training.schema.validation import ConfigError


@pytest.fixture
def closed():
    """Close all figures before and after."""
    plt.close("all")
    yield
    plt.close("all")


def test_a_figure_of_a_run_without_tables_is_drawn(tiny_copy, closed):
    figure = figures.draw(open_run(tiny_copy), "norms")
    assert plt.get_fignums() == [figure.number] and (tiny_copy / "analyses" / "norms.parquet").exists()
    assert not (tiny_copy / "figures").exists()
    rows = pd.read_parquet(tiny_copy / "analyses" / f"{NORMS.name}.parquet")
    total = rows.query("arm == 'dense' and layer == 'total' and seed == 0")["l2"].to_numpy()
    curves = [
        line.get_ydata() for ax in figure.axes for line in ax.lines if len(line.get_ydata()) == len(total)
    ]
    assert any(np.allclose(curve, total) for curve in curves)


def test_the_callers_matplotlib_stays_as_it_is(tiny_copy, closed):
    plt.rcParams["font.size"] = 13.5
    try:
        mine, ax = plt.subplots()
        ax.plot([1, 2])
        before, backend = dict(plt.rcParams), matplotlib.get_backend()
        figure = figures.draw(tiny_copy, "norms")
        assert dict(plt.rcParams) == before and matplotlib.get_backend() == backend
        assert plt.get_fignums() == [mine.number, figure.number] and len(ax.lines) == 1
    finally:
        plt.rcParams["font.size"] = matplotlib.rcParamsDefault["font.size"]


def test_a_figure_has_the_bytes_of_its_picture(tiny_copy, closed, tmp_path):
    from figures.__main__ import main

    figure = figures.draw(tiny_copy, "norms")
    assert main(["norms", "--run", str(tiny_copy)]) == 0
    with figures.style():
        figure.savefig(tmp_path / "norms.png", metadata={"Software": None})
    assert (tmp_path / "norms.png").read_bytes() == (tiny_copy / "figures" / "norms.png").read_bytes()


def test_an_animation_is_its_last_frame(tiny_copy, closed):
    film = figures.draw(tiny_copy, "film")
    assert film.axes and any("8,000" in text.get_text() for text in film.findobj(matplotlib.text.Text))


def test_another_name_is_one_line(tiny_run):
    with pytest.raises(ConfigError, match=r"figure: expected one of .*norms.*, got 'portrait'"):
        figures.draw(tiny_run, "portrait")


def test_a_figure_of_several_runs_is_drawn_of_their_folder(tiny_runs, closed):
    assert not figures.FIGURES["no_decay"].of_one_run
    tiny_runs.run("m_no_wd")
    assert figures.draw(tiny_runs.path, "no_decay").axes


def test_figures_are_listed_and_the_style_ends():
    assert list(figures.list_figures().index) == list(figures.FIGURES)
    before = plt.rcParams["axes.spines.top"]
    with figures.style():
        assert plt.rcParams["axes.spines.top"] is False and STYLE.exists()
    assert plt.rcParams["axes.spines.top"] == before
