"""Results of many tasks in their order, whatever becomes of the workers."""

from contextlib import closing
from math import factorial, isqrt

import pytest
from builders import LoneChannel

from training.execution.scheduling.dispatcher import MOST_TRIES
from training.execution.scheduling.executor import Executor, Message
from training.execution.scheduling.local_workers import LocalWorkers
from training.execution.scheduling.mapping import mapped
from training.runs.atomic_files import RunError


class Losing(Executor):
    """Executor that computes at once, ends calls last first, and loses every n-th."""

    n_places, n_batches, most_cores, is_of_many_machines, takes_more = 3, 3, 1, True, False

    def __init__(self, lost_every):
        self.lost_every, self.n_calls, self.most_at_once = lost_every, 0, 0
        self.waiting = []

    def begin(self, call):
        self.n_calls += 1
        is_lost = self.n_calls % self.lost_every == 0
        content = RunError("gone") if is_lost else call.function(*call.args, LoneChannel())
        self.waiting.append(Message(self.n_calls, "lost" if is_lost else "ended", content))
        self.most_at_once = max(self.most_at_once, len(self.waiting))
        return self.n_calls

    def messages(self, timeout):
        last = self.waiting.pop()
        return [Message(last.call, "worked", 1.0), last]

    def resolve(self, device):
        raise AssertionError

    send_more = stop = close = resolve


def test_results_come_in_order_and_lost_tasks_again():
    executor = Losing(lost_every=4)
    assert list(mapped(executor, factorial, list(range(20)))) == [factorial(n) for n in range(20)]
    assert executor.n_calls > 24 and executor.most_at_once == 3


def test_a_task_that_is_always_lost_raises():
    executor = Losing(lost_every=1)
    with pytest.raises(RunError, match="gone"):
        list(mapped(executor, factorial, [3]))
    assert executor.n_calls == MOST_TRIES


def test_worker_processes_compute_and_raise():
    with closing(LocalWorkers(2)) as workers:
        assert list(mapped(workers, isqrt, [n * n for n in range(9)])) == list(range(9))
        with pytest.raises(RunError, match="worker for task 3 died"):
            list(mapped(workers, isqrt, [4, 9, -1, 16]))
