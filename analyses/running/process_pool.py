"""Processes that share an analysis' tasks among them.

One BLAS thread per process: the command sets that in the environment, which the workers inherit.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

FEW = 4
"""So few tasks are done here rather than wait for processes to start."""

T = TypeVar("T")
Found = TypeVar("Found")


def spread(function: Callable[[T], Found], tasks: Sequence[T], jobs: int, unit: str) -> Iterator[Found]:
    """Results in the tasks' order, behind one bar that is silent off a terminal.

    Workers import the function's module, so it should import no more than it needs.
    """
    from tqdm import tqdm

    bar = tqdm(total=len(tasks), unit=f" {unit}", disable=None)
    pool = None
    if jobs > 1 and len(tasks) > FEW:
        pool = ProcessPoolExecutor(
            min(jobs, len(tasks)),
            mp_context=multiprocessing.get_context("spawn"),
            initializer=signal.signal,  # Ctrl-C is for the parent, which lets them finish
            initargs=(signal.SIGINT, signal.SIG_IGN),
        )
    try:
        for result in pool.map(function, tasks) if pool else map(function, tasks):
            bar.update()
            yield result
    finally:
        if pool:
            pool.shutdown(cancel_futures=True)
        bar.close()
