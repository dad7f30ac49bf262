"""Inputs of a saved table: the run's config, its networks and the content of their files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.runs.atomic_files import RunErrors, file_hash, read_json, write_json
from training.runs.record_hashes import other_content
from training.runs.reduced_checkpoints import whole_digest, whole_digests

if TYPE_CHECKING:
    from training.inspection.run import Run
    from training.inspection.trained_network import Network
    from training.runs.arm_directory import ArmDir
    from training.runs.run_directory import RunDir

RECORD = "DONE"
"""Record of a finished network, which every analysis reads."""
HISTORY = ("start", "taken_from", "compatible_code", "files", "reduced", "seal")
"""Fields of a record that no table depends on: where it was trained; hashes are compared one by one."""
WORDS = ("about", "collection", "name", "note", "plugins", "seeds")
"""Fields of a config that no table depends on: networks are listed one by one."""
RESTORE = "put back the file as it was written, choose other networks with --arms, or train the arm anew"


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What a table was made of."""

    config: str
    """Hash of the run's config, without words."""
    files: Mapping[str, Mapping[str, str | None]]
    """By finished network, as "dense seed 0": SHA-256 of each file that was read, and of its record; None for
    a file that the network does not have."""
    unfinished: Mapping[str, str]
    """Reason by network that is not finished, and thus in no table."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Reason by finished network that lacks what the analysis needs."""

    @property
    def networks(self) -> list[str]:
        """Names of the networks in the table."""
        return [name for name in self.files if name not in self.left_out]


class FileHashes:
    """SHA-256 of a run's files, cached by size, time of change and inode.

    A file whose size, time and inode are those of the last look is not read again; after a copy, an unzip or
    a git checkout the content is hashed anew, so that equal content has an equal hash whatever its time.
    """

    def __init__(self, run: RunDir):
        self.run = run
        self.cache = run.path / "analyses" / "inputs.json"
        cached = None
        with suppress(ValueError):
            cached = read_json(self.cache)
        self._cached: dict[str, list[Any]] = cached if isinstance(cached, dict) else {}
        self._changed = False

    def of(self, path: Path) -> str | None:
        """Return the hash of a file below the run; None if there is none."""
        try:
            stat = path.stat()
        except FileNotFoundError:
            return None
        key, look = str(path.relative_to(self.run.path)), [stat.st_size, stat.st_mtime_ns, stat.st_ino]
        cached = self._cached.get(key)
        if isinstance(cached, list) and cached[:3] == look and len(cached) == 4:
            return str(cached[3])
        content = file_hash(path)
        self._cached[key] = [*look, content]
        self._changed = True
        return content

    def save(self) -> None:
        """Write the cache, if a file was hashed."""
        if self._changed:
            with suppress(OSError):  # a run on a read-only disk is hashed at every look
                write_json(self.cache, self._cached)
            self._changed = False


class RunInputs:
    """Inputs of a run's tables as they are now.

    Parameters
    ----------
    run : Run
        The run, opened for reading.
    """

    def __init__(self, run: Run):
        self.run = run
        self._hashes = FileHashes(run.files)

    @cached_property
    def _networks(self) -> tuple[dict[str, ArmDir], dict[str, str]]:
        """Finished networks by name, and the reasons of the others."""
        networks = self.run.networks_and_reasons()
        finished = {str(files): files for files, reason in networks if reason is None}
        return finished, {str(files): reason for files, reason in networks if reason is not None}

    def read(
        self, reads: Collection[str], networks: Iterable[Network], unfinished: Mapping[str, str]
    ) -> Inputs:
        """Return the inputs of a table of some networks, after checking their files.

        Parameters
        ----------
        reads : collection of str
            Names of the files of a network that are read.
        networks : iterable of Network
            Finished networks of the table.
        unfinished : mapping
            Reason by network that is not finished.

        Raises
        ------
        RunError
            If a file is not the one whose hash its network recorded when it was finished; a line per file.
        """
        files: dict[str, dict[str, str | None]] = {}
        refusals = []
        for network in (entry.files for entry in networks):
            recorded = recorded_hashes(network)
            files[str(network)] = {RECORD: _record_hash(network)}
            for name in reads:
                path = network.path / name
                content = files[str(network)][name] = self._hashes.of(path)
                if name in recorded and content != recorded[name]:
                    refusals.append(other_content(path, recorded[name], content, RESTORE))
        self._hashes.save()
        if refusals:
            raise RunErrors(refusals)
        return Inputs(config=self._config(), files=files, unfinished=dict(unfinished))

    def change(self, recorded: Inputs) -> str | None:
        """Return how a run differs from what a full table was made of; None if it does not.

        A file that is gone is no change: what was read of it stays true, and it may have been deleted to save
        space.
        """
        finished, unfinished = self._networks
        if added := [name for name in finished if name not in recorded.files]:
            return f"made before these networks were finished: {_few(added)}"
        if gone := [name for name in recorded.files if name not in finished]:
            return f"made with networks that are gone: {_few(gone)}"
        if dict(recorded.unfinished) != unfinished:
            return "made when other networks were unfinished"
        if recorded.config != self._config():
            return "made with another config"
        for name, hashes in recorded.files.items():
            for file, content in hashes.items():
                if content != self._hash_now(finished[name], file, content):
                    self._hashes.save()
                    return f"made from another {finished[name].path / file}"
        self._hashes.save()
        return None

    def _hash_now(self, network: ArmDir, file: str, otherwise: str | None) -> str | None:
        """Return the hash of a network's file, or the recorded one if it is gone.

        Of checkpoints that were reduced to the last it is the hash of all: what was read of them stays true.
        """
        if file == RECORD:
            return _record_hash(network)
        now, record = self._hashes.of(network.path / file), network.done() or {}
        return whole_digests(record).get(file, otherwise) if now is None else whole_digest(record, now)

    def _config(self) -> str:
        config = self.run.files.config() or {}
        return _json_hash({key: value for key, value in config.items() if key not in WORDS})


def recorded_hashes(network: ArmDir) -> Mapping[str, str]:
    """Return the SHA-256 of the files of a finished network, as its record has them.

    Empty for adopted weights and for networks of versions that recorded none.
    """
    return (network.done() or {}).get("files") or {}


def _record_hash(network: ArmDir) -> str | None:
    """Return the hash of what a network's record says of it; None without a record."""
    record = network.done()
    if record is None:
        return None
    return _json_hash({key: value for key, value in record.items() if key not in HISTORY})


def _json_hash(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _few(names: list[str], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
