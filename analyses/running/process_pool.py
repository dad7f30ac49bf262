"""Pool of processes that share an analysis' tasks.

Each has one BLAS thread: the command sets that in the environment, which the workers inherit.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

from training.cli.spawned_process import SPAWNING
from training.schema.plugins import load_plugins, loaded_plugins

FEW_TASKS = 4
"""Up to this number of tasks, run in this process: starting workers would take longer."""

T = TypeVar("T")
R = TypeVar("R")


def spread(function: Callable[[T], R], tasks: Sequence[T], jobs: int, unit: str) -> Iterator[R]:
    """Yield a function's results in the tasks' order, behind a progress bar.

    The bar is silent off a terminal.
    Workers import the function's module, so it should import no more than it needs.
    """
    from tqdm import tqdm

    bar = tqdm(total=len(tasks), unit=f" {unit}", disable=None)
    pool = None
    if jobs > 1 and len(tasks) > FEW_TASKS:
        pool = ProcessPoolExecutor(
            min(jobs, len(tasks)),
            mp_context=SPAWNING,
            initializer=_begin,
            initargs=(loaded_plugins(),),
        )
    try:
        for result in pool.map(function, tasks) if pool else map(function, tasks):
            bar.update()
            yield result
    finally:
        if pool:
            pool.shutdown(cancel_futures=True)
        bar.close()


def _begin(plugins: Sequence[str]) -> None:
    """Leave Ctrl-C to the parent, which lets tasks finish, and load plug-ins."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    load_plugins(plugins)
