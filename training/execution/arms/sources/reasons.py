"""Reasons for which arms are skipped, in the words of their records."""

from __future__ import annotations


class NotTrained(Exception):
    """Reason why an arm cannot be trained as the recipe says."""


def source_not_trained(source: object) -> str:
    """Return the reason for skipping an arm whose source was skipped."""
    return f"its source {source} was not trained; its own note says why"


def no_checkpoint(network: object, step: int, ends: str, field: str) -> str:
    """Return the reason for skipping an arm without its checkpoint."""
    return f"{network} has no checkpoint at step {step}: {ends}; --set {field}=STEP names an earlier step"


def event_arm_not_trained(arm: object) -> str:
    """Return the reason for skipping an arm whose events read one that was skipped."""
    return f"its events read {arm}, which was not trained; its own note says why"
