"""Command `python -m training status`, while a run is trained and after."""

import json
import signal
import subprocess
import sys
import time

import pytest

from training.__main__ import main
from training.runs.worker_notes import FOLDER

LONG = ["--set", "arms.dense.min_steps=2000000", "--set", "arms.dense.max_steps=2000000"]


@pytest.fixture
def training(recipe_file, tmp_path):
    """Return a process that trains two long dense networks with two workers."""
    command = [sys.executable, "-m", "training", str(recipe_file), "--jobs", "2", "--seeds", "0", "1"]
    process = subprocess.Popen(
        [*command, *LONG, "--out", str(tmp_path / "runs")], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    yield process
    process.kill()
    process.communicate()


@pytest.fixture
def status(capsys, tmp_path):
    """Return a function that returns the run's status, as JSON."""

    def read():
        capsys.readouterr()
        assert main(["status", str(tmp_path / "runs" / "tiny"), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return read


def dense(content):
    return [network for network in content["networks"] if network["arm"] == "dense"]


def test_a_training_is_watched_from_outside_until_it_is_stopped(training, status, tmp_path):
    end = time.monotonic() + 120
    while not (tmp_path / "runs" / "tiny" / "provenance.json").exists():
        assert time.monotonic() < end and training.poll() is None
        time.sleep(0.1)
    content = status()
    while not all(network["steps_per_second"] for network in dense(content)):
        assert time.monotonic() < end and training.poll() is None
        time.sleep(0.2)
        content = status()
    assert content["counts"]["training"] == 2 and content["counts"]["waiting"] == 6
    assert len(content["workers"]) == len({network["worker"] for network in dense(content)}) == 2
    assert content["seconds_left"] > 0 and not content["finished"]
    first = min(network["step"] for network in dense(content))
    while (
        min(network["step"] for network in dense(status())) <= first
    ):  # a note is replaced every two seconds
        assert time.monotonic() < end
        time.sleep(0.2)

    training.send_signal(signal.SIGINT)
    training.communicate(timeout=60)
    content = status()
    assert content["counts"]["stopped"] == 2 and content["workers"] == []
    assert all(network["step"] > first for network in dense(content))
    assert not (tmp_path / "runs" / "tiny" / FOLDER).exists()


def test_after_a_training_nothing_is_left_of_its_notes(recipe_file, tmp_path, capsys):
    assert main([str(recipe_file), "--jobs", "1", "--out", str(tmp_path)]) == 0
    capsys.readouterr()
    assert not (tmp_path / "tiny" / FOLDER).exists()
    assert main(["status", str(tmp_path / "tiny"), "--watch"]) == 0  # no terminal, and finished: once
    out = capsys.readouterr().out
    assert "4 networks: 4 done." in out and "\x1b" not in out


def test_off_a_terminal_an_unfinished_run_is_printed_once(tiny_copy, capsys):
    (tiny_copy / "arms" / "dense" / "seed_0" / "DONE").unlink()
    assert main(["status", str(tiny_copy), "--watch"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Training of tiny: what each network is at.\narm") and out.count("networks:") == 1


def test_a_table_by_arm_shows_every_state_that_there_is(tiny_copy, capsys):
    content = json.loads((tiny_copy / "config.json").read_text())
    (tiny_copy / "config.json").write_text(json.dumps(content | {"seeds": list(range(50))}))
    dense = tiny_copy / "arms" / "dense"
    (dense / "seed_0" / "DONE").write_text("{")
    entry = {"arms": ["dense seed 2"], "failed": {"dense seed 2": "no space left"}}
    entries = json.loads((tiny_copy / "provenance.json").read_text())
    (tiny_copy / "provenance.json").write_text(json.dumps([*entries, entry]))
    for seed, name, text in ((3, "SKIPPED", '{"hash": "0", "reason": "diverged"}'), (4, "state.pt", "")):
        (dense / f"seed_{seed}").mkdir()
        (dense / f"seed_{seed}" / name).write_text(text)
    assert main(["status", str(tiny_copy)]) == 0
    lines = capsys.readouterr().out.splitlines()
    counts = dict(zip(lines[1].replace("not trained", "untrained").split(), lines[2].split(), strict=True))
    assert counts["arm"] == "dense" and counts["networks"] == "50" and counts["waiting"] == "45"
    assert [counts[name] for name in ("done", "untrained", "failed", "damaged")] == ["1", "1", "1", "2"]
    assert "dense seed 2: failed: no space left" in lines and not any("more column" in line for line in lines)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: RUN"),
        (["runs/a", "runs/b"], "unrecognized arguments: runs/b"),
        (["runs/a", "--json", "--watch"], "expected --json or --watch, and not both"),
    ],
)
def test_wrong_arguments_are_one_line(arguments, message, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["status", *arguments])
    err = capsys.readouterr().err
    assert stop.value.code == 2 and err.count("\n") == 1 and message in err


def test_what_is_no_run_is_one_line(tmp_path, capsys):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    for name, message in (
        ("none", "does not exist"),
        ("file", "is a file"),
        ("folder", "has no config.json"),
    ):
        assert main(["status", str(tmp_path / name)]) == 2
        err = capsys.readouterr().err
        assert err.count("\n") == 1 and f"{name} {message}" in err


def test_a_damaged_record_of_starts_is_one_line(tiny_copy, capsys):
    (tiny_copy / "provenance.json").write_text("[")
    assert main(["status", str(tiny_copy)]) == 1
    assert "provenance.json: damaged" in capsys.readouterr().err
