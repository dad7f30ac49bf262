"""Status of one arm in its directory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from training.config.arm_config import current_hash, identity_part
from training.runs.arm_directory import ArmDir
from training.runs.atomic_files import RunError
from training.schema.validation import differences

Status = Literal["done", "skipped", "half trained", "new"]


def arm_status(files: ArmDir, record: Mapping[str, Any]) -> Status:
    """Return the status of an arm: `done`, `skipped`, `half trained` or `new`.

    Parameters
    ----------
    record : mapping
        Hash and config of the arm as the recipe has it now. With `code`, the digest of its code, an arm that
        other code has skipped is not skipped: it is tried again.

    Raises
    ------
    RunError
        If the arm was finished with another config; the message lists the fields that differ.
    """
    done, skipped = files.done(), files.skipped()
    if done is not None:
        if done["hash"] != record["hash"] and current_hash(done) != record["hash"]:
            fields = "; ".join(_differences(done["config"], record["config"])) or "the hash alone"
            raise RunError(f"{files.path}: trained with another config ({fields}); --force trains it anew")
        return "done"
    if skipped is not None and skipped.get("hash") == record["hash"]:
        code = record.get("code")
        if code is None or skipped.get("code") == code:
            return "skipped"
    return "half trained" if files.has_state() else "new"


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return the fields in which two arm configs differ, and that decide weights."""
    try:
        return differences(identity_part(old), identity_part(new))
    except (KeyError, AttributeError):  # edited by hand
        return differences(old, new)
