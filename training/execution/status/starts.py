"""Starts of a run, as provenance.json records them: what they were to train, what failed, when."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from training.schema.plain_content import one_line


def failures(starts: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the reason of every network that failed in the last start that was to train it.

    Parameters
    ----------
    starts : sequence of mapping
        Entries of provenance.json.
    """
    failed: dict[str, str] = {}
    for entry in starts:
        for name in names_of(entry.get("arms")):
            failed.pop(name, None)
        reasons = entry.get("failed")
        if isinstance(reasons, Mapping):
            failed |= {str(name): one_line(str(reason)) for name, reason in reasons.items()}
    return failed


def names_of(arms: Any) -> list[str]:
    """Return the networks that an entry lists, as "dense seed 0"; none if it is damaged."""
    return [name for name in arms if isinstance(name, str)] if isinstance(arms, list) else []


def begin_of(starts: Sequence[Mapping[str, Any]]) -> float | None:
    """Return when the first of some starts began; None if none says it."""
    times = []
    for entry in starts:
        with suppress(KeyError, TypeError, ValueError):
            times.append(datetime.datetime.fromisoformat(entry["started"]).timestamp())
    return min(times, default=None)
