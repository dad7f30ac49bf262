"""Notes of processes that train: which networks, at which step, how fast.

    <run>/.workers/<worker>.json    replaced every few seconds, deleted when its training ends

A note tells people how far a training is. Nothing depends on it: it is not flushed to disk, a damaged one is
skipped, and its name is hidden, so nothing that hands a run on takes it along. A killed process leaves its
note behind: what an old note says holds only while the network's lock is held.
"""

from __future__ import annotations

import json
import math
import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from training.runs.run_directory import RunDir
from training.schema.plain_content import parse_json
from training.schema.validation import is_file_name

FOLDER = ".workers"
"""Folder of a run that holds the notes."""
FORGOTTEN_SECONDS = 3600.0
"""Age of a note that another process left behind, from which it is deleted."""
LONGEST_NAME = 200
"""Characters of a name in a note."""


@dataclass(frozen=True)
class ArmNote:
    """One network that a worker trains, as last evaluated.

    Times are in seconds since the epoch, on the worker's clock.
    """

    arm: str
    seed: int
    start: str = ""
    """Id of the start that trains it, as in provenance.json."""
    step: int | None = None
    """None before the first evaluation."""
    test_acc: float | None = None
    """None if it was not measured."""
    began: float = 0.0
    """When the worker took the network."""
    steps_per_second: float | None = None
    """Between the first evaluation here and the last one."""


@dataclass(frozen=True)
class WorkerNote:
    """What one process trains now. Times are those of `ArmNote`."""

    worker: str
    """Host and process id, as "node7:4121", and the Slurm job if there is one."""
    written: float
    began: float
    """When the process began."""
    arms: tuple[ArmNote, ...] = ()


def this_worker() -> str:
    """Return the name of this process: unique among those that train now, on all machines."""
    job = os.environ.get("SLURM_JOB_ID")
    return f"{socket.gethostname()}:{os.getpid()}" + (f" (job {job})" if job else "")


def write_note(run: RunDir, note: WorkerNote) -> None:
    """Replace a worker's note in one step.

    Raises
    ------
    OSError
        If it cannot be written. No temporary file is left.
    """
    path = _path(run, note.worker)
    path.parent.mkdir(exist_ok=True)
    temporary = path.with_suffix(".tmp")
    try:
        temporary.write_text(json.dumps(asdict(note)))
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def read_notes(run: RunDir) -> list[WorkerNote]:
    """Return the notes of all workers, by name; damaged ones are left out.

    `written` is the later one of the worker's clock and of the file's time: clocks of machines differ.
    """
    notes = [note for _, note in _notes_of(run)]
    return sorted(notes, key=lambda note: note.worker)


def delete_note(run: RunDir, worker: str) -> None:
    """Delete a worker's note, and the folder with the last one."""
    with suppress(OSError):
        _path(run, worker).unlink()
    _drop_empty_folder(run)


def delete_ended_notes(run: RunDir) -> None:
    """Delete the notes whose networks are all finished or skipped, and those of workers long gone."""
    for path, note in _notes_of(run):
        files = [run.arm(arm.arm, arm.seed).path for arm in note.arms]
        has_ended = all((path / "DONE").exists() or (path / "SKIPPED").exists() for path in files)
        if has_ended or time.time() - note.written > FORGOTTEN_SECONDS:
            with suppress(OSError):
                path.unlink()
    _drop_empty_folder(run)


def _path(run: RunDir, worker: str) -> Path:
    return run.path / FOLDER / f"{re.sub(r'[^A-Za-z0-9.-]+', '_', worker)}.json"


def _drop_empty_folder(run: RunDir) -> None:
    with suppress(OSError):  # not there, or of other workers
        (run.path / FOLDER).rmdir()


def _notes_of(run: RunDir) -> Iterator[tuple[Path, WorkerNote]]:
    for path in (run.path / FOLDER).glob("*.json"):
        with suppress(OSError, ValueError, RecursionError):  # deleted meanwhile, or damaged
            written = path.stat().st_mtime
            note = _note_from(parse_json(path.read_text()))
            yield path, WorkerNote(note.worker, max(note.written, written), note.began, note.arms)


def _note_from(content: Any) -> WorkerNote:
    """Return a note of a file's content.

    Raises
    ------
    ValueError
        If a field is missing or has another type than it is written with.
    """
    table = _fields(content, WorkerNote)
    arms = table["arms"]
    if not (_is_name(table["worker"]) and isinstance(arms, list)):
        raise ValueError
    arm_notes = tuple(map(_arm_from, arms))
    return WorkerNote(table["worker"], _number(table["written"]), _number(table["began"]), arm_notes)


def _arm_from(content: Any) -> ArmNote:
    table = _fields(content, ArmNote)
    is_step = table["step"] is None or _is_whole(table["step"])
    is_network = is_file_name(table["arm"]) and _is_whole(table["seed"])
    if not (is_network and is_step and isinstance(table["start"], str)):
        raise ValueError
    for name in ("began", "test_acc", "steps_per_second"):
        if table[name] is not None or name == "began":
            table[name] = _number(table[name])
    return ArmNote(**table)


def _fields(content: Any, kind: type) -> dict[str, Any]:
    """Return a table that has a class's fields, and no others: those of a newer version are left out."""
    names = [field.name for field in fields(kind)]
    if not (isinstance(content, dict) and all(name in content for name in names)):
        raise ValueError
    return {name: content[name] for name in names}


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable() and 0 < len(value) <= LONGEST_NAME


def _is_whole(value: Any) -> bool:
    return type(value) is int and value >= 0


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value) or value < 0:
        raise ValueError
    return float(value)
