"""A worker process of a node: calls what its pool sends, one call at a time."""

from __future__ import annotations

import os
import pickle
import signal
import sys
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any


def serve(pipe: Connection, environment: Mapping[str, str]) -> None:
    """Call what comes through a pipe and send the results, until the pipe ends.

    Parameters
    ----------
    pipe : Connection
        To the pool. A call comes as its number and Parsl's bytes of it; the answer is Parsl's message.
    environment : mapping
        Variables of this worker, as the GPU that it may see.
    """
    os.environ |= environment
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver decides what Ctrl-C means
    while True:
        try:
            number, call = pickle.loads(pipe.recv_bytes())
        except (EOFError, OSError):
            return
        try:
            pipe.send_bytes(pickle.dumps(answer(number, call)))
        except OSError:
            return


def answer(number: int, call: bytes) -> dict[str, Any]:
    """Return the message about a call: its result, or what it raised."""
    from parsl.app.errors import RemoteExceptionWrapper
    from parsl.executors.execute_task import execute_task
    from parsl.serialize import serialize

    message: dict[str, Any] = {"type": "result", "task_id": number}
    try:
        return {**message, "result": serialize(execute_task(call), buffer_threshold=1_000_000)}
    except Exception:
        return {**message, "exception": serialize(RemoteExceptionWrapper(*sys.exc_info()))}
