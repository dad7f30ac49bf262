"""Several recipes trained from one queue."""

import json

import pytest
from builders import changed_recipe, launch_here

from training.cli.parser import Interrupted
from training.execution.arms.jobs import Job, jobs
from training.execution.experiment import Experiment
from training.execution.identity.start_record import Start
from training.execution.joint_training import JointTraining, train_together
from training.execution.scheduling.arm_queue import ArmQueue, Submission
from training.runs.atomic_files import RunError
from training.runs.run_directory import RunDir
from training.schema.validation import to_dict


@pytest.fixture
def two(recipe, tmp_path):
    """Return experiments of two recipes whose dense networks are the same."""
    other = changed_recipe(to_dict(recipe), "name=other", "pruning.sparsity=0.5")
    return [Experiment(r, "", out=str(tmp_path), launch=launch_here) for r in (recipe, other)]


def test_a_network_of_two_recipes_is_trained_once(two, finished, files_of, tmp_path):
    assert train_together(two, "cpu", 1) == [None, None]
    assert files_of(tmp_path / "tiny") == files_of(finished.path)
    dense, ticket = (RunDir(tmp_path / "other").arm(arm, 0).done() for arm in ("dense", "grokked_ticket"))
    assert dense["taken_from"]["run"] == "tiny" and "taken_from" not in ticket
    entries = [json.loads((tmp_path / name / "provenance.json").read_text())[0] for name in ("tiny", "other")]
    assert [len(entry["arms"]) for entry in entries] == [4, 3]
    assert entries[1]["taken"]["dense seed 0"]["run"] == "tiny"
    assert all(entry["core_seconds"] > 0 for entry in entries)


def test_a_recipe_that_fails_leaves_the_others(two, finished, files_of, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").touch()
    first, second = train_together(two, "cpu", 1)
    assert first is None and isinstance(second, RunError) and "thesis.tex" not in str(first)
    assert files_of(tmp_path / "tiny") == files_of(finished.path)


def test_a_network_that_fails_ends_its_recipe_alone(two, tmp_path):
    train_together(two[:1], "cpu", 1)
    ticket = RunDir(tmp_path / "tiny").arm("grokked_ticket", 0)
    (RunDir(tmp_path / "tiny").arm("dense", 0).path / "checkpoints.safetensors").write_bytes(b"")
    ticket.clear()
    first, second = train_together(two, "cpu", 1)
    assert isinstance(first, RunError) and second is None
    started, restarted = RunDir(tmp_path / "tiny").provenance()
    assert "failed" not in started and restarted["failed"] == {"grokked_ticket seed 0": str(first)}
    assert RunDir(tmp_path / "other").arm("shuffled", 0).done() is not None


def test_a_stop_saves_every_recipe_and_completes_their_records(two, tmp_path):
    def launch(queue, device, workers, on_device):
        on_device("cpu")
        raise Interrupted

    two[0].launch = launch
    with pytest.raises(Interrupted):
        train_together(two, "cpu", 1)
    for name in ("tiny", "other"):
        (entry,) = json.loads((tmp_path / name / "provenance.json").read_text())
        assert entry["device"] == "cpu" and "seconds" in entry


def test_an_experiment_is_done_once(two, tmp_path):
    done = []
    joint = JointTraining("cpu", 1, when_done=lambda experiment: done.append(experiment.recipe.name))
    for experiment in two:
        joint.submit(experiment)
    assert done == []
    launch_here(joint.queue, "cpu", 1, joint.note_device)
    assert done == ["tiny", "other"] and not joint.queue


@pytest.fixture
def queue(recipe, tmp_path):
    """Return a queue of the tiny recipe for three seeds."""
    recipe = changed_recipe(to_dict(recipe), "seeds=[0,1,2]")
    queue = ArmQueue()
    queue.submit(Submission(recipe, RunDir(tmp_path), jobs(recipe, recipe.seeds), Start()))
    return queue


def test_a_ticket_is_ready_when_the_source_of_its_own_seed_has_ended(queue):
    batch = queue.next_tasks(1)
    assert {task.job for task in batch} == {
        Job(arm, seed) for arm in ("dense", "random") for seed in range(3)
    }
    (second,) = [task for task in batch if task.job == Job("dense", 1)]
    queue.ended(second.number)
    assert [task.job for task in queue.next_tasks(1)] == [Job("grokked_ticket", 1)]


def test_a_failure_drops_what_waits_and_names_what_runs(queue):
    batch = queue.next_tasks(1)
    running = queue.failed(batch[0].number, RunError("damaged"))
    assert running == {task.number for task in batch[1:]} and len(queue) == len(running)
    queue.put_back(batch[1].number)  # it was stopped, and is not begun again
    assert len(queue) == len(running) - 1 and queue.next_tasks(1) == []
    for task in batch[2:]:
        queue.ended(task.number)
    (submission,) = queue.submissions
    assert str(submission.failure) == "damaged" and not queue and submission.n_left == 0


def test_a_thousand_networks_are_queued_in_order(recipe, tmp_path):
    recipe = changed_recipe(to_dict(recipe), f"seeds={list(range(250))}")
    queue = ArmQueue()
    queue.submit(Submission(recipe, RunDir(tmp_path), jobs(recipe, recipe.seeds), Start()))
    order = []
    while tasks := queue.next_tasks(None):
        order.append(tasks[0].job)
        queue.ended(tasks[0].number)
    assert len(order) == len({*order}) == 1000
    place = {job: at for at, job in enumerate(order)}
    assert all(
        place[Job(recipe.arms[job.arm].source, job.seed)] < place[job]
        for job in order
        if recipe.arms[job.arm].source is not None
    )
