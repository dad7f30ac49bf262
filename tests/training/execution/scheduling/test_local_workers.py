"""Worker processes: killed, interrupted and resumed."""

import json
import os
import signal
import time
from contextlib import closing

import pytest
from builders import launch_here, train_group
from processes import parent_of, without_progress, workers_of

import training.execution.arms.training_loop
from training.execution.arms.jobs import Job, jobs
from training.execution.experiment import Experiment
from training.execution.identity.start_record import Start
from training.execution.scheduling.arm_queue import HELD_SECONDS, ArmQueue, Submission
from training.execution.scheduling.dispatcher import Dispatcher
from training.execution.scheduling.local_workers import LocalWorkers
from training.execution.scheduling.worker_process import Worker
from training.runs.run_directory import RunDir

SLOW = """
import multiprocessing
import time

if multiprocessing.parent_process() is not None:  # a state at every evaluation, and time to hit between two
    import training.execution.arms.training_loop as loop

    loop.SAVE_SECONDS = -1.0
    advance = loop.SlotTraining.advance
    loop.SlotTraining.advance = lambda self: (time.sleep(0.2), advance(self))[1]
"""


@pytest.fixture
def slow(tmp_path):
    """Return arguments of a plug-in that slows workers down."""
    path = tmp_path / "slow.py"
    path.write_text(SLOW)
    return ("--plugin", path)


def wait_for(condition, process=None):
    """Wait until `condition()` is true, for a minute at most."""
    for _ in range(12_000):
        if condition():
            return
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.005)
    raise AssertionError("waited for a minute")


@pytest.fixture
def check_resumed(finished, files_of, recipe):
    """Return a function that resumes a run in this process.

    The function asserts that the run equals an uninterrupted one, byte for byte.
    """

    def check(out):
        Experiment(recipe, "", out=str(out), launch=launch_here).train("cpu", workers=1)
        assert files_of(out / "tiny") == files_of(finished.path)

    return check


@pytest.fixture
def begun(start, slow, recipe_file, tmp_path):
    """Return a function that starts the tiny recipe in a process.

    The function returns once a given file of the run exists.
    """

    def begin(file, *arguments):
        out = tmp_path / "runs"
        process = start(recipe_file, "--out", out, *slow, *arguments)
        wait_for((out / "tiny" / "arms" / file).exists, process)
        return process, out

    return begin


def kill_all(process, arm):
    """Kill a process and its workers, while an arm is half trained."""
    os.killpg(process.pid, signal.SIGKILL)
    assert process.result()[0] == -signal.SIGKILL
    assert (arm / "state.pt").exists() and not (arm / "DONE").exists()


def n_starts(out):
    return len(json.loads((out / "tiny" / "provenance.json").read_text()))


def test_two_workers_killed_and_resumed_equal_an_uninterrupted_one(
    begun, command, recipe_file, finished, files_of
):
    process, out = begun("random/seed_0/state.pt", "--jobs", 2)
    kill_all(process, out / "tiny/arms/random/seed_0")
    assert command(recipe_file, "--out", out, "--jobs", 2)[0] == 0
    assert files_of(out / "tiny") == files_of(finished.path)
    assert n_starts(out) == 2


def test_one_worker_killed_and_resumed_equals_an_uninterrupted_one(begun, check_resumed):
    process, out = begun("dense/seed_0/state.pt", "--jobs", 1)
    kill_all(process, out / "tiny/arms/dense/seed_0")
    check_resumed(out)
    assert n_starts(out) == 2


INTERRUPTED = "error: interrupted: all is saved; run the command again to resume"


@pytest.mark.parametrize(("how", "jobs"), [("Ctrl-C", 1), ("SIGTERM", 2)])
def test_a_signal_is_one_line_and_the_run_resumes(begun, check_resumed, how, jobs):
    process, out = begun("dense/seed_0/state.pt", "--jobs", jobs)
    workers = workers_of(process)
    if how == "Ctrl-C":  # a terminal sends it to the whole group
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.terminate()
    code, text, err = process.result()
    assert (code, text, without_progress(err)) == (1, "", [INTERRUPTED])
    wait_for(lambda: not any(map(parent_of, workers)))
    assert (out / "tiny/arms/dense/seed_0/state.pt").exists()
    check_resumed(out)


def test_ctrl_c_while_a_worker_starts_is_one_line(start, slow, recipe_file, tmp_path):
    process = start(recipe_file, "--out", tmp_path / "runs", *slow)
    wait_for(lambda: workers_of(process), process)  # started, and not yet past its imports
    os.killpg(process.pid, signal.SIGINT)
    code, text, err = process.result()
    assert (code, text, without_progress(err)) == (1, "", [INTERRUPTED])


