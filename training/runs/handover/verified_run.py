"""Verification of a run's files against every hash that the run holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from training.config.arm_config import identity_hash
from training.config.build_recipe import MADE_FROM, RESOLVED, recipe_content, recipe_from_dict
from training.config.plugin_use import without_unknown_arms
from training.inspection.run import Run
from training.inspection.trained_network import Network
from training.runs.arm_directory import ArmDir
from training.runs.atomic_files import RunError, RunErrors, check_archive, file_hash, reading
from training.runs.handover.manifest import MANIFEST, FileEntry, read_manifest
from training.runs.handover.run_files import NETWORK_FILES, files_of_run
from training.runs.handover.tables_of_run import table_refusals, tables_made_of_other_files
from training.runs.record_hashes import other_content, record_seal
from training.runs.replaced_arms import replaced_arms
from training.runs.run_directory import RunDir
from training.schema.plain_content import parse_toml
from training.schema.validation import ConfigError, config_hash, differences

RESTORE = "restore the file from a copy, or train the arm anew with --force-arms"


@dataclass(frozen=True)
class Verification:
    """Result for a run or an archive without damage."""

    path: Path
    n_networks: int
    """Networks whose files were compared."""
    n_tables: int
    files: Mapping[str, FileEntry]
    """Size and SHA-256 of every file of the run, by its path below the folder."""
    notes: tuple[str, ...]
    """What could not be compared, and why; a line each."""

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.files.values())


def verified_run(run: RunDir) -> Verification:
    """Return the hashes of a run's files, compared with all recorded ones.

    Every file is read; no cache is trusted.

    Raises
    ------
    RunErrors
        If files are damaged, missing, foreign or do not fit together; a line for each, which names the file.
    """
    look = _Look(run)
    look.check()
    if look.refusals:
        raise RunErrors(look.refusals)
    return Verification(run.path, look.n_networks, look.n_tables, look.files, tuple(look.notes))


@dataclass
class _Look:
    """Files of a run, and what was seen of them."""

    run: RunDir
    refusals: list[RunError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    files: dict[str, FileEntry] = field(default_factory=dict)
    n_networks: int = 0
    n_tables: int = 0

    def check(self) -> None:
        """Hash every file, then compare."""
        for name in files_of_run(self.run.path)[0]:
            with self.collected():
                path = self.run.path / name
                self.files[name] = FileEntry(size=path.stat().st_size, sha256=file_hash(path))
        for check in (self._check_recipe, self._check_networks, self._check_tables, self._check_manifest):
            with self.collected():
                check()

    @contextmanager
    def collected(self) -> Iterator[None]:
        """Note errors about a file, and go on."""
        try:
            yield
        except RunError as error:
            self.refusals.append(error)
        except OSError as error:
            self.refusals.append(RunError(f"{error.filename or self.run.path}: {error.strerror or error}"))

    @cached_property
    def omitted(self) -> Mapping[str, str]:
        """Reasons of files that the archive of an imported run left out, by path."""
        manifest = read_manifest(self.run.path)
        return {} if manifest is None else manifest.omitted

    def _check_recipe(self) -> None:
        """Compare config.json with recipe.toml, and open the run."""
        self.opened: Run | None = None
        config = self.run.config() or {}
        self.run.provenance()
        try:
            self.opened = Run(self.run)
        except RunError:
            readable, unknown = without_unknown_arms(config)
            if not unknown or readable["arms"]:
                raise
            self.notes.append(f"{self.run.path}: settings are not compared: a plug-in is missing")
            return
        path = self.run.path / "recipe.toml"
        if self.opened.unknown_arms or not self.run.recipe_text().startswith(RESOLVED):
            return
        with reading(path):
            content = parse_toml(path.read_text())
        content.pop(MADE_FROM, None)
        try:
            written = recipe_content(recipe_from_dict({**content, "plugins": []}))
        except ConfigError as error:
            raise RunError(f"{path}: damaged: {error}; restore it from a copy") from None
        expected = recipe_content(self.opened.recipe)
        if fields := differences(expected, written):
            raise RunError(f"{path}: expected the settings of config.json, got others ({'; '.join(fields)})")

    def _check_networks(self) -> None:
        for files in self.run.arms():
            before = len(self.refusals)
            self._check_network(files)
            if len(self.refusals) == before:
                self._check_content(files)
        for moved in replaced_arms(self.run):
            files = self.run.arm(moved.arm, moved.seed)
            files.path = moved.path
            self._check_network(files)

    def _check_network(self, files: ArmDir) -> None:
        """Compare the files of a network with the hashes in its record."""
        with self.collected():
            files.skipped()
            record = files.done()
            if record is None:
                if files.has_state():
                    with reading(files.path / "state.pt"):
                        check_archive(files.path / "state.pt")
                    self.notes.append(f"{files.path}: half trained: no hashes are recorded yet")
                return
            self.n_networks += 1
            path = files.path / "DONE"
            if record.get("seal", seal := record_seal(record)) != seal:
                raise RunError(f"{path}: damaged: its content is not the one of its SHA-256; {RESTORE}")
            is_named = (record["config"].get("arm"), record["config"].get("seed")) == (files.arm, files.seed)
            if not _is_of_its_config(record) or not is_named:
                raise RunError(f"{path}: damaged: its config is not that of its hash and folder; {RESTORE}")
            if not record.get("files"):
                self.notes.append(f"{files.path}: of a version that recorded no hashes")
            self._check_files(files, record.get("files") or {})

    def _check_files(self, files: ArmDir, recorded: Mapping[str, str]) -> None:
        """Note each file of a network that is not the recorded one."""
        for name, digest in recorded.items():
            path = files.path / name
            place = path.relative_to(self.run.path).as_posix()
            reason, entry = self.omitted.get(place), self.files.get(place)
            got = entry.sha256 if entry else file_hash(path) if path.exists() else None  # of a replaced one
            if got is None and reason is not None:
                self.notes.append(f"{path}: {reason}")
            elif got != digest:
                self.refusals.append(other_content(path, digest, got, RESTORE))
        for path in (files.path / name for name in NETWORK_FILES if recorded and name not in recorded):
            if path.exists():
                self.refusals.append(
                    RunError(f"{path}: not recorded in DONE; train on, or move it elsewhere")
                )

    def _check_content(self, files: ArmDir) -> None:
        """Compare a network's weights, mask and curves with its recipe and each other."""
        if self.opened is None or files.arm not in self.opened.recipe.arms:
            return
        with self.collected():
            if self.opened.why_unreadable(files) is not None:
                return
            network, record = Network(files, self.opened.recipe), files.done() or {}
            last = {}
            if files.has_checkpoints():
                last["checkpoints.safetensors"] = int(network.steps[-1])
                network.weights()
                _ = network.mask
            if (files.path / "metrics.parquet").exists():
                metrics = network.metrics
                assert metrics is not None, "the file is there"
                last["metrics.parquet"] = int(metrics["step"].iloc[-1])
            for name, step in last.items():
                if (expected := record.get("steps", step)) != step:
                    what = f"expected its last step to be {expected}, as in DONE, got {step}"
                    raise RunError(f"{files.path / name}: {what}; {RESTORE}")

    def _check_tables(self) -> None:
        digests = {name: entry.sha256 for name, entry in self.files.items()}
        n_tables, refusals, notes = table_refusals(self.run, digests)
        self.n_tables = n_tables
        self.refusals += refusals
        self.notes += notes
        if not self.refusals:
            self.notes += tables_made_of_other_files(self.run, digests)

    def _check_manifest(self) -> None:
        """Compare networks that are as they were imported with the manifest of their archive."""
        manifest = read_manifest(self.run.path)
        if manifest is None:
            return
        changed = 0
        for name, entry in manifest.files.items():
            if (got := self.files.get(name)) == entry:
                continue
            record = f"{name.rpartition('/')[0]}/DONE"
            if name.startswith("arms/") and self.files.get(record) == manifest.files.get(record):
                state = "missing" if got is None else "damaged"
                path = self.run.path / name
                cure = f"import the archive again, or delete {MANIFEST} if the weights were adopted anew"
                self.refusals.append(RunError(f"{path}: {state}: not as recorded in {MANIFEST}; {cure}"))
            else:
                changed += 1
        if changed:
            path = self.run.path
            self.notes.append(f"{path}: {changed} files changed since it was imported, by its own commands")


def _is_of_its_config(record: Mapping[str, Any]) -> bool:
    """Return True if a record's hash is that of its config; older versions hashed all of it."""
    config = record["config"]
    try:
        return record["hash"] in (config_hash(config), identity_hash(config))
    except (KeyError, AttributeError, TypeError):  # no config of an arm
        return False
