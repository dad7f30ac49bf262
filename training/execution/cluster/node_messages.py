"""Messages of a node to Parsl's interchange."""

from __future__ import annotations

import math
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

from training.execution.cluster.block_script import UNTIL


def registration(uid: str, block: str, n_workers: int) -> dict[str, Any]:
    """Return the message by which a node joins: what it has, and when it has to end."""
    from parsl.version import VERSION

    until = os.environ.get(UNTIL)
    return {
        "type": "registration",
        "parsl_v": VERSION,
        "python_v": platform.python_version(),
        "packages": {},
        "worker_count": n_workers,
        "max_capacity": n_workers,
        "prefetch_capacity": 0,
        "uid": uid,
        "block_id": block,
        "start_time": time.time(),
        "drain_time": float(until) if until else math.inf,
        "os": platform.system(),
        "hostname": platform.node(),
        "dir": str(Path.cwd()),
        "cpu_count": os.cpu_count(),
        "total_memory": 0,
    }


def lost(number: int, rank: str) -> dict[str, Any]:
    """Return the message that a call's worker has died."""
    from parsl.app.errors import RemoteExceptionWrapper
    from parsl.executors.high_throughput.errors import WorkerLost
    from parsl.serialize import serialize

    try:
        raise WorkerLost(rank, platform.node())
    except WorkerLost:
        error = serialize(RemoteExceptionWrapper(*sys.exc_info()))
    return {"type": "result", "task_id": number, "exception": error}
