"""What each network of a run is at, by planted files and notes."""

import datetime
import json
import os
import subprocess
import sys
import time

import pytest
from builders import begin_run

from training.config.arm_config import arm_record
from training.config.build_recipe import recipe_from_dict
from training.execution.status.run_status import FRESH_SECONDS, run_status
from training.inspection.run import open_run
from training.runs.arm_directory import ArmDir
from training.runs.file_lock import locked
from training.runs.worker_notes import ArmNote, WorkerNote, write_note

NOW = datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC).timestamp()
"""Moment of every look: after every file was written."""
BEGAN = NOW - 100
OLD = 10 * FRESH_SECONDS


@pytest.fixture
def run(tmp_path, recipe):
    """Return a run of the tiny recipe in which nothing is trained yet, by a start that is under way."""
    run = begin_run(tmp_path / "tiny", recipe)
    names = [f"{arm} seed 0" for arm in recipe.arms]
    run.add_provenance({"id": "a1", "started": "2029-12-31T23:58:20+00:00", "arms": names})
    return run


@pytest.fixture
def finish(run, recipe):
    """Return a function that plants a finished network, without its other files."""

    def plant(arm, steps, at=NOW - 10, start="a1", **more):
        files = run.arm(arm, 0)
        files.finish(arm_record(recipe, arm, 0) | {"steps": steps, "source": None, "start": start, **more})
        set_time(files.path / "DONE", at)

    return plant


@pytest.fixture
def note(run):
    """Return a function that plants a worker's note of some age."""

    def plant(*arms, worker="node7:1", age=0.0):
        write_note(run, WorkerNote(worker, NOW - age, BEGAN, arms))
        set_time(next((run.path / ".workers").glob(f"{worker.replace(':', '_')}*")), NOW - age)

    return plant


def arm_note(arm, step=None, rate=None, began=BEGAN, test_acc=None):
    return ArmNote(arm, 0, "a1", step, test_acc, began, rate)


def set_time(path, at):
    os.utime(path, (at, at))


@pytest.fixture
def look(run):
    """Return a function that returns the networks' states by arm."""

    def networks():
        return {network.arm: network for network in run_status(open_run(run.path), NOW).networks}

    return networks


def skip(run, recipe, arm, reason="no ticket"):
    run.arm(arm, 0).skip({"hash": "of another version", "reason": reason})


def test_before_anything_is_trained_every_network_waits(look):
    states = look()
    assert list(states) == ["dense", "grokked_ticket", "random", "shuffled"]
    assert {network.state for network in states.values()} == {"waiting"}
    assert states["dense"].max_steps == 500 and states["dense"].step is None


def test_finished_and_skipped_networks(run, recipe, look, finish):
    finish("dense", 210)
    skip(run, recipe, "random", "diverged")
    states = look()
    assert (states["dense"].state, states["dense"].step) == ("done", 210)
    assert (states["random"].state, states["random"].reason) == ("not trained", "diverged")


def test_a_fresh_note_says_step_accuracy_rate_worker_and_time_left(look, note):
    note(arm_note("dense", 100, 50.0, test_acc=0.25), arm_note("random"))
    dense, random = look()["dense"], look()["random"]
    assert (dense.state, dense.step, dense.test_acc, dense.worker) == ("training", 100, 0.25, "node7:1")
    assert dense.steps_per_second == 50 and dense.seconds_left == (500 - 100) / 50
    assert (random.state, random.step, random.seconds_left) == ("training", None, None)


def test_an_old_note_counts_only_while_the_network_is_held(run, look, note):
    note(arm_note("dense", 100, 50.0), age=OLD)
    assert look()["dense"].state == "waiting"
    run.arm("dense", 0).write_state({"step": 80})
    assert (look()["dense"].state, look()["dense"].step) == ("stopped", 80)
    with locked(run.arm("dense", 0).path):
        dense = look()["dense"]
        assert (dense.state, dense.step, dense.worker) == ("training", 100, "node7:1")
    assert look()["dense"].state == "stopped"


