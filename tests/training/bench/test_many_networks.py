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
from training.schema.code_digest import ROOT

SIZES = (10, 20, 40)
"""Networks of three runs."""
HERE = str(ROOT / "training")
OPERATIONS = ["planning a new run", "planning a finished run", "opening a run", "reading its outcomes"]


def planted_runs(recipes, tmp_path_factory):
    return [(recipe, planted_run(recipe, tmp_path_factory.mktemp("many"))) for recipe in recipes]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Return recipes of three numbers of arms, with their planted runs."""
    return planted_runs([many_arms(n) for n in SIZES], tmp_path_factory)


@pytest.fixture(scope="module")
def runs_of_seeds(tmp_path_factory):
    """Return recipes of two arms and three numbers of seeds, with their planted runs."""
    return planted_runs([many_arms(2, range(n // 2)) for n in SIZES], tmp_path_factory)


def n_operations(action):
    """Return the lines of `training` that are run, loops' rounds among them, and all calls."""
    counted = Counter()

    def count(frame, event, argument):
        counted[event] += 1
        return count if frame.f_code.co_filename.startswith(HERE) else None

    before = sys.gettrace()
    sys.settrace(count)
    try:
        action()
    finally:
        sys.settrace(before)
    return counted


def train_nothing(recipe, run):
    """Take every network of a queue through its states, as a pool of workers does."""
    queue = ArmQueue(Progress(output=io.StringIO()))
    queue.submit(Submission(recipe, run, jobs(recipe, recipe.seeds), Start()))
    sent = 0
    while tasks := queue.next_tasks(None):
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


def check_growth(name, runs):
    """Check that what is done for each pair of networks is less than one line or call."""
    for run in runs:
        actions(*run)[name]()  # what is done once in a process, or once per run, is not counted
    few, more, most = [n_operations(actions(*run)[name]) for run in runs]
    for event in ("line", "call"):
        per_pair = (most[event] - 3 * more[event] + 2 * few[event]) / (6 * SIZES[0] ** 2)
        assert few[event] > SIZES[0] and abs(per_pair) < 0.75, event


@pytest.mark.parametrize("name", [*OPERATIONS, "submitting", "training nothing"])
def test_no_step_reads_all_arms_for_each_arm(name, runs):
    check_growth(name, runs)


@pytest.mark.parametrize("name", ["reading its outcomes", "training nothing"])
def test_no_step_reads_all_seeds_for_each_seed(name, runs_of_seeds):
    check_growth(name, runs_of_seeds)


@pytest.mark.parametrize("kind", ["runs", "runs_of_seeds"])
def test_what_is_sent_to_workers_grows_with_the_networks_alone(kind, request):
    few, more, most = [train_nothing(*run) for run in request.getfixturevalue(kind)]
    assert most - 3 * more + 2 * few == pytest.approx(0, abs=0.01 * most)


def test_a_planted_run_is_a_finished_one(runs):
    recipe, run = runs[0]
    rows = Experiment(recipe, "", out=str(run.path.parent)).plan()
    assert [row["todo"] for row in rows] == ["keep"] * SIZES[0]
    assert len(open_run(run.path)) == SIZES[0]
    assert open_run(run.path).outcomes["steps"].tolist() == [1] * SIZES[0]


def test_growth_with_networks_has_a_row_per_operation():
    rows = growth_with_networks((4, 8, 16))
    assert [row["time of"] for row in rows] == OPERATIONS
    assert all(row["largest"] > 0 and row["sizes"] == [4, 8, 16] for row in rows)