def test_a_killed_worker_is_one_line_and_the_others_save(begun, check_resumed):
    process, out = begun("dense/seed_0/state.pt", "--jobs", 2)
    wait_for(lambda: len(workers_of(process)) == 2, process)
    first, second = sorted(workers_of(process))
    os.kill(first, signal.SIGKILL)
    code, text, err = process.result()
    assert (code, text) == (1, "")
    (line,) = without_progress(err)
    assert line.startswith("error: worker for dense seed 0 was killed by signal 9; run the command again")
    assert parent_of(second) is None
    check_resumed(out)


def test_workers_of_a_killed_parent_end_and_save(begun, check_resumed):
    process, out = begun("dense/seed_0/state.pt", "--jobs", 2)
    wait_for(lambda: len(workers_of(process)) == 2, process)
    workers = workers_of(process)
    process.kill()
    process.wait()
    wait_for(lambda: not any(map(parent_of, workers)))
    assert (out / "tiny/arms/dense/seed_0/state.pt").exists()
    check_resumed(out)


def test_an_arm_that_another_process_trains_is_waited_for(copied, start, recipe_file, finished, files_of):
    copied.arm("random", 0).clear()
    path = f"{copied.path}/arms/random/seed_0"
    with copied.arm("random", 0).locked():
        process = start(recipe_file, "--out", copied.path.parent, "--jobs", 1)
        line = next(line for line in process.stderr if "networks done; " not in line)
        assert line == f"{path}: another process is training this arm; it is waited for\n"
        time.sleep(2 * HELD_SECONDS)
        assert process.poll() is None and not copied.arm("random", 0).is_begun()
    code, _, err = process.result()
    assert (code, without_progress(err)) == (0, [])  # it is said once
    assert files_of(copied.path) == files_of(finished.path)


def test_an_arm_that_another_process_just_finished_is_not_retrained(copied, recipe, files_of, monkeypatch):
    before = files_of(copied.path)
    monkeypatch.setattr(training.execution.arms.training_loop, "SlotTraining", None)  # training would fail
    job = Job("random", 0)  # as planned before the other process was through
    assert train_group(recipe, copied, [job]) == []
    assert files_of(copied.path) == before


def test_two_shards_started_at_once_make_one_run(start, recipe_file, tmp_path, finished, files_of):
    out = tmp_path / "runs"
    shards = [
        start(recipe_file, "--out", out, "--seeds", 0, 1, "--shard", f"{i}/2", "--jobs", 1) for i in (1, 2)
    ]
    assert [shard.result()[0] for shard in shards] == [0, 0]
    assert files_of(finished.path).items() <= files_of(out / "tiny").items()
    assert json.loads((out / "tiny" / "config.json").read_text())["seeds"] == [0, 1]
    assert len(json.loads((out / "tiny" / "provenance.json").read_text())) == 2


def test_two_equal_commands_at_once_train_every_network_once(
    start, recipe_file, slow, tmp_path, finished, files_of
):
    out = tmp_path / "runs"
    commands = [start(recipe_file, "--out", out, *slow, "--jobs", 1) for _ in range(2)]
    assert [command.result()[0] for command in commands] == [0, 0]
    assert files_of(out / "tiny") == files_of(finished.path)
    starts = json.loads((out / "tiny" / "provenance.json").read_text())
    trained = [files.done()["start"] for files in RunDir(out / "tiny").arms()]
    assert len(starts) == 2 and {*trained} <= {entry["id"] for entry in starts}


def test_one_worker_trains_a_batch_and_takes_more_as_it_becomes_ready(
    recipe, finished, files_of, tmp_path, monkeypatch
):
    queue, started, start = ArmQueue(), [], Worker.start
    queue.submit(Submission(recipe, RunDir(tmp_path), jobs(recipe, recipe.seeds), Start()))
    monkeypatch.setattr(
        Worker, "start", lambda self, task, *args: (started.append(task), start(self, task, *args))
    )
    with closing(LocalWorkers(4)) as workers:
        dispatcher = Dispatcher(workers, [], networks=queue)
        dispatcher.resolve("cpu")
        dispatcher.is_batched = True  # as on a GPU
        dispatcher.run()
    assert not queue and queue.submissions[0].failure is None
    assert started[:2] == ["the check of --device", "dense seed 0, random seed 0"]
    assert files_of(tmp_path) == {
        name: content for name, content in files_of(finished.path).items() if name.startswith("arms")
    }