def test_a_held_network_is_in_training_also_without_a_note(run, look):
    run.arm("dense", 0).write_state({"step": 80})
    with locked(run.arm("dense", 0).path):
        assert (look()["dense"].state, look()["dense"].step) == ("training", 80)


def test_of_two_notes_the_later_one_counts(look, note):
    note(arm_note("dense", 100), worker="new:2")
    note(arm_note("dense", 300), worker="dead:1", age=FRESH_SECONDS / 2)
    assert look()["dense"].worker == "new:2" and look()["dense"].step == 100


def test_a_finished_network_is_done_whatever_a_note_says(look, note, finish):
    finish("dense", 210)
    note(arm_note("dense", 100))
    assert look()["dense"].state == "done"


def test_a_skipped_network_is_in_training_if_it_was_taken_after_that(run, recipe, look, note):
    skip(run, recipe, "random")
    set_time(run.arm("random", 0).path / "SKIPPED", NOW - 50)
    note(arm_note("random", 10, began=NOW - 60))
    assert look()["random"].state == "not trained"
    note(arm_note("random", 10, began=NOW - 40))
    assert look()["random"].state == "training"


def test_a_failure_counts_until_a_start_trains_the_network_again(run, look):
    run.add_provenance({"id": "b2", "arms": ["dense seed 0"], "failed": {"dense seed 0": "no space\nleft"}})
    assert (look()["dense"].state, look()["dense"].reason) == ("failed", "no space left")
    run.arm("dense", 0).write_state({"step": 80})
    assert (look()["dense"].state, look()["dense"].step) == ("failed", 80)
    run.add_provenance({"id": "c3", "arms": ["dense seed 0"]})
    assert look()["dense"].state == "stopped"


@pytest.mark.parametrize(
    "entry", [{"arms": 5, "failed": ["dense"]}, {"id": ["a1"], "started": 7, "arms": [1]}]
)
def test_a_strange_start_says_nothing(run, look, note, entry):
    run.add_provenance(entry)
    note(arm_note("dense", 100, 50.0))
    assert look()["dense"].state == "training" and look()["random"].state == "waiting"


@pytest.mark.parametrize("name", ["DONE", "SKIPPED", "state.pt"])
def test_a_damaged_network_is_named_and_the_others_are_shown(run, look, finish, name):
    finish("dense", 210)
    folder = run.arm("random", 0).path
    folder.mkdir(parents=True)
    (folder / name).write_bytes(b"{")
    random = look()["random"]
    assert random.state == "damaged" and f"random/seed_0/{name}" in random.reason
    assert look()["dense"].state == "done"


def test_a_seed_that_was_copied_into_the_folder_is_listed(run, recipe, look, finish):
    finish("dense", 210)
    run.arm("dense", 0).path.rename(run.arm("dense", 7).path)
    rows = run_status(open_run(run.path), NOW).networks
    assert [(row.seed, row.state) for row in rows if row.arm == "dense"] == [(0, "waiting"), (7, "done")]


def test_speed_and_time_left_are_those_of_the_work_done(run, note, finish):
    finish("dense", 250)
    finish("random", 125)
    note(arm_note("grokked_ticket", 65, 13.0, began=NOW - 5), worker="node7:1")
    note(worker="between:2", age=1)
    note(worker="gone:3", age=OLD)
    status = run_status(open_run(run.path), NOW)
    assert status.workers == ("between:2", "node7:1") and status.steps_per_second == 13
    assert status.networks_per_hour == pytest.approx(2 * 3600 / 100)
    # About 2.5 networks of four in 100 s; the dense network costs most, and 1.5 small ones are left.
    assert 20 < status.seconds_left < 60
    assert status.counts == {"done": 2, "training": 1, "waiting": 1}


