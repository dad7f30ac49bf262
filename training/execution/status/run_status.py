"""Status of a run while it is trained: what each network is at, where, how fast, and what is left.

Only files are read. What a worker notes holds while its note is fresh or the network's lock is held: a
process id says nothing of another machine.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from training.execution.status.pace import Finished, Pace
from training.execution.status.starts import failures
from training.execution.status.states import NetworkStatus, RunStatus, State
from training.inspection.run import Run
from training.runs.arm_directory import ArmDir
from training.runs.atomic_files import RunError
from training.runs.file_lock import is_held
from training.runs.network_list import listed_networks
from training.runs.worker_notes import ArmNote, WorkerNote, read_notes
from training.schema.plain_content import one_line

FRESH_SECONDS = 5.0
"""Age up to which a note is believed as it is; an older one only while its network is held."""


def run_status(run: Run, now: float | None = None) -> RunStatus:
    """Return what every network of a run is at.

    One listing of the networks' folders; metrics and tensors are not read.

    Parameters
    ----------
    now : float, optional
        Seconds since the epoch; by default the clock's.
    """
    look = Look(run, time.time() if now is None else now)
    networks = [look.network(files) for files in look.listed()]
    live = look.live_notes(networks)
    workers = tuple(note.worker for note in live)
    if not live:
        return RunStatus(run.path, networks)
    pace = Pace(run.recipe, look.starts, live, networks, look.finished, look.now)
    return RunStatus(run.path, networks, workers, pace.networks_per_hour(), pace.seconds_left())


class Look:
    """What is on disk at one moment, beside the networks' own folders."""

    def __init__(self, run: Run, now: float):
        self.run, self.now = run, now
        self.starts = run.files.provenance() or []
        self.failures = failures(self.starts)
        self.notes = read_notes(run.files)
        self.finished: dict[str, Finished] = {}
        """By arm and seed, as "dense seed 0"."""
        self._noted: dict[tuple[str, int], tuple[WorkerNote, ArmNote]] = {}
        for note in sorted(self.notes, key=lambda note: note.written):
            for arm in note.arms:
                self._noted[arm.arm, arm.seed] = (note, arm)

    def listed(self) -> list[ArmDir]:
        """Return every network, those of arms that need a missing plug-in last."""
        seeds = self.run.recipe.seeds if self.run.trained_here else ()
        unknown = (
            listed_networks(self.run.files, self.run.unknown_arms, seeds) if self.run.unknown_arms else []
        )
        return [*self.run.arm_dirs(), *unknown]

    def network(self, files: ArmDir) -> NetworkStatus:
        """Return what one network is at."""
        if not self.run.trained_here:
            reason = "" if files.has_checkpoints() else "no checkpoints"
            return NetworkStatus(files.arm, files.seed, "damaged" if reason else "adopted", reason=reason)
        with suppress(RunError):
            return self._network(files)
        try:
            return self._network(files)  # a file that training has replaced or deleted meanwhile
        except RunError as error:
            return NetworkStatus(files.arm, files.seed, "damaged", reason=one_line(str(error)))

    def live_notes(self, networks: Sequence[NetworkStatus]) -> list[WorkerNote]:
        """Return the notes of processes that train now, or have just ended a network."""
        named = {network.worker for network in networks}
        return [n for n in self.notes if n.worker in named or self.now - n.written <= FRESH_SECONDS]

    def _network(self, files: ArmDir) -> NetworkStatus:
        arm, seed, present = files.arm, files.seed, _entries(files.path)
        most = self.run.recipe.arms[arm].max_steps if arm in self.run.recipe.arms else None
        if "DONE" in present and (record := files.done()) is not None:
            start = None if "taken_from" in record else record.get("start")
            self.finished[str(files)] = Finished(present["DONE"], start)
            return NetworkStatus(arm, seed, "done", record["steps"], most)
        if (noted := self._believed(files, present.get("SKIPPED", 0.0))) is not None:
            return _in_training(*noted, most)
        if "state.pt" not in present:
            return self._without_state(files, most)
        step = files.state_step()
        if is_held(files.path):
            return NetworkStatus(arm, seed, "training", step, most)
        failure = self.failures.get(str(files))
        return NetworkStatus(
            arm, seed, "stopped" if failure is None else "failed", step, most, reason=failure or ""
        )

    def _believed(self, files: ArmDir, skipped_at: float) -> tuple[WorkerNote, ArmNote] | None:
        """Return the note of the process that trains a network now; None if none does.

        A network that was skipped is trained again only if it was taken after that.
        """
        note, arm = self._noted.get((files.arm, files.seed), (None, None))
        if note is None or arm is None or arm.began < skipped_at:
            return None
        is_fresh = self.now - note.written <= FRESH_SECONDS
        return (note, arm) if is_fresh or is_held(files.path) else None

    def _without_state(self, files: ArmDir, most: int | None) -> NetworkStatus:
        """Return what a network is at that no process trains, and of which nothing is saved."""
        if (skipped := files.skipped()) is not None:
            return NetworkStatus(files.arm, files.seed, "not trained", None, most, reason=skipped["reason"])
        failure = self.failures.get(str(files))
        state: State = "waiting" if failure is None else "failed"
        return NetworkStatus(files.arm, files.seed, state, None, most, reason=failure or "")


def _in_training(note: WorkerNote, arm: ArmNote, most: int | None) -> NetworkStatus:
    rate, step = arm.steps_per_second, arm.step
    left = None
    if rate and step is not None and most is not None:
        left = max(most - step, 0) / rate
    return NetworkStatus(arm.arm, arm.seed, "training", step, most, arm.test_acc, note.worker, rate, left)


def _entries(folder: Path) -> dict[str, float]:
    """Return the time of change of a folder's files, by name; none without the folder."""
    present: dict[str, float] = {}
    with suppress(FileNotFoundError):
        for path in folder.iterdir():
            with suppress(FileNotFoundError):  # deleted meanwhile
                present[path.name] = path.stat().st_mtime
    return present
