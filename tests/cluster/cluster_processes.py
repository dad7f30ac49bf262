"""Processes of a run on a one-node Slurm, found in /proc, and the ports that they open."""

import contextlib
import os
import socket
from pathlib import Path

from processes import command_of, parent_of

LISTENING = "0A"
"""State of a listening socket in /proc/net/tcp."""


def processes_of(slurm):
    """Return the ids of all live processes whose commands go to a Slurm: drivers, jobs, and its daemons."""
    mine = f"SLURM_CONF={slurm.environment['SLURM_CONF']}".encode()
    found = set(slurm.pids().values())
    for path in Path("/proc").iterdir():
        if path.name.isdecimal() and parent_of(int(path.name)) is not None:
            with contextlib.suppress(OSError):
                if mine in (path / "environ").read_bytes().split(b"\0"):
                    found.add(int(path.name))
    return found - {os.getpid()}


def pools_of(slurm):
    """Return the ids of the processes that serve a node's workers."""
    return {pid for pid in processes_of(slurm) if b"cluster.node_pool" in command_of(pid)}


def workers_of_jobs(slurm):
    """Return the ids of the workers in a Slurm's jobs."""
    pools = pools_of(slurm)
    return sorted(
        pid for pid in processes_of(slurm) if parent_of(pid) in pools and b"spawn_main" in command_of(pid)
    )


def open_addresses(pids):
    """Return the addresses on which processes listen, as (address, process id)."""
    owners = {}
    for pid in pids:
        with contextlib.suppress(OSError):
            for link in Path(f"/proc/{pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    if (target := str(link.readlink())).startswith("socket:["):
                        owners[target[8:-1]] = pid
    found = set()
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        path = Path(f"/proc/net/{table}")
        for line in path.read_text().splitlines()[1:] if path.exists() else []:
            _, local, _, state, *_, inode = line.split()[:10]
            if state == LISTENING and inode in owners:
                found.add((_address(local.partition(":")[0], family), owners[inode]))
    return found


def _address(text, family):
    """Return an address of /proc/net, words of which are in the machine's order."""
    words = [bytes.fromhex(text[i : i + 8])[::-1] for i in range(0, len(text), 8)]
    return socket.inet_ntop(family, b"".join(words)).removeprefix("::ffff:")
