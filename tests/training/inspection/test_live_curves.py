"""Curves of a run in training, as text."""

import numpy as np
import pytest
from builders import begin_run, changed_recipe, metrics_of

from training.__main__ import main
from training.inspection.live_curves import LEVELS, curves_table, text_curve
from training.inspection.run import open_run

CONTENT = {
    "name": "watched",
    "seeds": [0],
    "task": {"name": "add", "p": 7},
    "model": {"d_emb": 4, "d_mlp": 3},
    "arms": {"dense": {"max_steps": 1000}, "random": {"method": "random", "max_steps": 100}},
}


@pytest.fixture
def run(tmp_path):
    """Return a run whose dense network is half trained."""
    run = begin_run(tmp_path / "watched", changed_recipe(CONTENT))
    dense = run.arm("dense", 0)
    step = np.array([10, 100, 200])
    columns = metrics_of(step, np.array([0.5, 1.0, 1.0]), np.array([0.0, 0.5, 0.97]))
    dense.write_metrics(columns | {"l1": np.ones(3), "l2": np.ones(3)})
    dense.write_state({"step": 200})
    return run


def test_a_rising_curve_is_a_rising_line():
    step = np.arange(1, 1001)
    line = text_curve(step, np.linspace(0, 1, 1000), 1, 1000, width=40)
    heights = [LEVELS.index(character) for character in line]
    assert len(line) == 40 and heights == sorted(heights)
    assert heights[0] == 0 and heights[-1] == len(LEVELS) - 1


def test_nothing_is_drawn_before_the_first_value_and_after_the_last_step():
    line = text_curve(np.array([10, 100]), np.array([1.0, 1.0]), 1, 10_000, width=5)  # 1, 10, 100, …
    assert line == " ██"
    assert text_curve(np.array([10, 100]), np.array([np.nan, np.nan]), 1, 10_000, width=5) == ""


def test_states_times_and_curves_of_a_run_in_training(run):
    table, is_finished = curves_table(open_run(run.path))
    dense, random = table.rows
    assert not is_finished and "0 of 2 networks finished. Last saved " in table.conclusion
    assert dense["state"] == "training" and dense["step"] == "200"
    assert dense["memorised (step)"] == "100" and dense["generalised (step)"] == "200"
    assert dense["test accuracy"].strip()[-1] == "█" and dense["last test accuracy"] == "0.970"
    assert random["state"] == "waiting" and random["test accuracy"] == ""


def test_without_a_terminal_the_command_prints_once_and_changes_nothing(run, capsys):
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*")}
    assert main(["watch", str(run.path)]) == 0
    out = capsys.readouterr().out
    assert (
        out.startswith("Training of watched: state and accuracy of each network.\narm") and "\x1b" not in out
    )
    assert {path: path.stat().st_mtime_ns for path in run.path.rglob("*")} == before


def test_a_finished_run_is_said_to_be_finished(tiny_run):
    table, is_finished = curves_table(open_run(tiny_run))
    assert is_finished and "6 of 6 networks finished." in table.conclusion
    assert {row["state"] for row in table.rows} == {"done"}


def test_a_folder_without_a_run_is_one_line(tmp_path, capsys):
    assert main(["watch", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(SystemExit) as stop:
        main(["watch"])
    assert stop.value.code == 2 and "expected the folder of a run" in capsys.readouterr().err
