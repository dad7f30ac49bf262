"""Training in the caller's process, for notebooks and scripts."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence

from training.cli.parser import Interrupted
from training.cli.stop_signals import stop_requests
from training.config.plugin_use import names_defined_in_script
from training.config.recipe import Recipe
from training.execution import scheduler
from training.execution.arms.jobs import Job
from training.execution.identity.device import prepared_process, resolve_device
from training.execution.identity.start_record import Start
from training.execution.progress import Progress
from training.execution.worker_process import memory_errors_explained, throttled
from training.runs.run_directory import RunDir


def launch_from_python(
    recipe: Recipe,
    run: RunDir,
    todo: Sequence[Job],
    device: str,
    workers: int,
    progress: Progress,
    on_device: Callable[[str], None],
    start: Start,
) -> list[tuple[Job, str]]:
    """Train arms by worker processes, or here if one is enough.

    One is enough for arms that wait for each other, as a ticket does for its dense network. What a script or
    a notebook has registered exists in its process only, so its arms are trained here too.
    Parameters and results are those of `scheduler.launch`.
    """
    depths = recipe.depths()
    per_generation = Counter(depths[job.arm] for job in todo)
    here = workers == 1 or max(per_generation.values()) == 1
    if not here and (defined := names_defined_in_script(recipe)):
        print(
            f"training in this process: {', '.join(defined)} is defined in this script; "
            "as a plug-in (a module or file of its own) it can be trained by several workers",
            file=sys.stderr,
        )
        here = True
    launch = launch_in_process if here else scheduler.launch
    return launch(recipe, run, todo, device, workers, progress, on_device, start)


def launch_in_process(
    recipe: Recipe,
    run: RunDir,
    todo: Sequence[Job],
    device: str,
    workers: int,
    progress: Progress,
    on_device: Callable[[str], None],
    start: Start,
) -> list[tuple[Job, str]]:
    """Train arms in this process, sources first; return those not trained.

    The bytes are those that a worker writes. Torch's number of threads and its treatment of denormal numbers
    are restored at the end. Parameters and exceptions are those of `scheduler.launch`; `workers` is not used.
    """
    waiting, skipped = list(todo), []
    with stop_requests() as requests, memory_errors_explained(), prepared_process():
        device = resolve_device(device)
        on_device(device)
        report = throttled(progress)
        while waiting:
            if requests:
                raise Interrupted
            group = scheduler.next_group(recipe, run, waiting, set(), batched=device != "cpu")
            assert group, "an arm's source is trained before it"
            waiting = [job for job in waiting if job not in group]
            skipped += scheduler.train_under_locks(
                recipe, run, group, device, start, report, lambda: bool(requests)
            )
            for job in group:
                progress.ended(job)
    return skipped
