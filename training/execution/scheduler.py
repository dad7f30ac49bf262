"""Many arms over worker processes: what is ready is trained, what needs it follows, and any stop is clean.

The parent schedules and never touches torch; each worker has one thread. On a CPU every arm is a piece of
work of its own; on a GPU all arms that are ready go as one batched step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from multiprocessing.connection import wait
from typing import Any

from training.cli.parser import Interrupted
from training.cli.stop_signals import stop_requests
from training.config.arm_config import arm_record
from training.config.recipe import Recipe
from training.execution.jobs import Job, arm_status
from training.execution.progress_bar import Progress
from training.execution.worker_process import Worker
from training.runs.run_directory import RunDir
from training.schema.validation import ConfigError


def launch(
    recipe: Recipe,
    run: RunDir,
    todo: Sequence[Job],
    device: str,
    workers: int,
    progress: Progress,
    chosen: Callable[[str], None],
) -> list[tuple[Job, str]]:
    """Train `todo`, sources first, and return the arms that were not trained, with the reason.

    `chosen` is told the device, which of "auto" is known only once torch is there.

    Raises
    ------
    Interrupted
        After Ctrl-C or SIGTERM, once every worker has saved its state.
    ConfigError
        If the device is not there.
    RunError, OSError
        The first failure of a worker, once the others have saved theirs.
    """
    waiting, skipped = list(todo), []
    failure: Exception | None = None
    with stop_requests() as stopping, ExitStack() as crew:
        idle = [crew.enter_context(closing(Worker()))]
        idle[0].start("the device's check", _resolve, device)
        kind, answer = idle[0].receive()
        if kind == "failed":
            raise answer
        device = answer
        chosen(device)
        workers = workers if device == "cpu" else 1
        busy: dict[Worker, list[Job]] = {}
        told: set[Worker] = set()
        while busy or (waiting and not stopping):
            while len(busy) < workers and not stopping:
                under_way = {job for group in busy.values() for job in group}
                group = _next_group(recipe, run, waiting, under_way, one_by_one=device == "cpu")
                if not group:
                    break
                waiting = [job for job in waiting if job not in group]
                worker = idle.pop() if idle else crew.enter_context(closing(Worker()))
                worker.start(", ".join(map(str, group)), _train, recipe, run, group, device)
                busy[worker] = group
            for worker in busy.keys() - told if stopping else ():
                worker.stop()
                told.add(worker)
            heard = wait([worker.pipe for worker in busy], timeout=0.2)
            for worker in [worker for worker in busy if worker.pipe in heard]:
                kind, answer = worker.receive()
                if kind == "seen":
                    progress(*answer)
                    continue
                for job in busy.pop(worker):
                    progress.ended(job)
                if kind == "ended":
                    skipped += answer
                    idle.append(worker)
                    continue
                stopping.append(0)
                if not isinstance(answer, Interrupted):
                    failure = failure or answer
    if failure is not None:
        raise failure
    if stopping:
        raise Interrupted
    return skipped


def _next_group(
    recipe: Recipe, run: RunDir, waiting: Sequence[Job], busy: set[Job], one_by_one: bool
) -> list[Job]:
    """The arms to start next: one whose source is not still to come, or all that stand at the same step."""
    ready = []
    for job in waiting:
        source = recipe.arms[job.arm].source
        if source is None or Job(source, job.seed) not in busy | set(waiting):
            ready.append(job)
    if one_by_one or not ready:
        return ready[:1]
    stands = {
        job: arm_status(run.arm(job.arm, job.seed), arm_record(recipe, job.arm, job.seed)) for job in ready
    }
    at = {job: run.arm(job.arm, job.seed).state()["step"] for job in ready if stands[job] == "half trained"}
    like = {job: (at.get(job), _kind(recipe, job)) for job in ready}
    return [job for job in ready if like[job] == like[ready[0]]]


def _kind(recipe: Recipe, job: Job) -> tuple[Any, ...]:
    """What arms that are trained as one batch have to share."""
    arm, setting = recipe.arms[job.arm], recipe.setting(job.arm)
    if not arm.trains_scores:
        return (arm.form, setting)
    return (arm.form, setting, arm.train_weights, recipe.sparsity(job.arm))


def prepare_process() -> None:
    """One thread, and denormal numbers flushed to zero.

    Squared gradients of a memorised network sink into denormals, which are many times slower to compute with.
    """
    import torch

    torch.set_num_threads(1)
    torch.set_flush_denormal(True)


def resolve_device(device: str) -> str:
    """`auto` is cuda or cpu; never mps unless named, where some operations give silently wrong results."""
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, index = device.partition(":")
    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available() and int(index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if not there[kind]:
        raise ConfigError(f"--device: expected a device that this machine has, got {device!r}")
    return device


def _resolve(device: str, report: Any, should_stop: Any) -> str:
    return resolve_device(device)


def _train(
    recipe: Recipe,
    run: RunDir,
    group: list[Job],
    device: str,
    report: Callable[[Job, int, float], None],
    should_stop: Callable[[], bool],
) -> list[tuple[Job, str]]:
    from training.execution.training_loop import train_group

    prepare_process()
    with ExitStack() as locks:
        for job in group:
            locks.enter_context(run.arm(job.arm, job.seed).locked())
        # Between this start's plan and the lock, another one may have finished an arm.
        group = [
            job
            for job in group
            if arm_status(run.arm(job.arm, job.seed), arm_record(recipe, job.arm, job.seed)) != "done"
        ]
        return train_group(recipe, run, group, device, report, should_stop)
