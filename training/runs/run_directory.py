"""Run directory: every path, and the files of the run itself.

Files of an arm are in `arm_directory`; nothing else knows paths or formats. Importable without torch.

    runs/<name>/
      config.json  recipe.toml   all settings of the run, twice
      recipe.given.toml          the text that a user gave last
      provenance.json
      arms/.replaced/            what --force has moved aside (`replaced_arms`)
      arms/<arm>/seed_<s>/
        metrics.parquet  checkpoints.safetensors  mask.safetensors
        state.pt         while the arm is training
        final_state.pt   of a finished arm: from it a larger budget trains on
        DONE             last; or SKIPPED, with the reason
      analyses/  figures/
      .workers/        notes of processes that train now (`worker_notes`); nothing depends on them

Every write is a temporary file, flushed to disk and renamed, so a file is either the old one or the new
one. An arm's checkpoints and metrics are written before its state, so a killed run never has fewer of them
than its state continues from; their folder is flushed before a status file (state.pt, DONE) is written, and
after it. The first files of an arm are flushed together, just before its first status file: until then it is
a new arm, whatever a power cut leaves of them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.runs import atomic_files as files
from training.runs.arm_directory import ArmDir
from training.runs.atomic_files import RunError
from training.runs.file_lock import locked
from training.schema.plain_content import shown
from training.schema.validation import is_file_name


class NoRunError(RunError):
    """Path that a user named as a run, and that holds none."""


class RunDir:
    """Run directory: its config, its arms, and paths of tables and figures."""

    def __init__(self, path: Path | str):
        self.path = Path(path)

    @classmethod
    def open(cls, path: Path | str) -> RunDir:
        """Return an existing run directory.

        Raises
        ------
        NoRunError
            If `path` does not exist, or holds no run.
        """
        run = cls(path)
        if not run.path.is_dir():
            found = "is a file" if run.path.exists() else "does not exist"
            raise NoRunError(f"expected a run directory, and {path} {found}")
        if run.config() is None:
            raise NoRunError(f"expected a run directory, and {path} has no config.json")
        return run

    def config(self) -> dict[str, Any] | None:
        """Return the resolved recipe; None before the first start."""
        return files.read_record(self.path / "config.json")

    def provenance(self) -> list[dict[str, Any]] | None:
        """Return an entry per start; None for adopted weights.

        An entry names commit, versions, device and arms.
        """
        path = self.path / "provenance.json"
        entries = files.read_json(path)
        if entries is None:
            return None
        if not (isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)):
            raise RunError(f"{path}: damaged: expected a list of starts, got {shown(entries)}")
        for entry in entries:
            files.check_fields(path, {"seconds": 0.0} | entry, seconds=float)
        return entries

    def seconds(self) -> float:
        """Return the wall time of all starts so far that ended in order."""
        return sum((entry.get("seconds", 0.0) for entry in self.provenance() or []), 0.0)

    def arm(self, arm: str, seed: int) -> ArmDir:
        """Return the files of one arm, which need not exist."""
        if not is_file_name(arm):
            raise RunError(f"{self.path}: expected an arm's name without folders, got {shown(arm)}")
        return ArmDir(self.path, arm, seed)

    def arms(self) -> list[ArmDir]:
        """Return every arm and seed that has a folder, sorted; none that was replaced."""
        networks = []
        for folder in sorted((self.path / "arms").glob("*/seed_*")):
            seed = folder.name.removeprefix("seed_")
            if seed.isdecimal() and not folder.parent.name.startswith("."):
                networks.append(ArmDir(self.path, folder.parent.name, int(seed)))
        return sorted(networks, key=lambda files: (files.arm, files.seed))

    def siblings(self) -> list[RunDir]:
        """Return the other runs in this run's folder."""
        folders = sorted(path.parent for path in self.path.parent.glob("*/config.json"))
        return [RunDir(folder) for folder in folders if folder.name != self.path.name]

    def locked(self) -> contextlib.AbstractContextManager[None]:
        """Hold the run's own files for this process; wait for another one."""
        return locked(self.path)

    def write_recipe(self, text: str, config: Mapping[str, Any], given: str = "") -> None:
        """Write config.json and recipe.toml, both resolved, and the user's text if there is one.

        The config is first: a folder with one is a run.
        """
        self.write_config(config)
        files.write_bytes(self.path / "recipe.toml", text.encode())
        if given:
            files.write_bytes(self.path / "recipe.given.toml", given.encode())

    def recipe_text(self) -> str:
        """Return the text of recipe.toml; empty without one."""
        path = self.path / "recipe.toml"
        return path.read_text(errors="replace") if path.exists() else ""

    def write_config(self, config: Mapping[str, Any]) -> None:
        """Write config.json alone, for adopted weights without a recipe."""
        files.write_json(self.path / "config.json", config)

    def add_provenance(self, entry: Mapping[str, Any]) -> int:
        """Append one start to provenance.json, and return its index."""
        entries = [*(self.provenance() or []), entry]
        files.write_json(self.path / "provenance.json", entries)
        return len(entries) - 1

    def add_to_provenance(self, place: int, more: Mapping[str, Any]) -> None:
        """Add values to the entry of a start."""
        entries = self.provenance() or []
        entries[place] |= more
        files.write_json(self.path / "provenance.json", entries)

    def analysis(self, name: str, suffix: str) -> Path:
        """Return the path of an analysis' table or summary."""
        return self._in_folder("analyses", f"{name}{suffix}")

    def figure(self, name: str, suffix: str) -> Path:
        """Return the path of a figure of this run."""
        return self._in_folder("figures", f"{name}{suffix}")

    def _in_folder(self, folder: str, name: str) -> Path:
        """Return a file's path in a folder of this run, and nowhere else."""
        if not is_file_name(name):
            raise RunError(f"{self.path / folder}: expected a file's name without folders, got {shown(name)}")
        return self.path / folder / name
