"""Launch: the networks of a queue are trained by the executor that the user has chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from training.cli.executor_option import LOCAL
from training.cli.machine import available_cores
from training.cli.parser import Interrupted
from training.cli.stop_signals import stop_requests
from training.execution.scheduling.arm_queue import ArmQueue
from training.execution.scheduling.dispatcher import Dispatcher
from training.execution.scheduling.executor import Executor
from training.execution.scheduling.local_workers import LocalWorkers


def executor_of(
    name: str, n_workers: int, root: Path, claim: Callable[[str], Mapping[str, str]] = lambda _: {}
) -> Executor:
    """Return the executor of a name.

    Parameters
    ----------
    name : str
        `local`, `slurm`, or the path of a Parsl config.
    n_workers : int
        Worker processes of this machine.
    root : Path
        Folder that every machine sees, as that of the runs: what machines tell each other is below it.
    claim : callable, optional
        As for `LocalWorkers`; on a cluster nothing outlives the caller.

    Raises
    ------
    ConfigError
        If there is no such executor here.
    """
    if name == LOCAL:
        return LocalWorkers(n_workers, claim)
    from training.execution.scheduling.cluster_workers import ClusterWorkers

    return ClusterWorkers.of(name, root)


def n_workers_of(executor: str, jobs: int | None) -> int:
    """Return how many networks an executor trains at a time at most, on CPUs.

    Parameters
    ----------
    jobs : int, optional
        Worker processes of this machine; by default one per core.

    Raises
    ------
    ConfigError
        As `executor_of`.
    """
    if executor == LOCAL:
        return jobs or available_cores()
    from training.execution.cluster.parsl_config import cluster_of

    return cluster_of(executor, Path()).n_workers


def launch(
    queue: ArmQueue,
    device: str,
    workers: int,
    on_device: Callable[[str], None],
    executor: str = LOCAL,
) -> None:
    """Train the networks of a queue.

    Parameters
    ----------
    device : str
        `auto` is resolved by the executor.
    workers : int
        Worker processes of this machine.
    on_device : callable
        Called with the resolved device.
    executor : str
        As for `executor_of`.

    Raises
    ------
    Interrupted
        After a stop signal, once every worker has saved its state.
    ConfigError
        If there is no such executor or device.
    """
    root = queue.submissions[0].run.path.parent
    with stop_requests() as requests, closing(executor_of(executor, workers, root)) as places:
        dispatcher = Dispatcher(places, requests, networks=queue)
        on_device(dispatcher.resolve(device))
        dispatcher.run()
    if requests:
        raise Interrupted
