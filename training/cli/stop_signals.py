"""Signals that stop a command, collected for an orderly end."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

STOP_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""Ctrl-C, the system's request to end, and a closed terminal; Windows has no SIGHUP."""


@contextmanager
def stop_requests() -> Iterator[list[int]]:
    """Collect stop signals in a list instead of ending this process."""
    requests: list[int] = []
    old = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    ignored = {number for number in old if number != signal.SIGINT and old[number] == signal.SIG_IGN}
    for number in old.keys() - ignored:  # nohup ignores SIGHUP, and means it
        signal.signal(number, lambda received, _: requests.append(received))
    try:
        yield requests
    finally:
        for number in old.keys() - ignored:
            signal.signal(number, old[number])
