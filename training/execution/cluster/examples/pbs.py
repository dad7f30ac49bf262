"""Parsl config for PBS Pro: nodes of 4 GPUs, a worker on each."""

from parsl.addresses import address_by_hostname
from parsl.config import Config
from parsl.executors import HighThroughputExecutor
from parsl.launchers import SimpleLauncher
from parsl.providers import PBSProProvider


def config() -> Config:
    """Return a config of jobs of one node with 4 GPUs."""
    provider = PBSProProvider(
        queue="gpu",
        account="my_project",
        select_options="ngpus=4",
        cpus_per_node=16,
        nodes_per_block=1,
        init_blocks=1,
        max_blocks=2,
        walltime="04:00:00",
        worker_init="module load cuda",
        launcher=SimpleLauncher(),
    )
    executor = HighThroughputExecutor(
        provider=provider, address=address_by_hostname(), available_accelerators=4, encrypted=True
    )
    return Config(executors=[executor], initialize_logging=False)
