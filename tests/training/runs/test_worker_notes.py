"""Notes of processes that train, in a run's folder."""

import json
import os
import time

import pytest
from builders import begin_run

from training.runs.handover.run_files import files_of_run
from training.runs.run_directory import RunDir
from training.runs.worker_notes import (
    FOLDER,
    FORGOTTEN_SECONDS,
    ArmNote,
    WorkerNote,
    delete_ended_notes,
    delete_note,
    read_notes,
    this_worker,
    write_note,
)

TRAINING = ArmNote("dense", 0, "a1b2", 120, 0.25, 1000.0, 50.5)
STARTING = ArmNote("dense", 1)


@pytest.fixture
def run(tmp_path, recipe):
    return begin_run(tmp_path / "tiny", recipe)


def note_of(worker, *arms, written=None):
    return WorkerNote(worker, time.time() if written is None else written, 900.0, arms)


def content_of(run):
    (path,) = (run.path / FOLDER).iterdir()
    return path, json.loads(path.read_text())


def test_a_note_is_read_as_it_was_written(run):
    later = time.time() + 100
    notes = [
        note_of("node7:4121", TRAINING, STARTING, written=later),
        note_of("node8:1 (job 5)", written=later),
    ]
    for note in reversed(notes):
        write_note(run, note)
    assert read_notes(run) == notes
    write_note(run, note_of("node7:4121", STARTING, written=later))
    assert read_notes(run)[0].arms == (STARTING,) and len(list((run.path / FOLDER).iterdir())) == 2


def test_of_two_clocks_the_later_one_counts(run):
    write_note(run, note_of("slow-clock:1", written=5.0))
    assert abs(read_notes(run)[0].written - time.time()) < 60


@pytest.mark.parametrize(
    "change",
    [
        {"worker": 7},
        {"worker": "two\nlines"},
        {"written": "now"},
        {"began": -1.0},
        {"arms": {}},
        {"arms": [{}]},
        *({"arms": [{**vars(TRAINING), name: value}]} for name, value in [
            ("arm", "../elsewhere"),
            ("seed", True),
            ("step", 1.5),
            ("start", None),
            ("test_acc", "0.5"),
            ("steps_per_second", -2.0),
        ]),
    ],
    ids=str,
)  # fmt: skip
def test_a_note_with_a_wrong_field_is_left_out(run, change):
    write_note(run, note_of("good:1", TRAINING))
    path, content = content_of(run)
    path.with_name("bad.json").write_text(json.dumps(content | change))
    assert [note.worker for note in read_notes(run)] == ["good:1"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"worker": "a:1"}', "[" * 100_000, "1" * 5000])
def test_a_half_written_note_is_left_out(run, text):
    write_note(run, note_of("good:1", TRAINING))
    path, _ = content_of(run)
    path.write_text(text)
    assert read_notes(run) == []


def test_fields_of_a_newer_version_are_left_out(run):
    write_note(run, note_of("good:1", TRAINING))
    path, content = content_of(run)
    content["arms"][0]["loss"] = 0.5
    path.write_text(json.dumps(content | {"gpu": "none"}))
    assert read_notes(run)[0].arms == (TRAINING,)


def test_the_folder_goes_with_its_last_note(run):
    for worker in ("a:1", "b:2"):
        write_note(run, note_of(worker, TRAINING))
    delete_note(run, "a:1")
    delete_note(run, "never:3")
    assert [note.worker for note in read_notes(run)] == ["b:2"]
    delete_note(run, "b:2")
    assert not (run.path / FOLDER).exists() and read_notes(run) == []


def test_ended_notes_are_those_of_finished_networks_and_very_old_ones(run):
    for arm, file in (("dense", "DONE"), ("random", "SKIPPED")):
        folder = run.arm(arm, 0).path
        folder.mkdir(parents=True)
        (folder / file).write_text("{}")
    write_note(run, note_of("ended:1", TRAINING, ArmNote("random", 0)))
    write_note(run, note_of("training:2", TRAINING, STARTING))
    write_note(run, note_of("gone:3", STARTING, written=0.0))
    past = time.time() - 2 * FORGOTTEN_SECONDS
    os.utime(next((run.path / FOLDER).glob("gone*")), (past, past))
    delete_ended_notes(run)
    assert [note.worker for note in read_notes(run)] == ["training:2"]


def test_a_note_is_no_part_of_a_run_that_is_handed_on(run):
    before = files_of_run(run.path)
    write_note(run, note_of("a:1", TRAINING))
    assert files_of_run(run.path) == before and RunDir(run.path).arms() == []


def test_a_run_without_its_folder_is_an_error_that_leaves_nothing(tmp_path):
    with pytest.raises(OSError, match="none"):
        write_note(RunDir(tmp_path / "none"), note_of("a:1"))
    assert not list(tmp_path.iterdir())


def test_a_worker_is_named_by_its_process_and_job(monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    assert this_worker().endswith(f":{os.getpid()}")
    monkeypatch.setenv("SLURM_JOB_ID", "88")
    assert this_worker().endswith(f":{os.getpid()} (job 88)")
