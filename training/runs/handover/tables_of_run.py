"""Tables of a run, checked against their hashes and their inputs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from training.runs.arm_directory import ArmDir
from training.runs.atomic_files import RunError, reading
from training.runs.reduced_checkpoints import whole_digest
from training.runs.run_directory import RunDir
from training.runs.sealed_table import ORIGIN, files_written_with, is_intact

REMAKE = "measure again"


def table_refusals(run: RunDir, digests: Mapping[str, str]) -> tuple[int, list[RunError], list[str]]:
    """Return the number of tables, errors, and notes about tables without a hash.

    Parameters
    ----------
    digests : mapping
        SHA-256 of the run's files, by path below it.
    """
    tables, notes = list(_tables(run)), []
    refusals: dict[Path, RunError] = {}  # the first of each file
    for path in tables:
        try:
            with reading(path):
                intact = is_intact(path.read_bytes())
            if intact is None:
                notes.append(f"{path}: of a version that recorded no hash of tables")
                continue
            if not intact:
                raise RunError(f"{path}: damaged: its content is not the one of its SHA-256; {REMAKE}")
            for name, digest in files_written_with(path).items():
                other = path.with_name(name)
                got = digests.get(other.relative_to(run.path).as_posix())
                if got != digest:
                    state = "missing" if got is None else "damaged"
                    error = RunError(f"{other}: {state}: not as recorded in {path.name}; {REMAKE}")
                    refusals.setdefault(other, error)
        except RunError as error:
            refusals.setdefault(path, error)
    return len(tables), list(refusals.values()), notes


def tables_made_of_other_files(run: RunDir, digests: Mapping[str, str]) -> list[str]:
    """Return a note per table that was made of other content of a network."""
    notes = []
    present = {str(files): files for files in run.arms()}
    for path in _tables(run):
        for network, files in _inputs(path).items():
            for name, digest in files.items():
                now = _digest_now(run, present.get(network), name, digests)
                if digest is not None and now is not None and now != digest:
                    notes.append(f"{path}: stale: made of another {name} of {network}; {REMAKE}")
                    break
            else:
                continue
            break
    return notes


def _tables(run: RunDir) -> Iterator[Path]:
    """Yield the tables of a run, those made with arguments included."""
    yield from sorted(run.path.glob("analyses/*.parquet"))
    yield from sorted(run.path.glob("with_arguments/*/analyses/*.parquet"))


def _inputs(path: Path) -> Mapping[str, Mapping[str, str | None]]:
    """Return the SHA-256 of what a table was made of, by network and file."""
    import pyarrow.parquet as pq

    with reading(path):
        metadata = pq.read_metadata(path).metadata or {}
        origin = json.loads(metadata.get(ORIGIN, b"{}"))
        return (origin.get("inputs") or {}).get("files") or {}


def _digest_now(run: RunDir, files: ArmDir | None, name: str, digests: Mapping[str, str]) -> str | None:
    """Return the SHA-256 of a network's file; None without one."""
    if files is None or name == "DONE":
        return None
    digest = digests.get((files.path / name).relative_to(run.path).as_posix())
    return None if digest is None else whole_digest(files.done() or {}, digest)
