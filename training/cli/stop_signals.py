"""Signals that stop a command, collected for an orderly end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

STOP_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""Ctrl-C, the system's request to end, and a closed terminal; Windows has no SIGHUP."""


@contextmanager
def stop_requests() -> Iterator[list[int]]:
    """Collect stop signals in a list instead of ending this process.

    Outside the main thread, which alone receives signals, the list stays empty.
    """
    requests: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield requests
        return
    old = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    ignored = {number for number in old if number != signal.SIGINT and old[number] == signal.SIG_IGN}
    for number in old.keys() - ignored:  # nohup ignores SIGHUP, and means it
        signal.signal(number, lambda received, _: requests.append(received))
    try:
        yield requests
    finally:
        for number in old.keys() - ignored:
            signal.signal(number, old[number])
