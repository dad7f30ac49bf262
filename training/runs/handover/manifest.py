"""Manifest of an archive: files of a run, and what was left out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from training.runs.atomic_files import RunError, read_json
from training.schema.plain_content import parse_json, shown
from training.schema.validation import is_file_name

MANIFEST = "manifest.json"
"""Name of the manifest, in an archive and in an imported run."""
FORMAT = 1
"""Format of archives; another one is refused."""
CHECKPOINTS = ("all", "last", "none")
"""Checkpoints that an archive may hold of each network."""
ALSO = str.maketrans(",+", "--")
"""Characters of folders of tables made with arguments, beside those of every file name."""
LONGEST_PATH = 1000
"""Characters of a path in an archive at most."""


@dataclass(frozen=True, kw_only=True)
class FileEntry:
    """Size and SHA-256 of a file."""

    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Files of a handed-on run."""

    run: str
    """Name of the run."""
    made_by: str
    """Name and version of the package that wrote it."""
    checkpoints: str
    """One of `CHECKPOINTS`."""
    files: Mapping[str, FileEntry]
    """By path below the run's folder, with slashes."""
    omitted: Mapping[str, str]
    """Reason by path of a file that was left out, or handed on in part."""

    def content(self) -> dict[str, Any]:
        """Return it as nested plain values, sorted."""
        content = asdict(self)
        for name in ("files", "omitted"):
            content[name] = dict(sorted(content[name].items()))
        return {"format": FORMAT, **content}

    def file_content(self) -> bytes:
        """Return the bytes of its file."""
        return (json.dumps(self.content(), indent=1) + "\n").encode()

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.files.values())


def read_manifest(run: Path) -> Manifest | None:
    """Return the manifest of an imported run; None for another run.

    Raises
    ------
    RunError
        If it is damaged.
    """
    path = run / MANIFEST
    content = read_json(path)
    return None if content is None and not path.exists() else parsed_manifest(content, str(path))


def manifest_from_bytes(content: bytes, where: str) -> Manifest:
    """Return the manifest of an archive.

    Parameters
    ----------
    where : str
        Archive, for errors.

    Raises
    ------
    RunError
        If it is no manifest of this format; the field is named.
    """
    try:
        return parsed_manifest(parse_json(content.decode()), f"{where}: {MANIFEST}")
    except RunError:
        raise
    except ValueError as error:
        raise RunError(f"{where}: {MANIFEST}: damaged: expected JSON ({error}); ask for it again") from None


def parsed_manifest(content: Any, where: str) -> Manifest:
    """Return a manifest after checking every field of its plain content."""

    def check(is_right: bool, field: str, expected: str, got: Any) -> None:
        if not is_right:
            raise RunError(f"{where}: {field}: expected {expected}, got {shown(got)}; ask for it again")

    check(isinstance(content, Mapping), "manifest", "a table of fields", content)
    check(
        content.get("format") == FORMAT,
        "format",
        f"{FORMAT}, which this version reads",
        content.get("format"),
    )
    for field in ("run", "made_by", "checkpoints"):
        check(isinstance(content.get(field), str), field, "text", content.get(field))
    check(is_file_name(content["run"]), "run", "a folder's name", content["run"])
    check(content["checkpoints"] in CHECKPOINTS, "checkpoints", "all, last or none", content["checkpoints"])
    for field in ("files", "omitted"):
        check(isinstance(content.get(field), Mapping), field, "a table by path", content.get(field))
        for name in content[field]:
            check(is_path_in_run(name), field, "paths of a run's files", name)
    files = {}
    for name, entry in content["files"].items():
        is_table = isinstance(entry, Mapping) and entry.keys() == {"size", "sha256"}
        check(is_table, f"files.{name}", "size and sha256", entry)
        size, digest = entry["size"], entry["sha256"]
        check(type(size) is int and size >= 0, f"files.{name}.size", "a whole number from 0", size)
        is_digest = isinstance(digest, str) and re.fullmatch("[0-9a-f]{64}", digest) is not None
        check(is_digest, f"files.{name}.sha256", "64 hex digits", digest)
        files[name] = FileEntry(size=size, sha256=digest)
    for name, reason in content["omitted"].items():
        check(isinstance(reason, str), f"omitted.{name}", "text", reason)
    check("config.json" in files, "files", "config.json among them", sorted(files)[:3])
    fields = {name: content[name] for name in ("run", "made_by", "checkpoints")}
    return Manifest(files=files, omitted=dict(content["omitted"]), **fields)


def is_path_in_run(name: Any) -> bool:
    """Return True for a path that stays below a run's folder on every system.

    Examples
    --------
    >>> paths = ["arms/dense/seed_0/DONE", "../DONE", "/DONE", "a//b", "C:/x", "arms/.lock", "a\\\\b"]
    >>> [is_path_in_run(name) for name in paths]
    [True, False, False, False, False, False, False]
    """
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_PATH:
        return False
    return all(is_file_name(part.translate(ALSO)) for part in name.split("/"))
