"""Export of a run as one tar archive, plain or compressed, with a manifest."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

from training.runs.arm_directory import ArmDir
from training.runs.atomic_files import RunError, flush_folder
from training.runs.handover.manifest import CHECKPOINTS, MANIFEST, FileEntry, Manifest
from training.runs.handover.run_files import FINAL_STATES, files_of_run
from training.runs.handover.verified_run import verified_run
from training.runs.reduced_checkpoints import FILE, with_last_checkpoint
from training.runs.run_directory import RunDir
from training.schema.validation import ConfigError, is_file_name, names, require

SUFFIXES = (".tar", ".tar.gz", ".tgz")
LAST_ONLY = "last checkpoint only, as chosen for the archive"
NO_CHECKPOINTS = "left out, as chosen for the archive"
LEVEL = 6
"""Compression: more takes several times as long and saves little of weights."""
GONE = "missing in the run that was exported"


def export_archive(run: Path | str, to: Path | str, checkpoints: str = "all") -> Manifest:
    """Write a run as one archive, after verifying it (`training.export_run`)."""
    files, target = RunDir.open(run), Path(to)
    expected = f"a file's name that ends in {names(SUFFIXES)}"
    require(target.name.endswith(SUFFIXES) and target.stem != "", "--to", expected, str(to))
    require(checkpoints in CHECKPOINTS, "--checkpoints", f"one of {names(CHECKPOINTS)}", checkpoints)
    if target.exists():
        raise ConfigError(
            f"--to: expected a new file, and {target} exists; choose another name, or delete it"
        )
    if not target.parent.is_dir():
        raise ConfigError(f"--to: expected a file in a folder that exists, and {target.parent} does not")
    name = files.path.resolve().name
    require(is_file_name(name), "RUN", "a folder with a name that every system takes; rename it", name)
    with contextlib.ExitStack() as held:
        for network in files.arms():
            if network.has_state() and network.done() is None:
                held.enter_context(network.locked())
        plan = _Plan(files, name, checkpoints)
        _write(target, plan)
    return plan.manifest


@dataclass
class _Plan:
    """Content of an archive: every file as it is, or as it is written."""

    run: RunDir
    name: str
    checkpoints: str
    omitted: dict[str, str] = field(default_factory=dict)
    _last: tuple[str, int, dict[str, bytes]] = field(default=("", -1, {}))

    @cached_property
    def manifest(self) -> Manifest:
        """Manifest of the archive; verifies the run."""
        files = dict(verified_run(self.run).files)
        self.omitted |= files_of_run(self.run.path)[1]
        for network in self.run.arms():
            self._leave_out(network, files)
        return Manifest(
            run=self.name,
            made_by=f"grokking-tickets {version('grokking-tickets')}",
            checkpoints=self.checkpoints,
            files=files,
            omitted=self.omitted,
        )

    def _leave_out(self, network: ArmDir, files: dict[str, FileEntry]) -> None:
        """Change the entries of a network whose checkpoints do not all go along."""
        path = _path(self.run, network, FILE)
        record = network.done()
        if path not in files:
            if record is not None and FILE in record.get("files", {}):
                self.omitted[path] = GONE
            return
        if self.checkpoints == "all" or (record is None and network.has_state()):
            return
        if self.checkpoints == "none":
            del files[path]
            self.omitted[path] = NO_CHECKPOINTS
            for state in (_path(self.run, network, name) for name in FINAL_STATES):
                if state in files:
                    del files[state]
                    self.omitted[state] = NO_CHECKPOINTS
        elif len(network.steps()) > 1:
            self.omitted[path] = LAST_ONLY
            for name, content in self._reduced(network.arm, network.seed).items():
                files[_path(self.run, network, name)] = _entry(content)

    def opened(self, path: str) -> io.BufferedIOBase:
        """Return a file of the archive, opened for reading."""
        folder, _, name = path.rpartition("/")
        if self.omitted.get(f"{folder}/{FILE}") == LAST_ONLY and name in (FILE, "DONE"):
            _, arm, seed = folder.split("/")
            return io.BytesIO(self._reduced(arm, int(seed.removeprefix("seed_")))[name])
        return (self.run.path / path).open("rb")

    def _reduced(self, arm: str, seed: int) -> dict[str, bytes]:
        """Return the new files of a network; those of the last call are kept."""
        if self._last[:2] != (arm, seed):
            self._last = (arm, seed, with_last_checkpoint(self.run.arm(arm, seed)))
        return self._last[2]


def _write(target: Path, plan: _Plan) -> None:
    """Write an archive to a temporary file, then rename it."""
    from tqdm import tqdm

    manifest = plan.manifest
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with (
            _opened_for_writing(temporary, compressed=not target.name.endswith(".tar")) as archive,
            tqdm(total=manifest.size, unit="B", unit_scale=True, disable=None) as bar,
        ):
            _add(
                archive,
                f"{plan.name}/{MANIFEST}",
                io.BytesIO(content := manifest.file_content()),
                len(content),
            )
            for path, entry in sorted(manifest.files.items()):
                with plan.opened(path) as file:
                    reader = _Hashing(file)
                    with contextlib.suppress(EOFError):
                        _add(archive, f"{plan.name}/{path}", reader, entry.size)
                    if reader.digest.hexdigest() != entry.sha256 or file.read(1):
                        cure = "stop what writes to the run, and export again"
                        raise RunError(f"{plan.run.path / path}: changed during the export; {cure}")
                bar.update(entry.size)
        temporary.replace(target)
        flush_folder(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def _opened_for_writing(path: Path, compressed: bool) -> Iterator[tarfile.TarFile]:
    """Open an archive whose bytes depend on nothing but its content."""
    with path.open("xb") as file:
        packed = gzip.GzipFile("", "wb", LEVEL, file, mtime=0) if compressed else file
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
            yield archive
        if compressed:
            packed.close()
        file.flush()
        os.fsync(file.fileno())


class _Hashing:
    """File whose content is hashed as it is read."""

    def __init__(self, file: io.BufferedIOBase):
        self.file, self.digest = file, hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes."""
        content = self.file.read(size)
        if not content:
            raise EOFError
        self.digest.update(content)
        return content


def _add(archive: tarfile.TarFile, name: str, file: io.BufferedIOBase | _Hashing, size: int) -> None:
    """Add a plain file of the year 1970, of nobody."""
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o644
    archive.addfile(member, file)


def _entry(content: bytes) -> FileEntry:
    return FileEntry(size=len(content), sha256=hashlib.sha256(content).hexdigest())


def _path(run: RunDir, network: ArmDir, name: str) -> str:
    return (network.path / name).relative_to(run.path).as_posix()
