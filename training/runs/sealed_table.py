"""Parquet files that hold their SHA-256 and that of files written with them.

The digest stands in the file's metadata, and is that of the file with zeros in its place. So a file is
checked by itself, wherever it is copied to, and any other reader of Parquet reads it as before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from training.runs.atomic_files import RunError, reading

ORIGIN = b"grokking_tickets"
"""Key of what made a table and of what, in its metadata (`analyses.tables.origin` writes it)."""
SEAL = b"grokking_tickets_sha256"
"""Key of a file's own digest in its metadata."""
FILES = b"grokking_tickets_files"
"""Key of the digests of files that were written with it, by name; every sealed file has it."""
BLANK = b"0" * 64
VALUE = SEAL + b"\x18\x40"
"""Key and begin of its value, a text of 64 bytes, as Parquet's footer stores them."""


def seal_metadata(files: Mapping[str, str] | None = None) -> dict[bytes, bytes]:
    """Return the metadata of a file that `sealed` will seal.

    Parameters
    ----------
    files : mapping, optional
        SHA-256 of files that are written with it, by name.
    """
    return {SEAL: BLANK, FILES: json.dumps(dict(files or {})).encode()}


def sealed(content: bytes) -> bytes:
    """Return a Parquet file's content with its digest in place of zeros."""
    place = _place_of_digest(content)
    assert place is not None, "its metadata has a seal"
    return content[:place] + hashlib.sha256(content).hexdigest().encode() + content[place + len(BLANK) :]


def is_intact(content: bytes) -> bool | None:
    """Return True if a file has its sealed content; None without a seal."""
    place = _place_of_digest(content)
    if place is None:
        return False if FILES in content else None
    digest = content[place : place + len(BLANK)]
    blank = content[:place] + BLANK + content[place + len(BLANK) :]
    return hashlib.sha256(blank).hexdigest().encode() == digest


def intact_content(path: Path, cure: str) -> bytes:
    """Return a file's content, refused if it is not the one that was sealed.

    Parameters
    ----------
    cure : str
        What to do about a damaged file.

    Raises
    ------
    RunError
        If the file is missing, or its content is another one.
    """
    with reading(path):
        content = path.read_bytes()
    if is_intact(content) is False:
        raise RunError(f"{path}: damaged: its content is not the one of its SHA-256; {cure}")
    return content


def files_written_with(path: Path) -> dict[str, str]:
    """Return the SHA-256 of the files that were written with a table, by name."""
    import pyarrow.parquet as pq

    with reading(path):
        metadata = pq.read_metadata(path).metadata or {}
        files = json.loads(metadata.get(FILES, b"{}"))
        return {str(name): str(digest) for name, digest in files.items()}


def _place_of_digest(content: bytes) -> int | None:
    at = content.rfind(VALUE)
    return None if at < 0 else at + len(VALUE)
