"""A function's results for many tasks, by an executor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from training.execution.arms.jobs import Channel
from training.execution.scheduling.dispatcher import MOST_TRIES
from training.execution.scheduling.executor import LAST, Call, Executor

T = TypeVar("T")
R = TypeVar("R")

POLL_SECONDS = 0.2


def mapped(executor: Executor, function: Callable[[T], R], tasks: Sequence[T]) -> Iterator[R]:
    """Yield a function's results in the tasks' order, computed side by side.

    A task whose worker was lost is computed again, up to `MOST_TRIES` times in all.

    Raises
    ------
    Exception
        The first that a task raised; those that run are left to their end.
    """
    waiting = list(reversed(range(len(tasks))))
    running: dict[int, int] = {}
    results: dict[int, R] = {}
    tries: Counter[int] = Counter()
    for place in range(len(tasks)):
        while place not in results:
            while waiting and len(running) < executor.n_places:
                task = waiting.pop()
                running[executor.begin(Call(f"task {task + 1}", _result, (function, tasks[task])))] = task
            for number, kind, content in executor.messages(POLL_SECONDS):
                if kind not in LAST:
                    continue
                task = running.pop(number)
                tries[task] += 1
                if kind == "ended" and content is not None:
                    (results[task],) = content
                elif kind != "failed" and tries[task] < MOST_TRIES:
                    waiting.append(task)
                else:
                    raise content
        yield results.pop(place)


def _result(function: Callable[[Any], Any], task: Any, channel: Channel) -> tuple[Any]:
    """Return a result in a tuple: None alone is a call that was not made."""
    return (function(task),)
