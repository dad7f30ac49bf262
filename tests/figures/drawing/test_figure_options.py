"""Options of figures: from the command line, from Python, in names of files and captions."""

import shutil
import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from builders import error_line, table_files
from PIL import Image

from analyses.phases.schema import GROUPS, NEURONS
from analyses.snapshots.schema import SPECTRA
from figures import draw, list_figures
from figures.__main__ import main
from figures.catalogue.registry import FIGURES
from figures.drawing.figure_option import FigureOption, option_values
from figures.drawing.origin import picture_origin, recorded_origin
from training.schema.validation import ConfigError

FILM = FIGURES["film"]


@pytest.fixture
def run(analysed, tmp_path):
    """Return a copy of the tables that `film` and `phase_rings` draw."""
    for name in ("snapshots", "phases"):
        assert analysed.analyse(name).code == 0
    return shutil.copytree(analysed.path / "analyses", tmp_path / "tiny" / "analyses").parent


def test_frames_are_evenly_spaced_checkpoints_in_a_file_of_their_own(run, capsys):
    (run / "figures").mkdir()
    (run / "figures" / "film.gif").write_bytes(b"default")
    assert main(["film", "--run", str(run), "--frames", "3", "--neurons", "1"]) == 0
    names = [path.rpartition("/")[2] for path in capsys.readouterr().out.split()]
    assert names == [f"film_frames3_neurons1{suffix}" for suffix in (".gif", ".csv", ".txt")]
    assert (run / "figures" / "film.gif").read_bytes() == b"default"
    with Image.open(run / "figures" / names[0]) as film:
        assert film.n_frames == 3
    caption = run / "figures" / names[2]
    steps = pd.read_parquet(table_files(run, [SPECTRA])[SPECTRA])
    n_saved = steps.query("arm in ['dense', 'grokked_ticket']")["step"].nunique()
    assert f"3 frames, of evenly spaced ones of {n_saved} checkpoints" in caption.read_text()
    assert "Drawn with frames = 3, neurons = 1." in caption.read_text()
    paths = table_files(run, FILM.tables)
    assert recorded_origin(caption) == picture_origin(FILM, paths, "", {"frames": 3, "neurons": 1})


def test_defaults_leave_name_and_origin_as_they_are(run):
    paths = table_files(run, FILM.tables)
    default = picture_origin(FILM, paths, "")
    assert FILM.file_name({}) == FILM.file_name({"neurons": "2"}) == "film"
    assert picture_origin(FILM, paths, "", {"neurons": "2"}) == default
    assert picture_origin(FILM, paths, "", {"neurons": "3"}) != default


def test_more_frames_than_checkpoints_are_one_frame_each_and_a_line(analysed, capsys):
    tables = analysed.tables(*FILM.tables)
    animation = FILM.draw(tables, {"frames": 60})
    plt.close(animation.figure)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"film: {animation.n_frames} frames in place of 60: ")
    assert f"A frame per checkpoint, {animation.n_frames} in all" in animation.caption


def test_the_last_frame_is_the_last_checkpoint(analysed):
    animation = FILM.draw(analysed.tables(*FILM.tables), {"frames": 2})
    still = animation.still()
    assert any("step 8,000" in ax.get_title() for ax in still.axes)
    plt.close(still)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["phases", "--frames", "3"], "--frames: expected with one of film, got phases"),
        (["film", "--frames", "1"], "--frames: expected a whole number from 2, got '1'"),
        (["film", "--frames", "many"], "--frames: expected a whole number from 2, got 'many'"),
        (["film", "--neurons", "21"], "--neurons: expected a whole number from 1 to 20, got '21'"),
        (["phase_rings", "--seed", "9"], "--seed: expected one of 0, 1, got 9"),
    ],
)
def test_a_wrong_option_is_one_line_and_exit_code_2(run, arguments, message, capsys):
    assert main([*arguments, "--run", str(run)]) == 2
    assert message in error_line(capsys.readouterr().err)
    assert not list(run.glob("figures/*"))


