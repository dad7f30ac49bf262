"""Work per network of planning, opening and training stays constant as runs grow: operations are counted."""

import io
import pickle
import sys
from collections import Counter

import pytest

from training.bench.many_networks import growth_with_networks, many_arms, operations, planted_run
from training.execution.arms.jobs import jobs
from training.execution.experiment import Experiment
from training.execution.identity.start_record import Start
from training.execution.scheduling.arm_queue import ArmQueue, Submission
from training.execution.scheduling.progress import Progress
from training.inspection.run import open_run

FEW, MANY = 20, 60
"""Arms of two runs, each with one seed."""
OPERATIONS = ["planning a new run", "planning a finished run", "opening a run", "reading its outcomes"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Return recipes and planted runs of few and of many arms, and of one arm's many seeds."""
    recipes = [many_arms(FEW), many_arms(MANY), many_arms(2, range(MANY // 2))]
    return [(recipe, planted_run(recipe, tmp_path_factory.mktemp("many"))) for recipe in recipes]


def n_operations(action):
    """Return the lines that Python runs, loops' rounds among them, the calls, and the files that it opens."""
    counted = Counter()

    def count(frame, event, argument):
        counted[event] += 1
        return count

    def open_file(event, arguments):
        counted["open"] += event == "open" and is_counting

    sys.addaudithook(open_file)  # it stays, and counts nothing once this is over
    is_counting, before = True, sys.gettrace()
    sys.settrace(count)
    try:
        action()
    finally:
        sys.settrace(before)
        is_counting = False
    return counted


def train_nothing(recipe, run):
    """Take every network of a queue through its states, as a pool of workers does."""
    queue = ArmQueue(Progress(output=io.StringIO()))
    queue.submit(Submission(recipe, run, jobs(recipe, recipe.seeds), Start()))
    sent = 0
    while tasks := queue.next_tasks(is_batched=False):
        sent += len(pickle.dumps(tasks))
        queue.report(tasks[0].number, 1, 0.5)
        queue.ended(tasks[0].number)
    assert not queue
    return sent


def actions(recipe, run):
    """Return all that is counted, by name."""
    experiment = Experiment(recipe, "", out=str(run.path.parent))
    return operations(recipe, run) | {
        "submitting": lambda: experiment.submission("cpu", 1, force=False, accept_other=False),
        "training nothing": lambda: train_nothing(recipe, run),
    }


@pytest.mark.parametrize("name", [*OPERATIONS, "submitting", "training nothing"])
def test_no_step_reads_all_arms_for_each_arm(name, runs):
    few, many, seeds = (actions(*run)[name] for run in runs)
    few()  # what is done once in a process
    counts = [n_operations(action) for action in (few, many, seeds)]
    for event in ("line", "call", "open"):
        of_few, of_many, of_seeds = (count[event] for count in counts)
        assert of_many <= 1.1 * MANY / FEW * of_few, event
        assert of_seeds <= 1.1 * of_many, event


def test_what_is_sent_to_workers_grows_with_the_networks_alone(runs):
    few, many, seeds = (train_nothing(*run) / len(jobs(run[0], run[0].seeds)) for run in runs)
    assert many == pytest.approx(few, rel=0.05) and seeds <= 1.05 * many


def test_a_planted_run_is_a_finished_one(runs):
    recipe, run = runs[0]
    rows = Experiment(recipe, "", out=str(run.path.parent)).plan()
    assert [row["todo"] for row in rows] == ["keep"] * FEW
    assert len(open_run(run.path)) == FEW
    assert open_run(run.path).outcomes["steps"].tolist() == [1] * FEW


def test_growth_with_networks_has_a_row_per_operation():
    rows = growth_with_networks((4, 8, 16))
    assert [row["time of"] for row in rows] == OPERATIONS
    assert all(row["largest"] > 0 and row["sizes"] == [4, 8, 16] for row in rows)
