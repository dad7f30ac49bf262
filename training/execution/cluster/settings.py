"""Settings of a Slurm cluster: the `[cluster]` table of a TOML file."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from training.schema.plain_content import parse_toml
from training.schema.validation import ConfigError, build, require

SETTINGS_FILE = "cluster.toml"
"""File in the working directory that is read unless the variable names another."""
SETTINGS_VARIABLE = "GROKKING_TICKETS_CLUSTER"
"""Environment variable that names the settings' file."""
EXAMPLES = Path(__file__).parent / "examples"
"""Settings and Parsl configs to copy."""
WALLTIME = re.compile(r"(?:(\d+)-)?(\d+):([0-5]\d):([0-5]\d)")
"""Days-hours:minutes:seconds; the days may be missing."""

COUNTS = (
    *("blocks", "nodes_per_block", "cores_per_node", "workers_per_node", "memory_per_node"),
    *("seconds_to_save", "heartbeat_seconds", "lost_after_seconds", "poll_seconds"),
)
"""Settings that are whole numbers from 1."""
Capability = Literal["this machine's", "each its own", "default", "avx2", "avx512"]
"""What `cpu` may name."""


@dataclass(frozen=True, kw_only=True)
class ClusterSettings:
    """What is asked of Slurm, and how its jobs reach this machine."""

    partition: str | None = None
    """Partition; by default the cluster's own."""
    account: str | None = None
    """Account that is charged; by default the user's own."""
    walltime: str = "01:00:00"
    """Length of a job, as hours:minutes:seconds or days-hours:minutes:seconds, in whole minutes; arms that a
    job does not finish go on in the next."""
    blocks: int = 1
    """Jobs at a time, at most."""
    nodes_per_block: int = 1
    """Nodes of a job."""
    cores_per_node: int = 1
    """Cores asked for on each node."""
    gpus_per_node: int = 0
    """GPUs asked for on each node; with some, every worker has one to itself."""
    workers_per_node: int | None = None
    """Workers on a node; by default one per GPU, or one per core where there is none."""
    memory_per_node: int | None = None
    """Memory asked for on each node, in GB; by default the cluster's own."""
    exclusive: bool = False
    """Ask for nodes that no other job shares."""
    setup: tuple[str, ...] = ()
    """Lines of shell that a job runs first, as `module load cuda`."""
    scheduler_options: tuple[str, ...] = ()
    """More options of sbatch, each as `--qos=long`."""
    address: str | None = None
    """IP address or network interface (as "ib0") of this machine that jobs connect to, and the only one that
    is opened; by default the address of its host name. "127.0.0.1" keeps all on one machine."""
    ports: tuple[int, int] = (54000, 55000)
    """First and last port of `address` that may be opened; one is."""
    cpu: Capability = "this machine's"
    """Vector instructions that all workers use; with "each its own", results may differ in their bytes."""
    seconds_to_save: int = 60
    """Seconds before a job's end from which its workers save and start nothing more."""
    heartbeat_seconds: int = 10
    """Seconds between two signs of life of a node."""
    lost_after_seconds: int = 60
    """Seconds of silence after which a node counts as lost, and a node ends that hears nothing."""
    poll_seconds: int = 20
    """Seconds between two looks at the queue of jobs."""

    def __post_init__(self) -> None:
        for name in COUNTS:
            value = getattr(self, name)
            require(value is None or value >= 1, name, "a whole number from 1", value)
        require(self.gpus_per_node >= 0, "gpus_per_node", "a whole number from 0", self.gpus_per_node)
        one_each = not self.gpus_per_node or self.n_workers_per_node <= self.gpus_per_node
        expected = f"at most one worker per GPU, {self.gpus_per_node}"
        require(one_each, "workers_per_node", expected, self.workers_per_node)
        self._check_times()
        first, last = self.ports
        require(1024 <= first <= last <= 65535, "ports", "first and last in 1024 to 65535", list(self.ports))
        for name in ("partition", "account", "address"):
            value = getattr(self, name)
            require(value is None or bool(re.fullmatch(r"\S+", value)), name, "a name without spaces", value)
        for option in self.scheduler_options:
            is_option = option.startswith("-") and "\n" not in option
            require(is_option, "scheduler_options", "options of sbatch, as --qos=long", option)

    def _check_times(self) -> None:
        seconds = self.walltime_seconds
        expected = 'whole minutes, as "02:00:00" or "1-12:00:00"'
        require(seconds > 0 and seconds % 60 == 0, "walltime", expected, self.walltime)
        expected = f"less than the walltime of {self.walltime}"
        require(self.seconds_to_save < seconds, "seconds_to_save", expected, self.seconds_to_save)
        expected = f"more than two heartbeats of {self.heartbeat_seconds} s"
        is_longer = self.lost_after_seconds > 2 * self.heartbeat_seconds
        require(is_longer, "lost_after_seconds", expected, self.lost_after_seconds)

    @property
    def walltime_seconds(self) -> int:
        """Length of a job in seconds."""
        return walltime_seconds(self.walltime)

    @property
    def n_workers_per_node(self) -> int:
        """Workers on a node."""
        return self.workers_per_node or self.gpus_per_node or self.cores_per_node


def walltime_seconds(walltime: str) -> int:
    """Return a walltime in seconds; 0 if it is none."""
    if not (parts := WALLTIME.fullmatch(walltime)):
        return 0
    days, hours, minutes, seconds = (int(part or 0) for part in parts.groups())
    return ((24 * days + hours) * 60 + minutes) * 60 + seconds


def cluster_settings() -> ClusterSettings:
    """Return the settings of the file that the variable names, or of cluster.toml.

    Raises
    ------
    ConfigError
        If there is no such file, or it is invalid.
    """
    named = os.environ.get(SETTINGS_VARIABLE)
    path = Path(named or SETTINGS_FILE)
    if not path.is_file():
        cure = f"correct {SETTINGS_VARIABLE}" if named else f"set {SETTINGS_VARIABLE} to another's path"
        example = EXAMPLES / "slurm.toml"
        raise ConfigError(f"{path}: no file of the cluster's settings; copy {example} there, or {cure}")
    return read_settings(path)


def read_settings(path: Path) -> ClusterSettings:
    """Return the settings of a file's `[cluster]` table.

    Raises
    ------
    ConfigError
        If the file is no TOML, has another table, or a setting is invalid.
    """
    try:
        content: dict[str, Any] = parse_toml(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: expected TOML with a [cluster] table: {error}") from None
    others = [name for name in content if name != "cluster"]
    if others or "cluster" not in content:
        got = ", ".join(sorted(content)) or "nothing"
        raise ConfigError(f"{path}: expected one table, [cluster], got {got}")
    try:
        return build(ClusterSettings, content["cluster"], "cluster")
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
