"""Networks that keep their last checkpoint only, as some archives hold them.

The record of such a network has the SHA-256 of its new file, and in `reduced`, by this one, that of the whole
file: tables that were made of all checkpoints stay current.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from training.runs.atomic_files import reading
from training.runs.record_hashes import record_seal

if TYPE_CHECKING:
    from training.runs.arm_directory import ArmDir

FILE = "checkpoints.safetensors"


def with_last_checkpoint(files: ArmDir) -> dict[str, bytes]:
    """Return the new files of a network with its last checkpoint alone, by name."""
    last, record = _last_checkpoint(files), files.done()
    if record is None:  # adopted weights
        return {FILE: last}
    digests = record.get("files") or files.file_hashes()
    digest = hashlib.sha256(last).hexdigest()
    reduced = {digest: whole_digest(record, digests[FILE])}
    content = {**record, "files": {**digests, FILE: digest}, "reduced": reduced}
    content["seal"] = record_seal(content)
    return {FILE: last, "DONE": (json.dumps(content, indent=2) + "\n").encode()}


def _last_checkpoint(files: ArmDir) -> bytes:
    """Return the content of a file with a network's last checkpoint."""
    from safetensors import safe_open
    from safetensors.numpy import save

    last = len(files.steps()) - 1
    with reading(files.path / FILE), safe_open(files.path / FILE, framework="np") as tensors:
        names = list(tensors.keys())
        return save({name: tensors.get_slice(name)[last : last + 1] for name in names})


def whole_digest(record: Mapping[str, Any], digest: str) -> str:
    """Return the SHA-256 of a network's whole file, by that of a reduced one."""
    return (record.get("reduced") or {}).get(digest, digest)


def whole_digests(record: Mapping[str, Any]) -> dict[str, str]:
    """Return the SHA-256 of a network's whole files, by name."""
    return {name: whole_digest(record, digest) for name, digest in (record.get("files") or {}).items()}