def test_an_unknown_option_is_refused_by_the_parser(run, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["film", "--run", str(run), "--colour", "red"])
    assert stop.value.code == 2
    assert "unrecognized arguments: --colour red" in error_line(capsys.readouterr().err)


def test_help_has_the_options_of_the_figures_that_are_named(capsys):
    def shown(*arguments):
        with pytest.raises(SystemExit):
            main([*arguments, "--help"])
        text = capsys.readouterr().out
        return " ".join(text[text.index("options of figures") : text.index("Figures:")].split())

    assert "--frames" in shown("film") and "(default: 2)" in shown("film")
    assert "--circles" not in shown("film") and "--frames" not in shown("phase_rings")
    assert all(word in shown() for word in ("--frames", "--circles", "--seeds"))


def test_python_takes_the_same_options(tiny_copy):
    with pytest.raises(ConfigError, match=r"^options: expected some of frames, neurons, got 'colour'"):
        draw(tiny_copy, "film", colour="red")
    with pytest.raises(ConfigError, match=r"^neurons: expected a whole number from 1 to 20, got True"):
        draw(tiny_copy, "neurons", neurons=True)
    assert not list(tiny_copy.glob("analyses/*.parquet"))  # refused before anything was measured
    shown = draw(tiny_copy, "neurons", neurons=1)
    assert len(shown.axes) == 6  # a neuron, three landmarks, two networks
    plt.close(shown)
    assert list_figures().loc["film", "options"] == "frames, neurons"


def test_phase_rings_show_the_seed_and_the_frequencies_of_most_neurons(analysed):
    tables = analysed.tables(NEURONS, GROUPS)
    drawing = FIGURES["phase_rings"].draw(tables, {"seed": 1, "circles": 2})
    assert "seed 1" in drawing.figure.get_suptitle()
    assert drawing.table()["panel"].nunique() == 2
    plt.close(drawing.figure)


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [(int, "3", 3), (int, 3.0, 3), (int, np.int64(3), 3), (float, "0.5", 0.5), (str, "W_E", "W_E")],
)
def test_values_are_converted(kind, given, value):
    converted = FigureOption(name="x", about="", kind=kind).value(given)
    assert converted == value and type(converted) is kind


@pytest.mark.parametrize(
    ("kind", "given"),
    [(int, "3.5"), (int, 2.5), (int, [1]), (float, "nan"), (float, "x"), (int, True), (float, False)],
)
def test_other_values_are_refused(kind, given):
    with pytest.raises(ConfigError, match=r"^--x: expected a (whole )?number to 9, got"):
        FigureOption(name="x", about="", kind=kind, most=9).value(given)


@pytest.mark.parametrize("name", ["run", "plugin", "two words", "Frames", ""])
def test_names_of_options_are_words_that_the_command_has_not(name):
    with pytest.raises(ConfigError, match="option: expected a word of small letters"):
        FigureOption(name=name, about="")
    with pytest.raises(ConfigError, match="option x: expected int, float or str, got 'list'"):
        FigureOption(name="x", about="", kind=list)


def test_an_option_without_a_value_has_its_default():
    options = (FigureOption(name="width", about="width", default=1.5, kind=float),)
    assert option_values(options, {}) == {"width": 1.5}
    assert option_values(options, {"width": None}) == {"width": 1.5}


PLUGIN = """
from dataclasses import replace
from figures.catalogue.registry import FIGURES
from figures.drawing.figure_option import FigureOption

def draw(tables, *, thickness):
    raise AssertionError

size = FigureOption(name="thickness", about="thickness of lines", default=2, kind=float)
FIGURES["mine"] = replace(FIGURES["grokking"], name="mine", draws=draw, options=(size,))
"""


def test_a_figure_of_a_plug_in_has_options_too(tmp_path):
    (tmp_path / "mine.py").write_text(PLUGIN)
    command = [sys.executable, "-m", "figures", "mine", "--plugin", str(tmp_path / "mine.py"), "--help"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "thickness of lines (default: 2)" in " ".join(printed.split())
