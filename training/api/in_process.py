"""Training in the caller's process, for notebooks and scripts."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial

from training.cli.parser import Interrupted
from training.cli.stop_signals import stop_requests
from training.config.plugin_use import names_defined_in_script
from training.execution.arms.jobs import ArmTask, Channel, EvaluatedNetwork, OnEvaluation
from training.execution.identity.device import prepared_process, resolve_device
from training.execution.scheduling.arm_queue import ArmQueue
from training.execution.scheduling.dispatcher import POLL_SECONDS
from training.execution.scheduling.launching import launch
from training.execution.scheduling.noting_channel import noted
from training.execution.scheduling.worker_process import memory_errors_explained, throttled


def launch_from_python(queue: ArmQueue, device: str, workers: int, on_device: Callable[[str], None]) -> None:
    """Train the networks of a queue by worker processes, or here if one is enough.

    One is enough for networks that wait for each other, as a ticket does for its dense network. What a script
    or a notebook has registered exists in its process only, so its networks are trained here too.
    Parameters are those of `launching.launch`.
    """
    here = workers == 1 or queue.width() == 1
    defined = {name: None for part in queue.submissions for name in names_defined_in_script(part.recipe)}
    if not here and defined:
        print(
            f"training in this process: {', '.join(defined)} is defined in this script; "
            "as a plug-in (a module or file of its own) it can be trained by several workers",
            file=sys.stderr,
        )
        here = True
    (launch_in_process if here else launch)(queue, device, workers, on_device)


def launch_in_process(
    queue: ArmQueue,
    device: str,
    workers: int,
    on_device: Callable[[str], None],
    on_evaluation: OnEvaluation | None = None,
) -> None:
    """Train the networks of a queue in this process, sources first.

    The bytes are those that a worker writes. Torch's number of threads and its treatment of denormal numbers
    are restored at the end. Parameters and exceptions are those of `launching.launch`; `workers` is not
    used. What `on_evaluation` raises is raised here once all states are saved.
    """
    from training.execution.arms.training_loop import train

    with stop_requests() as requests, memory_errors_explained(), prepared_process():
        device = resolve_device(device)
        on_device(device)
        while queue:
            if requests:
                raise Interrupted
            tasks = queue.next_tasks(n_batches=None if device == "cpu" else 1)
            if not tasks:  # another process trains all that could be trained now
                time.sleep(POLL_SECONDS)
                continue
            local = LocalChannel(queue, queue.kind(tasks[0].number), device, requests, on_evaluation)
            try:
                with noted(local, tasks) as channel:
                    train(tasks, device, channel)
            except Interrupted:
                if local.error is None:
                    raise
            if local.error is not None:
                raise local.error


class LocalChannel(Channel):
    """Channel of a training to a queue in its own process.

    Parameters
    ----------
    requests : list
        Not empty once training has to stop.
    on_evaluation : callable, optional
        A user's function; training stops after what it raises, which `error` then is.
    """

    def __init__(
        self,
        queue: ArmQueue,
        kind: object,
        device: str,
        requests: list[int],
        on_evaluation: OnEvaluation | None = None,
    ):
        self.queue, self.kind, self.device, self.requests = queue, kind, device, requests
        self.error: BaseException | None = None
        if on_evaluation is not None:
            self.on_evaluation = partial(self._call, on_evaluation)
        self._report = throttled(lambda task, step, acc: queue.report(task.number, step, acc))

    def report(self, task: ArmTask, step: int, test_acc: float) -> None:
        """Show a network's step and test accuracy."""
        self._report(task, step, test_acc)

    def ended(self, task: ArmTask, reason: str | None) -> None:
        """Take a network as ended."""
        self.queue.ended(task.number)

    def failed(self, task: ArmTask, error: Exception) -> None:
        """Take a network as failed."""
        self.queue.failed(task.number, error)

    def held(self, task: ArmTask) -> None:
        """Let a network wait that another process trains."""
        self.queue.held(task.number)

    def more(self) -> list[ArmTask]:
        """Return the networks that are ready now and fit into the batch; none on the CPU."""
        return [] if self.device == "cpu" or self.should_stop() else self.queue.next_batch(self.kind)

    def should_stop(self) -> bool:
        """Return True after a stop signal, or an error of the user's function."""
        return bool(self.requests) or self.error is not None

    def _call(self, on_evaluation: OnEvaluation, network: EvaluatedNetwork) -> None:
        """Call the user's function; after an error it is not called again."""
        if self.error is None:
            try:
                on_evaluation(network)
            except BaseException as error:  # raised by `launch_in_process`, after states are saved
                self.error = error
