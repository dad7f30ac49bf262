"""Names of weights and columns that the user gives, as OLD=NEW."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from training.adopt.state_dicts import Checkpoint
from training.runs.atomic_files import RunError
from training.schema.validation import names, require


def parsed_renames(texts: Sequence[str]) -> dict[str, str]:
    """Return new names by old ones, from texts OLD=NEW."""
    pairs = [text.partition("=") for text in texts]
    for old, _, new in pairs:
        require(bool(old and new), "--rename", "OLD=NEW", f"{old}={new}")
    return {old: new for old, _, new in pairs}


def check_all_used(
    renames: Mapping[str, str], checkpoints: Sequence[Checkpoint], columns: Iterable[str]
) -> None:
    """Raise a `ConfigError` about an old name that no weight and no column has."""
    there = {name for checkpoint in checkpoints for name in checkpoint.weights} | {*columns}
    for old in renames:
        expected = f"a name of a weight, or of a column of --metrics-file ({names(there)})"
        require(old in there, "--rename", expected, old)


def renamed_checkpoints(checkpoints: Sequence[Checkpoint], renames: Mapping[str, str]) -> list[Checkpoint]:
    """Return checkpoints whose weights have the user's new names."""
    renamed = []
    for checkpoint in checkpoints:
        weights = {renames.get(name, name): w for name, w in checkpoint.weights.items()}
        if len(weights) < len(checkpoint.weights):
            raise RunError(f"{checkpoint}: --rename: expected new names that no other weight has")
        renamed.append(dataclasses.replace(checkpoint, weights=weights))
    return renamed
