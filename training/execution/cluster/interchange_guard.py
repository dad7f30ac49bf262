"""What a driver does once Parsl's interchange is gone: every call fails, and no command waits for ever."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import Any

from training.runs.atomic_files import RunError

COMMAND_SECONDS = 60.0
"""Longest time for an answer of the interchange, which takes milliseconds."""
LOOK_SECONDS = 1.0
"""Time between two looks at its process."""


def guard(executor: Any) -> None:
    """Let a HighThroughputExecutor that has not started yet notice when its interchange dies.

    Parsl's own waits for ever then, for its calls and for the answers to its commands.
    """
    start = executor.start

    def start_guarded() -> None:
        start()
        client = executor.command_client
        client.run = partial(client.run, timeout_s=COMMAND_SECONDS)
        threading.Thread(target=_watch, args=(executor,), name="interchange-guard", daemon=True).start()

    executor.start = start_guarded


def _watch(executor: Any) -> None:
    """Wait for the end of the interchange; unless it is asked for, let every call fail."""
    while (code := executor.interchange_proc.poll()) is None:
        time.sleep(LOOK_SECONDS)
    if not executor._result_queue_thread_exit.is_set():
        error = RunError(f"Parsl's interchange ended with exit code {code}; run the command again to resume")
        executor.set_bad_state_and_fail_all(error)
