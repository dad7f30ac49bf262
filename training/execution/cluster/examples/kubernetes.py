"""Parsl config for Kubernetes: pods of 4 cores that share a volume with the driver's pod.

Needs `pip install kubernetes`. The image holds this project, in the same versions as the driver; runs lie in
the volume, at the same path on both sides.
"""

from parsl.addresses import address_by_hostname
from parsl.config import Config
from parsl.executors import HighThroughputExecutor
from parsl.providers import KubernetesProvider


def config() -> Config:
    """Return a config of up to 10 pods, 4 workers in each."""
    provider = KubernetesProvider(
        image="registry.example.org/grokking-tickets:1",
        namespace="default",
        init_cpu=4,
        max_cpu=4,
        init_mem="4Gi",
        max_mem="8Gi",
        init_blocks=1,
        max_blocks=10,
        persistent_volumes=[("runs", "/runs")],
    )
    executor = HighThroughputExecutor(
        provider=provider, address=address_by_hostname(), max_workers_per_node=4, encrypted=True
    )
    return Config(executors=[executor], initialize_logging=False)
