"""Parsl config of a Slurm cluster, made of its settings."""

from __future__ import annotations

import ipaddress
import socket
import struct
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from training.execution.cluster.block_failures import BlockFailures
from training.execution.cluster.block_script import job_script
from training.execution.cluster.interchange_guard import guard
from training.execution.cluster.launch_commands import interchange_command, pool_command
from training.execution.cluster.settings import ClusterSettings
from training.schema.validation import ConfigError

if TYPE_CHECKING:
    from parsl import Config
    from parsl.providers import SlurmProvider

SIOCGIFADDR = 0x8915
"""Linux' request for the address of an interface."""
LABEL = "grokking-tickets"
"""Name of the executor, in the names of jobs and folders."""


def slurm_config(settings: ClusterSettings, folder: Path) -> Config:
    """Return the Parsl config of a cluster; it writes below a folder.

    Raises
    ------
    ConfigError
        If the settings' address is none of this machine.
    """
    from parsl import Config
    from parsl.executors import HighThroughputExecutor

    executor = HighThroughputExecutor(
        label=LABEL,
        provider=_provider(settings),
        address=own_address(settings.address),
        worker_port_range=settings.ports,
        launch_cmd=pool_command(),
        interchange_launch_cmd=interchange_command(),
        max_workers_per_node=settings.n_workers_per_node,
        cores_per_worker=settings.cores_per_node / settings.n_workers_per_node,
        available_accelerators=settings.gpus_per_node,
        heartbeat_period=settings.heartbeat_seconds,
        heartbeat_threshold=settings.lost_after_seconds,
        block_error_handler=BlockFailures(),
        encrypted=True,
    )
    guard(executor)
    return Config(
        executors=[executor],
        run_dir=str(folder),
        strategy="simple",
        strategy_period=min(5, settings.poll_seconds),
        retries=0,  # our scheduler puts a lost arm back
        initialize_logging=False,
    )


def _provider(settings: ClusterSettings) -> SlurmProvider:
    from parsl.launchers import SimpleLauncher, SrunLauncher
    from parsl.providers import SlurmProvider

    class PolledSlurm(SlurmProvider):
        """Slurm whose queue is looked at as often as the settings say."""

        @property
        def status_polling_interval(self) -> int:
            """Seconds between two looks."""
            return settings.poll_seconds

        def execute_wait(self, cmd: str, timeout: int | None = None) -> tuple[int, str, str]:
            """Run a command; a job that the queue has forgotten has ended, which is no failure."""
            code, out, error = super().execute_wait(cmd, timeout)
            is_forgotten = cmd.startswith("squeue") and "Invalid job id" in error
            return (0 if is_forgotten else code), out, error

    several = settings.nodes_per_block > 1
    minutes = settings.walltime_seconds // 60
    return PolledSlurm(
        partition=settings.partition,
        account=settings.account,
        walltime=f"{minutes // 60:02}:{minutes % 60:02}:00",
        nodes_per_block=settings.nodes_per_block,
        init_blocks=settings.blocks,
        max_blocks=settings.blocks,
        cores_per_node=settings.cores_per_node,
        gpus_per_node=settings.gpus_per_node or None,
        mem_per_node=settings.memory_per_node,
        exclusive=settings.exclusive,
        scheduler_options="\n".join(f"#SBATCH {option}" for option in settings.scheduler_options),
        worker_init=job_script(
            settings.setup, settings.walltime_seconds, settings.seconds_to_save, settings.cpu
        ),
        # `srun` gives a step one core unless told otherwise
        launcher=SrunLauncher(overrides=f"--cpus-per-task={settings.cores_per_node}")
        if several
        else SimpleLauncher(),
    )


def own_address(named: str | None) -> str:
    """Return the IP address of this machine that an address, an interface or the host name stands for.

    Raises
    ------
    ConfigError
        If this machine has no such address.
    """
    ours = _addresses()
    if named is not None:
        if named not in ours and named not in ours.values():
            known = ", ".join(sorted({*ours, *ours.values()}))
            raise ConfigError(f"cluster.address: expected one of this machine's ({known}), got {named!r}")
        return ours.get(named, named)
    try:
        address = socket.gethostbyname(socket.gethostname())
    except OSError:
        address = "127.0.0.1"
    if not ipaddress.ip_address(address).is_loopback:
        return address
    outward = [each for each in ours.values() if not ipaddress.ip_address(each).is_loopback]
    return outward[0] if outward else address  # some hosts give their own name a loopback address


def _addresses() -> dict[str, str]:
    """Return the IPv4 address of each network interface of this machine that has one."""
    import fcntl

    addresses: dict[str, str] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for _, name in socket.if_nameindex():
            with suppress(OSError):
                answer = fcntl.ioctl(asking.fileno(), SIOCGIFADDR, struct.pack("256s", name.encode()[:15]))
                addresses[name] = socket.inet_ntoa(answer[20:24])
    return addresses
