"""Notes that a training writes while it runs."""

import math
import time

import pytest
from builders import LoneChannel, begin_run

from training.cli.parser import Interrupted
from training.execution.arms.jobs import ArmTask, Job
from training.execution.identity.start_record import Start
from training.execution.scheduling.noting_channel import Notebook, NotingChannel, noted
from training.runs.worker_notes import FOLDER, read_notes


@pytest.fixture
def run(tmp_path, recipe):
    return begin_run(tmp_path / "tiny", recipe)


@pytest.fixture
def tasks(recipe, run):
    return [ArmTask(recipe, run, Job("dense", seed), Start(id="a1"), seed) for seed in (0, 1)]


@pytest.fixture
def notebook():
    """Return the notes of a process that has just begun."""
    return Notebook()


def noting(tasks, notebook, inner=None):
    return NotingChannel(LoneChannel() if inner is None else inner, tasks, notebook)


def test_a_process_notes_its_networks_before_the_first_evaluation(run, tasks, notebook):
    noting(tasks, notebook)
    (note,) = read_notes(run)
    assert [(arm.arm, arm.seed, arm.start, arm.step) for arm in note.arms] == [
        ("dense", 0, "a1", None),
        ("dense", 1, "a1", None),
    ]


def test_everything_is_passed_on(tasks, notebook):
    class Inner(LoneChannel):
        def more(self):
            return tasks[1:]

    inner = Inner(should_stop=lambda: True)
    channel = noting(tasks[:1], notebook, inner)
    channel.report(tasks[0], 10, 0.5)
    channel.ended(tasks[0], "diverged")
    assert inner.reports == [(tasks[0].job, 10, 0.5)] and inner.skipped == [(tasks[0].job, "diverged")]
    assert channel.more() == tasks[1:] and channel.should_stop()
    with pytest.raises(ValueError, match="damaged"):
        channel.failed(tasks[1], ValueError("damaged"))


def test_step_accuracy_and_rate_are_noted_once_it_is_time(run, tasks, notebook):
    channel = noting(tasks, notebook)
    channel.report(tasks[0], 100, 0.25)
    assert read_notes(run)[0].arms[0].step is None  # the first note is younger than two seconds
    time.sleep(0.05)
    notebook.next_at = -math.inf
    channel.report(tasks[0], 200, math.nan)
    noted_arm = read_notes(run)[0].arms[0]
    assert noted_arm.step == 200 and noted_arm.test_acc is None
    assert 0 < noted_arm.steps_per_second <= 100 / 0.05
    notebook.next_at = -math.inf
    channel.report(tasks[0], 50, 0.125)  # from a saved state again
    noted_arm = read_notes(run)[0].arms[0]
    assert (noted_arm.step, noted_arm.test_acc, noted_arm.steps_per_second) == (50, 0.125, None)


def test_many_short_networks_share_a_note(run, tasks, notebook, monkeypatch):
    written = []
    write = Notebook.write
    monkeypatch.setattr(Notebook, "write", lambda *args: (written.append(args), write(*args)))
    for _ in range(100):
        channel = noting(tasks, notebook)
        channel.report(tasks[0], 1, 0.0)
        channel.ended(tasks[0], None)
    assert len(written) == 1 and len(read_notes(run)) == 1


def test_a_failed_or_held_network_leaves_the_note_at_once(run, tasks, notebook):
    channel = noting(tasks, notebook, inner := ListeningChannel())
    channel.failed(tasks[0], ValueError("damaged"))
    assert [arm.seed for arm in read_notes(run)[0].arms] == [1]
    channel.held(tasks[1])
    assert not (run.path / FOLDER).exists()
    assert inner.skipped == [(tasks[0].job, "damaged"), (tasks[1].job, "held")]


def test_an_interrupted_training_deletes_its_note(run, tasks, notebook):
    with pytest.raises(Interrupted), noted(LoneChannel(), tasks, notebook):
        assert len(read_notes(run)) == 1
        raise Interrupted
    assert not (run.path / FOLDER).exists()


def test_a_folder_that_cannot_be_written_does_not_stop_the_training(run, tasks, notebook):
    (run.path / FOLDER).write_text("in the way")
    channel = noting(tasks, notebook)
    channel.report(tasks[0], 10, 0.5)
    assert channel.channel.reports == [(tasks[0].job, 10, 0.5)]


class ListeningChannel(LoneChannel):
    """Channel that takes a failure as a queue does."""

    def failed(self, task, error):
        self.skipped.append((task.job, str(error)))

    def held(self, task):
        self.skipped.append((task.job, "held"))
