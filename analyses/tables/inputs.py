"""Hashes of what an analysis reads of a run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from training.runs.atomic_files import file_hash, read_json, write_json
from training.runs.run_directory import ArmDir, RunDir

FILES = ("SKIPPED", "checkpoints.safetensors", "mask.safetensors", "metrics.parquet")
"""Files of a network that analyses read."""
WORDS = ("about", "collection", "note")
"""Fields of a config that no table depends on."""


class RunInputs:
    """Hashes of a run's files, remembered by size and time of change.

    A file whose size and time are those of the last look is not read again; after a copy, an unzip or a git
    checkout the content is hashed anew, so that equal content has an equal hash whatever its time.
    """

    def __init__(self, run: RunDir):
        self.run = run
        self.memory = run.path / "analyses" / "inputs.json"
        remembered = None
        with suppress(ValueError):
            remembered = read_json(self.memory)
        self._remembered: dict[str, list[object]] = remembered if isinstance(remembered, dict) else {}
        self._changed = False

    def digest(self, arms: Collection[str] | None = None) -> str:
        """Return the hash of the config and of every finished network's files.

        Parameters
        ----------
        arms : collection of str, optional
            Only these arms; all by default.
        """
        config = self.run.config() or {}
        parts = [
            json.dumps({key: value for key, value in config.items() if key not in WORDS}, sort_keys=True)
        ]
        for files in self.run.arms():
            if (arms is None or files.arm in arms) and _is_readable(files, self.run):
                parts += [
                    f"{files.arm} {files.seed} {name} {self._hash(files.path / name)}"
                    for name in FILES
                    if (files.path / name).exists()
                ]
        if self._changed:
            with suppress(OSError):  # a run on a read-only disk is hashed at every look
                write_json(self.memory, self._remembered)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def _hash(self, path: Path) -> str:
        stat = path.stat()
        key, look = str(path.relative_to(self.run.path)), [stat.st_size, stat.st_mtime_ns]
        remembered = self._remembered.get(key)
        if isinstance(remembered, list) and remembered[:2] == look and len(remembered) == 3:
            return str(remembered[2])
        content = file_hash(path)
        self._remembered[key] = [*look, content]
        self._changed = True
        return content


def _is_readable(files: ArmDir, run: RunDir) -> bool:
    """Return True for a network that is finished, skipped, or adopted from elsewhere."""
    done = (files.path / "DONE").exists() or (files.path / "SKIPPED").exists()
    return done or (files.has_checkpoints() and run.provenance() is None)
