"""Checkpoints chosen by steps and ranges, for commands and from Python."""

import numpy as np
import pytest
from builders import error_line, run_analysis

from analyses import measure
from analyses.loading.chosen_networks import open_networks
from analyses.loading.step_ranges import chosen_steps, step_or_range
from analyses.phases.command import COMMAND
from analyses.phases.schema import MEANS
from training.schema.validation import ConfigError

SAVED = [0, 50, 100, 200, 1000, 2000, 5000, 8000]


@pytest.mark.parametrize(
    "text", [":", "0:", ":1", ":5000", "1000:", "0:5000:100", "50:8001:50", "::1000", "200:201", "9:7000:991"]
)
def test_a_range_takes_what_pythons_slice_of_all_steps_would(text):
    start, stop, step = [int(part) if part else None for part in [*text.split(":"), ""][:3]]
    slow = set(list(range(max(SAVED) + 1))[slice(start, stop, step)])
    expected = tuple(s for s in SAVED if s in slow)
    assert len(expected) > 0 and chosen_steps([step_or_range(text)], SAVED) == expected


def test_random_ranges_agree_with_pythons_slices():
    rng = np.random.default_rng(0)
    for _ in range(300):
        start, stop, step = rng.integers(0, 9000), rng.integers(1, 9000), rng.integers(1, 400)
        every = set(range(start, stop, step))
        slow = [s for s in SAVED if s in every]
        if slow:
            assert chosen_steps([f"{start}:{stop}:{step}"], SAVED) == tuple(slow)


def test_steps_and_ranges_are_mixed_and_each_step_is_taken_once():
    assert chosen_steps([8000, ":100", 0, "50:"], SAVED) == (8000, 0, 50, 100, 200, 1000, 2000, 5000)


def test_one_line_says_that_steps_of_a_range_have_no_checkpoint(capsys):
    chosen_steps(["0:5000:100", "1000:", "0:200:50"], [*SAVED, 150])
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "--steps 0:5000:100: 5 of its 50 steps have a checkpoint, and are taken"


@pytest.mark.parametrize(
    "text", ["", "a", "-1", "1.5", "1:2:3:4", "5:5", "9:3", "0:9:0", "1:-3", "٣", "9" * 30, "0:1e3", ":0"]
)
def test_what_is_no_step_is_refused(text):
    with pytest.raises(ConfigError, match=r"expected a (step|range)"):
        step_or_range(text)


def test_steps_without_a_checkpoint_are_named_with_the_nearest():
    with pytest.raises(ConfigError, match=r"\(0 to 8000\), got 77, 9000; nearest: 100, 8000$"):
        chosen_steps([0, 9000, 77], SAVED)
    with pytest.raises(ConfigError, match=r"--steps: expected a range with a checkpoint .* got '201:999'"):
        chosen_steps(["201:999"], SAVED)


def test_commands_and_python_take_ranges(tiny_run, tmp_path):
    arguments = ["--out", str(tmp_path), "--no-plot", "--steps", "0:200:100", "4000:"]
    done = run_analysis("phases", tiny_run, *arguments)
    assert done.code == 0 and "error" not in done.err
    networks = open_networks(str(tiny_run), steps=["0:200:100", "4000:"]).finished
    steps = {(n.arm, n.seed): n.steps.tolist() for n in networks}
    assert steps["dense", 0] == [0, 100, 4000, 6000, 8000] and steps["random", 1] == [0, 100]
    for chosen in (["0:200:100", "4000:"], [0, 100, 4000, 6000, 8000]):
        table = measure(tiny_run, "phases", steps=chosen).tables[MEANS]
        by_network = table.groupby(["arm", "seed"])["step"].unique()
        assert {network: sorted(by_network[network]) for network in by_network.index} == steps
    assert set(measure(tiny_run, "phases", steps="6000:").tables[MEANS]["step"]) == {6000, 8000}
    assert "got '9000:'" in error_line(run_analysis("phases", tiny_run, "--steps", "9000:").err)


def test_a_wrong_range_is_one_line_and_exit_code_2(capsys):
    with pytest.raises(SystemExit) as stop:
        COMMAND.parse(["--run", "x", "--steps", "0", "5:1"])
    assert stop.value.code == 2
    expected = "argument --steps: expected a range of one step or more, got '5:1'"
    assert expected in error_line(capsys.readouterr().err)
