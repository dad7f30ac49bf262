"""An analysis' tasks, spread over the worker processes of this machine or of a cluster.

Each has one BLAS thread: the command sets that in the environment, which the workers inherit.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from analyses.running.command_line import whole_number_from
from training.cli.executor_option import EXECUTOR_HELP, LOCAL, check_jobs
from training.cli.machine import available_cores

if TYPE_CHECKING:
    from training.execution.scheduling.executor import Executor

FEW_TASKS = 4
"""Up to this number of tasks, run in this process: starting workers would take longer."""

T = TypeVar("T")
R = TypeVar("R")


def add_spreading_options(p: argparse.ArgumentParser) -> None:
    """Add the options that say where tasks are computed."""
    p.add_argument(
        "--jobs", type=whole_number_from(1), metavar="N", help="worker processes; one per core by default"
    )
    p.add_argument("--executor", metavar="WHERE", default=LOCAL, help=EXECUTOR_HELP)


@contextmanager
def chosen_executor(args: argparse.Namespace, root: Path) -> Iterator[int | Executor]:
    """Give what `spread` takes: a number of worker processes, or a cluster's workers.

    Parameters
    ----------
    root : Path
        Folder of the runs, which all machines see.
    """
    from training.execution.scheduling.launching import executor_of

    check_jobs(args.executor, args.jobs)
    if args.executor == LOCAL:
        yield args.jobs or available_cores()
        return
    with closing(executor_of(args.executor, 1, root)) as executor:
        yield executor


def spread(function: Callable[[T], R], tasks: Sequence[T], workers: int | Executor, unit: str) -> Iterator[R]:
    """Yield a function's results in the tasks' order, behind a progress bar.

    The bar is silent off a terminal.
    Workers import the function's module, so it should import no more than it needs.

    Parameters
    ----------
    workers : int or Executor
        Worker processes of this machine, or what carries out the tasks.
    """
    from tqdm import tqdm

    from training.execution.scheduling.local_workers import LocalWorkers
    from training.execution.scheduling.mapping import mapped

    with ExitStack() as ending:
        bar = ending.enter_context(tqdm(total=len(tasks), unit=f" {unit}", disable=None))
        if isinstance(workers, int) and (workers == 1 or len(tasks) <= FEW_TASKS):
            results: Iterator[R] = map(function, tasks)
        elif isinstance(workers, int):
            pool = ending.enter_context(closing(LocalWorkers(min(workers, len(tasks)))))
            results = mapped(pool, function, tasks)
        else:
            results = mapped(workers, function, tasks)
        for result in results:
            bar.update()
            yield result
