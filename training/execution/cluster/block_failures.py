"""When a run gives up on its cluster: job after job ends before a worker of it connects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.runs.atomic_files import RunError
from training.schema.plain_content import one_line, shortened

if TYPE_CHECKING:
    from parsl.executors.status_handling import BlockProviderExecutor
    from parsl.jobs.states import JobStatus

LONGEST_CAUSE = 600
"""Characters of the last job's error that are shown."""


@dataclass(frozen=True)
class BlockFailures:
    """Parsl's `block_error_handler`: a job that was killed once it had worked is no failure."""

    at_first: int = 3
    """Jobs in a row before any worker ever connected: the settings are wrong."""
    later: int = 20
    """Jobs in a row after workers had connected: the cluster is."""

    def __call__(self, executor: BlockProviderExecutor, status: Mapping[str, JobStatus]) -> None:
        """Let every task fail, by a `RunError`, once too many jobs in a row have failed."""
        htex: Any = executor
        connected = set(htex.connected_blocks())
        failed = failures_in_a_row(status)
        if len(failed) < (self.later if connected else self.at_first):
            return
        if working := sum(block in connected and not each.terminal for block, each in status.items()):
            htex.provider.max_blocks = working  # no more jobs are asked for
            return
        htex.scale_in_facade(len(status))  # jobs that still wait in the queue
        htex.set_bad_state_and_fail_all(RunError(f"{len(failed)} jobs in a row ended {_cause(failed[-1])}"))


def failures_in_a_row(status: Mapping[str, JobStatus]) -> list[JobStatus]:
    """Return the last ended jobs of which no worker connected, back to one that worked."""
    from parsl.jobs.states import JobState

    failed: list[JobStatus] = []
    for block in sorted(status, key=int, reverse=True):
        each = status[block]
        if not each.terminal or each.state == JobState.SCALED_IN:
            continue
        if each.state != JobState.MISSING:
            break
        failed.insert(0, each)
    return failed


def _cause(status: JobStatus) -> str:
    """Return what is known of a job that failed, in one line."""
    ending = "before a worker connected"
    if status.stderr_path is None:  # it was not submitted
        return f"{ending}; the last: {shortened(one_line(status.message or 'unknown'), LONGEST_CAUSE)}"
    lines = [line for line in (status.stderr or "").splitlines() if line.strip()]
    said = f": {shortened(one_line(lines[-1]), LONGEST_CAUSE)}" if lines else ""
    return f"{ending}; the last one's output is in {Path(status.stderr_path)}{said}"
