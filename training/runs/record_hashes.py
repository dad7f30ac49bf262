"""Hashes that a network's record holds: of its files, and of the record itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.runs.atomic_files import RunError

UNSEALED = ("seal", "start", "taken_from")
"""Fields of a record that its seal does not cover."""


def record_seal(record: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a record without its seal and origin.

    A repeated training, and one that was taken over, has an equal seal.
    """
    content = {name: value for name, value in record.items() if name not in UNSEALED}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def other_content(path: Path, recorded: str, got: str | None, cure: str) -> RunError:
    """Return the error about a file whose SHA-256 is not the recorded one.

    Parameters
    ----------
    got : str, optional
        SHA-256 of the file; None for a missing one.
    cure : str
        What to do.
    """
    if got is None:
        return RunError(f"{path}: missing; {cure}")
    expected = f"expected the content of SHA-256 {recorded[:12]}…, recorded in DONE"
    return RunError(f"{path}: damaged: {expected}, got {got[:12]}…; {cure}")
