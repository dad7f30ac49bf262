"""Clusters that `--executor` names: of the Slurm settings, or of a user's Python file."""

from __future__ import annotations

import importlib.util
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.execution.cluster.settings import cluster_settings
from training.execution.cluster.slurm_blocks import slurm_config
from training.execution.cluster.user_config import user_config
from training.schema.validation import ConfigError

if TYPE_CHECKING:
    from parsl import Config
    from parsl.executors import HighThroughputExecutor

SLURM = "slurm"
"""Executor that is built from the settings' file."""


@dataclass(frozen=True)
class Cluster:
    """A Parsl config with one executor, and what it offers."""

    name: str
    """"slurm", or the path of the config's file."""
    config: Config
    """Config with one HighThroughputExecutor; it writes below the folder that was given."""
    n_workers: int
    """Most workers at a time."""
    is_gpu: bool
    """Whether each worker has a GPU."""

    @property
    def executor(self) -> HighThroughputExecutor:
        """The config's one executor."""
        executor: Any = self.config.executors[0]
        return executor


def cluster_of(executor: str, folder: Path) -> Cluster:
    """Return the cluster that an executor's name or file describes; nothing is started.

    Parameters
    ----------
    executor : str
        "slurm", or the path of a Python file that defines `config`: a `parsl.Config` or a function that
        returns one.
    folder : Path
        Folder of what Parsl writes; workers have to see it.

    Raises
    ------
    ConfigError
        If Parsl or Slurm is missing, or the settings or the file are invalid.
    """
    if importlib.util.find_spec("parsl") is None:
        raise ConfigError(
            f"--executor {executor}: Parsl is not installed; pip install 'grokking-tickets[cluster]'"
        )
    if executor == SLURM:
        settings = cluster_settings()
        if shutil.which("sbatch") is None:
            raise ConfigError("--executor slurm: no sbatch on the PATH; is Slurm on this machine?")
        config = slurm_config(settings, folder.resolve())
    else:
        config = user_config(Path(executor), folder.resolve())
    htex: Any = config.executors[0]
    n_nodes = htex.provider.max_blocks * htex.provider.nodes_per_block
    return Cluster(executor, config, int(n_nodes * htex.workers_per_node), bool(htex.available_accelerators))
