import shutil
import subprocess
import sys

import matplotlib
import matplotlib.pyplot as plt
import pytest

from figures import FIGURES, draw, list_figures, style
from training import open_run
from training.runs.run_directory import NoRunError
from training.schema.validation import ConfigError


@pytest.fixture
def figures_closed():
    yield
    plt.close("all")


@pytest.mark.usefixtures("figures_closed")
def test_missing_tables_are_measured_and_the_caller_keeps_its_matplotlib(tiny_copy):
    with matplotlib.rc_context({"font.size": 23, "axes.grid": True}):
        mine, ax = plt.subplots()
        before, backend = dict(matplotlib.rcParams), matplotlib.get_backend()
        figure = draw(tiny_copy, "periodicity")
        assert dict(matplotlib.rcParams) == before and matplotlib.get_backend() == backend
        assert plt.fignum_exists(mine.number) and mine.axes == [ax]
    assert plt.fignum_exists(figure.number)  # plt.show() shows it
    assert {text.get_fontsize() for axes in figure.axes for text in axes.get_xticklabels()} == {7.0}
    assert not any(line.get_visible() for line in figure.axes[0].get_xgridlines())
    assert (tiny_copy / "analyses" / "fourier_neurons.parquet").exists()
    assert not (tiny_copy / "figures").exists()


@pytest.mark.usefixtures("figures_closed")
def test_a_figure_has_the_bytes_of_its_picture(tiny_copy, tmp_path):
    from figures.__main__ import main

    figure = draw(tiny_copy, "norms")
    assert main(["norms", "--run", str(tiny_copy)]) == 0
    with style():
        figure.savefig(tmp_path / "norms.png", metadata={"Software": None})
    assert (tmp_path / "norms.png").read_bytes() == (tiny_copy / "figures" / "norms.png").read_bytes()


@pytest.mark.usefixtures("figures_closed")
def test_an_animation_is_its_last_frame(tiny_copy):
    film = draw(tiny_copy, "film")
    assert film.axes and any("8,000" in text.get_text() for text in film.findobj(matplotlib.text.Text))


@pytest.mark.usefixtures("figures_closed")
def test_a_figure_of_several_runs_takes_their_folder(tiny_runs):
    several = next(figure for figure in FIGURES.values() if not figure.of_one_run)
    for recipe, table in several.sources().values():
        tiny_runs.table_file(recipe, table)
    assert draw(tiny_runs.run(several.needs[0][0]).path.parent, several.name).axes


def test_the_note_of_a_run_is_in_the_corner(tiny_copy):
    run = open_run(tiny_copy)
    path = tiny_copy / "config.json"
    path.write_text(path.read_text().replace('"note": ""', '"note": "a quick version"'))
    figure = draw(run.path, "grokking")
    assert "a quick version" in [text.get_text() for text in figure.texts]
    plt.close(figure)


def test_wrong_names_and_folders_are_one_line_and_leave_no_figure(tiny_copy, tmp_path):
    before = plt.get_fignums()
    with pytest.raises(ConfigError, match=r"^figure: expected one of .*periodicity.*, got 'periodic'$"):
        draw(tiny_copy, "periodic")
    with pytest.raises(NoRunError):
        draw(tmp_path, "periodicity")
    assert plt.get_fignums() == before


def test_figures_are_listed():
    listed = list_figures()
    assert list(listed.index) == list(FIGURES) and listed.loc["periodicity", "analyses"] == "fourier"
    assert listed["of_one_run"].any() and not listed["of_one_run"].all()
    with style():
        assert matplotlib.rcParams["font.size"] == 8
    with pytest.raises(ZeroDivisionError), style():
        _ = 1 / 0


def test_the_command_draws_without_a_window_in_a_notebooks_environment(analysed, tmp_path):
    analysed.analyse("grokking")
    run = shutil.copytree(analysed.path, tmp_path / "tiny")
    command = [sys.executable, "-m", "figures", "grokking", "--run", str(run)]
    done = subprocess.run(
        command, env={"MPLBACKEND": "no such backend"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (run / "figures" / "grokking.png").exists()
