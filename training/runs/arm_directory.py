"""Files of one arm with one seed: their formats, reading and writing.

Importable without torch. `run_directory` lists the files of a whole run.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from training.runs import atomic_files as files
from training.runs.atomic_files import RunError
from training.runs.checked_content import (
    check_identity,
    checked_done,
    checked_metrics,
    metrics_bytes,
    read_metrics,
)
from training.runs.file_lock import LOCK, locked
from training.runs.record_hashes import record_seal
from training.runs.saved_state import read_without_tensors, state_bytes, tensor_bytes

if TYPE_CHECKING:
    import pandas as pd


CONTENT = ("metrics.parquet", "checkpoints.safetensors", "mask.safetensors", "final_state.pt")
"""Files of a network whose hashes its record holds."""


class ArmDir:
    """Files of one arm with one seed."""

    STATUS_FILES = ("DONE", "SKIPPED", "state.pt", "checkpoints.safetensors")
    """Files by which an arm is finished, skipped, half trained or adopted: written last, deleted first."""

    def __init__(self, run: Path, arm: str, seed: int):
        self.arm, self.seed = arm, seed
        self.path = run / "arms" / arm / f"seed_{seed}"
        self._unflushed: list[Path] = []

    def __str__(self) -> str:
        return f"{self.arm} seed {self.seed}"

    @staticmethod
    def finished_files(has_mask: bool) -> tuple[str, ...]:
        """Return the names of a finished arm's files."""
        return (LOCK, "DONE", *(name for name in CONTENT if has_mask or name != "mask.safetensors"))

    # --- reading -------------------------------------------------------------------------------------

    def done(self) -> dict[str, Any] | None:
        """Return the record of a finished arm, None before."""
        path = self.path / "DONE"
        record = files.read_record(path, "hash", "config", "steps", "source")
        return None if record is None else checked_done(path, record)

    def skipped(self) -> dict[str, Any] | None:
        """Return the record of an untrained arm, with the reason."""
        record = files.read_record(self.path / "SKIPPED", "hash", "reason")
        if record is not None:
            files.check_fields(self.path / "SKIPPED", record, hash=str, reason=str)
            check_identity(self.path / "SKIPPED", record)
        return record

    def has_state(self) -> bool:
        """Return True if the arm is half trained."""
        return (self.path / "state.pt").exists()

    def is_begun(self) -> bool:
        """Return True if the arm is finished, skipped or half trained."""
        return any((self.path / name).exists() for name in ("DONE", "SKIPPED", "state.pt"))

    def is_trained(self) -> bool:
        """Return True if the arm is finished or half trained."""
        return (self.path / "DONE").exists() or self.has_state()

    def has_checkpoints(self) -> bool:
        """Return True if there are weights."""
        return (self.path / "checkpoints.safetensors").exists()

    def has_mask(self) -> bool:
        """Return True if there is a mask."""
        return (self.path / "mask.safetensors").exists()

    def metrics(self, *needed: str, measured: str | None = None) -> pd.DataFrame:
        """Return one row per evaluation, with losses, accuracies and norms.

        Columns: step, train_loss, test_loss, train_acc, test_acc, l1, l2.

        Parameters
        ----------
        needed : str
            Columns that must be there, beside `step`.
        measured : str, optional
            Column that must have a value in some row.

        Raises
        ------
        RunError
            If the file is damaged, or its content is refused by `checked_metrics`.
        """
        path = self.path / "metrics.parquet"
        with files.reading(path):
            table = read_metrics(path)
        return checked_metrics(path, table, needed, measured)

    def steps(self) -> np.ndarray:
        """Return the steps of the checkpoints, (T,)."""
        path = self.path / "checkpoints.safetensors"
        steps = self._tensors(path.name, only=["step"])["step"]
        if steps.ndim != 1 or steps.dtype.kind not in "iu" or not len(steps):
            raise RunError(f"{path}: damaged: expected 'step' to be a list of whole numbers")
        if steps[0] < 0 or not (np.diff(steps) > 0).all():
            raise RunError(f"{path}: damaged: expected steps from 0 that increase")
        return steps

    def checkpoints(self, *names: str, row: int | None = None) -> dict[str, np.ndarray]:
        """Return weights by name, (T, ...) over checkpoints, or of one alone; all without `names`."""
        tensors = self._tensors("checkpoints.safetensors", only=names, row=row)
        tensors.pop("step", None)
        return tensors

    def mask(self) -> dict[str, np.ndarray] | None:
        """Return the arm's mask by weight name, True = kept; None if dense."""
        if not self.has_mask():
            return None
        mask = self._tensors("mask.safetensors")
        for name, is_kept in mask.items():
            if is_kept.dtype.kind not in "biu" or not np.isin(is_kept, (0, 1)).all():
                raise RunError(f"{self.path / 'mask.safetensors'}: damaged: {name}: expected 0 and 1 alone")
        return {name: is_kept.astype(bool) for name, is_kept in mask.items()}

    def recorded_source(self) -> dict[str, Any] | None:
        """Return what a begun or finished arm records of its source: arm, seed and step; None if nothing."""
        record = self.done()
        if record is None and self.has_state():
            record = self.state_record()
        source = (record or {}).get("source")
        return source if isinstance(source, dict) and "step" in source else None

    def has_final_state(self) -> bool:
        """Return True if a finished arm can be trained on."""
        return (self.path / "final_state.pt").exists()

    def state(self) -> dict[str, Any]:
        """Return the state that training resumes from."""
        return self._state("state.pt")

    def final_state(self) -> dict[str, Any]:
        """Return the state in which a finished arm ended."""
        return self._state("final_state.pt")

    def _state(self, name: str) -> dict[str, Any]:
        import torch

        path = self.path / name
        with files.reading(path):
            files.check_archive(path)
            state = torch.load(path, weights_only=True)
        if not isinstance(state, dict):
            raise RunError(f"{path}: damaged: expected a table of fields")
        files.check_fields(path, state, step=int)
        check_identity(path, state)
        return state

    def state_step(self) -> int:
        """Return the step that training resumes from, without importing torch."""
        record = self.state_record()
        with files.reading(self.path / "state.pt"):
            return int(record["step"])

    def state_record(self) -> dict[str, Any]:
        """Return the plain values of the state: step, hash, code, platform and start.

        Torch is not imported and tensors are not read.
        """
        path = self.path / "state.pt"
        with files.reading(path):
            return read_without_tensors(path)

    def _tensors(self, file: str, only: Any = (), row: int | None = None) -> dict[str, np.ndarray]:
        from safetensors import safe_open

        path = self.path / file
        with files.reading(path), safe_open(path, framework="np") as tensors:
            read = tensors.get_tensor if row is None else (lambda name: tensors.get_slice(name)[row])
            return {name: read(name) for name in only or tensors.keys()}

    # --- writing -------------------------------------------------------------------------------------

    def locked(self) -> contextlib.AbstractContextManager[None]:
        """Hold the arm for this process, so no other trains it.

        Raises
        ------
        RunError
            If another process holds it.
        """
        return locked(self.path, refusal="another process is training this arm; wait for its end, or stop it")

    def write_metrics(self, columns: Mapping[str, np.ndarray]) -> None:
        """Replace the metrics."""
        self._write_content("metrics.parquet", metrics_bytes(columns))

    def write_checkpoints(self, steps: np.ndarray, weights: Mapping[str, np.ndarray]) -> None:
        """Replace the checkpoints.

        Parameters
        ----------
        steps : array
            (T,), ascending.
        weights : mapping
            By name, (T, ...) each.
        """
        self._write_content("checkpoints.safetensors", tensor_bytes({"step": steps, **weights}))

    def write_mask(self, mask: Mapping[str, np.ndarray]) -> None:
        """Replace the mask."""
        content = tensor_bytes({name: m.astype(np.uint8) for name, m in mask.items()})
        self._write_content("mask.safetensors", content)

    def write_final_state(self, state: Mapping[str, Any]) -> None:
        """Write the state in which an arm ends."""
        self._write_content("final_state.pt", state_bytes(state))

    def write_state(self, state: Mapping[str, Any]) -> None:
        """Replace the state, after the checkpoints and metrics that belong to it."""
        self._write_status("state.pt", state_bytes(state))
        (self.path / "SKIPPED").unlink(missing_ok=True)  # of other code

    def finish(self, record: Mapping[str, Any]) -> None:
        """Write DONE with the hashes of the arm's files, last, and drop the state."""
        self.rewrite_done({**record, "files": self.file_hashes()})
        self.tidy()

    def rewrite_done(self, record: Mapping[str, Any]) -> None:
        """Replace the record of a finished arm, sealed by its own SHA-256."""
        self._write_status("DONE", files.json_bytes({**record, "seal": record_seal(record)}))

    def unfinish(self) -> None:
        """Delete DONE, after the state from which the arm goes on was written."""
        (self.path / "DONE").unlink(missing_ok=True)

    def file_hashes(self) -> dict[str, str]:
        """Return the SHA-256 of metrics, checkpoints, mask and final state, by the file's name."""
        paths = [self.path / name for name in CONTENT]
        return {path.name: files.file_hash(path) for path in paths if path.exists()}

    def take_over(self, other: ArmDir, record: Mapping[str, Any]) -> None:
        """Take another run's finished arm as this one, its record as DONE, last."""
        for name in CONTENT:
            if (other.path / name).exists():
                files.share(other.path / name, self.path / name)
        self.finish(record)

    def tidy(self) -> None:
        """Delete files that a finished arm does not need, left by a process killed right after DONE."""
        (self.path / "SKIPPED").unlink(missing_ok=True)
        (self.path / "state.pt").unlink(missing_ok=True)

    def skip(self, record: Mapping[str, Any]) -> None:
        """Write SKIPPED, with the reason why this arm was not trained."""
        files.write_json(self.path / "SKIPPED", record)
        (self.path / "state.pt").unlink(missing_ok=True)

    def clear(self) -> None:
        """Delete everything of this arm but its lock, DONE first."""
        self.keep_only()

    def keep_only(self, *names: str) -> None:
        """Delete all files but these and the lock, DONE first."""
        for file in [*map(self.path.joinpath, self.STATUS_FILES), *self.path.glob("*")]:
            if file.name not in (LOCK, *names):
                file.unlink(missing_ok=True)

    def flush(self) -> None:
        """Write all files that were written so far to disk, and their names."""
        files.flush_files(self._unflushed)
        self._unflushed.clear()
        files.flush_folder(self.path)

    def _write_content(self, name: str, content: bytes) -> None:
        """Replace a file that counts once a status file says so, or `flush` was called."""
        path = self.path / name
        is_new = not path.exists()  # so that no status file speaks of it yet
        files.write_bytes(path, content, flush="nothing" if is_new else "content")
        self._unflushed += [path] if is_new else []

    def _write_status(self, name: str, content: bytes) -> None:
        """Replace a status file, once all that it speaks of is on disk."""
        self.path.mkdir(parents=True, exist_ok=True)
        self.flush()
        files.write_bytes(self.path / name, content)
