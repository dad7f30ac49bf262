"""Networks, analyses and figures by Parsl's workers, which this machine starts in place of a cluster."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from processes import without_progress

from training.execution.scheduling.cluster_workers import ClusterWorkers
from training.execution.scheduling.executor import Call, Message
from training.runs.atomic_files import RunError
from training.runs.worker_notes import read_notes

pytest.importorskip("parsl")
pytestmark = pytest.mark.xdist_group("cluster")

LOCAL_CONFIG = """
from parsl import Config
from parsl.executors import HighThroughputExecutor
from parsl.providers import LocalProvider

config = Config(executors=[HighThroughputExecutor(
    address="127.0.0.1", max_workers_per_node=2, heartbeat_period=1, heartbeat_threshold=20,
    provider=LocalProvider(init_blocks=1, max_blocks=1),
)])
"""
SLOW = """
import time
import training.execution.arms.training_loop as loop

loop.SAVE_SECONDS = -1.0  # a state at every evaluation, and time to hit between two
advance = loop.SlotTraining.advance
loop.SlotTraining.advance = lambda self: (time.sleep(0.1), advance(self))[1]
"""


@pytest.fixture
def config(tmp_path):
    """Return the path of a Parsl config with two workers on this machine."""
    path = tmp_path / "parsl_config.py"
    path.write_text(LOCAL_CONFIG)
    return path


def test_a_call_that_has_ended_tells_nothing_more(tmp_path):
    workers = ClusterWorkers(SimpleNamespace(n_workers=2, name="none"), tmp_path)
    workers._calls = {7: Call("a", print), 8: Call("b", print)}
    for kind, content in [("worked", 1.0), ("ended", None), ("arm ended", 3), ("lost", RunError("gone"))]:
        workers._inbox.put(Message(7, kind, content))
    workers.stop(8)  # no worker has it
    told = [(message.call, message.kind) for message in workers.messages(0.0)]
    assert told == [(7, "worked"), (7, "ended"), (8, "ended")] and workers.messages(0.0) == []
    workers.close()


def without_notices(err, config):
    """Return the lines of stderr but for progress and those about the workers."""
    return [line for line in without_progress(err) if not line.startswith(f"{config}: ")]


def test_a_run_equals_that_of_one_machine(command, recipe_file, config, finished, files_of, tmp_path):
    out = tmp_path / "runs"
    code, _, err = command(recipe_file, "--out", out, "--executor", config)
    assert (code, without_notices(err, config)) == (0, [])
    assert files_of(out / "tiny") == files_of(finished.path)
    (start,) = json.loads((out / "tiny/provenance.json").read_text())
    assert start["workers"] == 2 and not list((out / ".cluster").glob("*"))


def test_killed_workers_and_a_stopped_driver_change_no_byte(
    start, recipe_file, config, finished, files_of, tmp_path
):
    out, slow = tmp_path / "runs", tmp_path / "slow.py"
    slow.write_text(SLOW)
    arguments = (recipe_file, "--out", out, "--executor", config, "--plugin", slow)
    process = start(*arguments)
    killed = set()
    while len(killed) < 3 and process.poll() is None:
        for note in read_notes_of(out / "tiny"):
            worker = int(note.worker.rpartition(":")[2])
            if any(arm.step for arm in note.arms) and worker not in killed:
                os.kill(worker, signal.SIGKILL)
                killed.add(worker)
        time.sleep(0.02)
    assert len(killed) == 3
    process.terminate()
    code, _, err = process.result()
    assert code == 1 and without_notices(err, config) == [
        "error: interrupted: all is saved; run the command again to resume"
    ]
    assert not (out / "tiny/arms/shuffled/seed_0/DONE").exists()
    again = start(recipe_file, "--out", out, "--executor", config)
    assert again.result()[0] == 0
    assert files_of(out / "tiny") == files_of(finished.path)


def read_notes_of(path):
    from training.runs.run_directory import RunDir

    return read_notes(RunDir(path))


def test_an_analysis_gives_equal_tables(copied, config, tmp_path):
    def measured(out, *arguments):
        command = [sys.executable, "-m", "analyses.graph_props", "--run", copied.path, "--out", out]
        done = subprocess.run(
            [*command, "--nulls", "3", "--no-plot", *arguments], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        (table,) = out.rglob("graph_props.csv")
        return done.stdout, table.read_bytes()

    by_parsl = measured(tmp_path / "a", "--executor", config)
    assert by_parsl == measured(tmp_path / "b", "--jobs", "1")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("--executor", "nowhere.py"), "nowhere.py"),
        (("--executor", "local", "--jobs", "0"), "whole number"),
        (("--executor", "x.py", "--jobs", "2"), "--jobs: expected none with --executor x.py"),
    ],
)
def test_bad_executors_are_one_line(command, recipe_file, tmp_path, arguments, error):
    code, text, err = command(recipe_file, "--out", tmp_path / "runs", *arguments)
    assert (code, text) == (2, "") and error in err.splitlines()[-1]
    assert not list((tmp_path / "runs").glob("*/arms"))


def test_the_output_of_jobs_without_workers_is_kept(command, recipe_file, config, tmp_path):
    cries = "init_blocks=1, worker_init='echo no such module >&2; exit 3'"
    config.write_text(config.read_text().replace("init_blocks=1", cries))
    code, _, err = command(recipe_file, "--out", tmp_path / "runs", "--executor", config)
    (line,) = without_notices(err, config)
    assert code == 1 and "3 jobs in a row ended before a worker connected" in line
    assert line.endswith(": no such module")
    (named,) = re.findall(r"output is in (\S+): ", line)
    assert "no such module" in Path(named).read_text()
