"""Commands by which Parsl starts this project's processes in place of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

POOL = "training.execution.cluster.node_pool"
"""Module that serves a node's workers."""
INTERCHANGE = Path(__file__).with_name("interchange.py")
"""Script that connects the driver with the nodes; it imports nothing of ours."""


def pool_command() -> str:
    """Return the command of a node, which Parsl fills in.

    It takes the place of the job's shell, so that the scheduler's signals reach it. `python3` is the
    interpreter that the job's script put first on the PATH.
    """
    options = (
        "--addresses={addresses} --port={worker_port} --cert_dir={cert_dir} --block_id={{block_id}} "
        "--cores_per_worker={cores_per_worker} --mem_per_worker={mem_per_worker} {max_workers_per_node} "
        "--hb_period={heartbeat_period} --hb_threshold={heartbeat_threshold} "
        "--accelerators {accelerators}"
    )
    return f"exec python3 -m {POOL} {options}"


def interchange_command() -> list[str]:
    """Return the command of the interchange, which ends with this process."""
    return [sys.executable, "-P", str(INTERCHANGE), str(os.getpid())]
