"""Parsl config for Slurm, as a start for what [cluster] does not say: whole nodes, by srun."""

from parsl.addresses import address_by_hostname
from parsl.config import Config
from parsl.executors import HighThroughputExecutor
from parsl.launchers import SrunLauncher
from parsl.providers import SlurmProvider


def config() -> Config:
    """Return a config of jobs of two whole nodes, 64 workers on each."""
    provider = SlurmProvider(
        partition="cpu",
        account="my_project",
        qos="normal",
        nodes_per_block=2,
        init_blocks=1,
        max_blocks=4,
        cores_per_node=64,
        exclusive=True,
        walltime="04:00:00",
        worker_init="module load python/3.12",
        launcher=SrunLauncher(overrides="--cpus-per-task=64"),
    )
    executor = HighThroughputExecutor(
        provider=provider, address=address_by_hostname(), max_workers_per_node=64, encrypted=True
    )
    return Config(executors=[executor], initialize_logging=False)