def test_networks_that_were_taken_or_finished_before_are_no_work_of_this_start(run, note, finish):
    finish("dense", 210, at=NOW - 500)
    finish("random", 125, start="of before")
    finish("grokked_ticket", 130, taken_from={"run": "other"})
    note(arm_note("shuffled"))
    status = run_status(open_run(run.path), NOW)
    assert status.networks_per_hour == 0 and status.seconds_left is None


def test_the_last_network_is_as_long_as_its_own_speed_says(run, note, finish):
    for arm in ("dense", "random", "grokked_ticket"):
        finish(arm, run.config()["arms"][arm]["max_steps"])
    note(arm_note("shuffled", 30, 0.5, began=NOW - 60))
    assert run_status(open_run(run.path), NOW).seconds_left == pytest.approx((130 - 30) / 0.5)


def test_only_networks_of_the_starts_under_way_are_counted_as_left(run, note):
    run.add_provenance({"id": "b2", "arms": ["random seed 0"]})
    note(arm_note("dense", 250, 25.0, began=NOW - 20))
    all_left = run_status(open_run(run.path), NOW).seconds_left
    entries = run.provenance()
    entries[1]["arms"] = ["dense seed 0"]
    run.path.joinpath("provenance.json").unlink()
    for entry in entries:
        run.add_provenance(entry)
    assert run_status(open_run(run.path), NOW).seconds_left < all_left


def test_without_a_worker_there_is_no_speed(run, finish):
    finish("dense", 210)
    status = run_status(open_run(run.path), NOW)
    assert (status.workers, status.networks_per_hour, status.seconds_left) == ((), None, None)
    assert status.steps_per_second is None and not status.is_finished


def test_adopted_weights_and_a_run_that_was_trained(run, tiny_run, tmp_path):
    status = run_status(open_run(tiny_run))
    assert status.is_finished and status.counts == {"done": 6}
    copy = tmp_path / "adopted"
    copy.mkdir()
    for name in ("config.json", "arms"):
        (copy / name).symlink_to(tiny_run / name)
    status = run_status(open_run(copy))
    assert status.is_finished and status.counts == {"adopted": 6}


def test_a_run_of_thousands_is_looked_at_in_seconds_and_its_states_are_read_once(
    tmp_path, content, monkeypatch
):
    seeds, n_stopped = 500, 20
    recipe = recipe_from_dict(content | {"seeds": list(range(seeds))})
    run = begin_run(tmp_path / "large", recipe)
    for arm in recipe.arms:
        for seed in range(seeds):
            files = run.arm(arm, seed)
            files.path.mkdir(parents=True)
            record = arm_record(recipe, arm, seed) | {"steps": 9, "source": None}
            if arm == "random" and seed < n_stopped:
                files.write_state({"step": seed})
            else:
                (files.path / "DONE").write_text(json.dumps(record))
    read = []
    state_step = ArmDir.state_step
    monkeypatch.setattr(ArmDir, "state_step", lambda self: (read.append(str(self)), state_step(self))[1])
    begun = time.monotonic()
    status = run_status(open_run(run.path))
    assert time.monotonic() - begun < 8  # 2,000 networks; usually within a second
    assert status.counts == {"done": 4 * seeds - n_stopped, "stopped": n_stopped}
    assert sorted(read) == sorted(f"random seed {seed}" for seed in range(n_stopped))


def test_nothing_heavy_is_loaded_and_nothing_written(run):
    run.arm("dense", 0).write_state({"step": 80})
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*")}
    code = (
        "import sys; from training.inspection.run import open_run\n"
        "from training.execution.status.run_status import run_status\n"
        f"assert run_status(open_run({str(run.path)!r})).counts['stopped'] == 1\n"
        "sys.exit(str([name for name in ('torch', 'pandas', 'pyarrow') if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == "[]\n"
    assert {path: path.stat().st_mtime_ns for path in run.path.rglob("*")} == before
