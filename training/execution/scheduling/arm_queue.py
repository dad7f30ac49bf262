"""One queue of networks of any number of recipes: what is ready, what runs, what failed."""

from __future__ import annotations

import math
import sys
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field

from tqdm import tqdm

from training.config.recipe import Recipe
from training.execution.arms.batches import batch_kind
from training.execution.arms.jobs import ArmTask, Job
from training.execution.identity.start_record import Start
from training.execution.scheduling.progress import Progress
from training.execution.scheduling.task_graph import TaskGraph
from training.runs.run_directory import RunDir
from training.schema.plain_content import one_line

HELD_SECONDS = 2.0
"""Wall time after which a network that another process trained is tried again."""


@dataclass(eq=False)
class Submission:
    """Networks of one run that are to be trained, sources first."""

    recipe: Recipe
    run: RunDir
    todo: Sequence[Job]
    start: Start
    entry: int = 0
    """Place of the start in provenance.json."""
    begun: float = field(default_factory=time.monotonic)
    twins: dict[Job, tuple[Submission, Job]] = field(default_factory=dict)
    """Networks that another submission of the queue trains too, to be taken from there."""
    when_ended: Callable[[], None] = lambda: None
    """Called once, when no network is left that waits or runs."""
    failure: Exception | None = None
    """First failure of one of its networks; the others that ran have saved their states."""
    failures: dict[str, str] = field(default_factory=dict)
    """Line of every network that failed, by arm and seed, as "dense seed 0"."""
    tasks: dict[Job, ArmTask] = field(default_factory=dict)
    n_left: int = 0
    """Networks that have not ended."""
    core_seconds: float = 0.0
    """Time that its networks were trained for, one after another."""


class ArmQueue:
    """Networks of all submissions in one order: that of their submission.

    Parameters
    ----------
    progress : Progress, optional
        Shows what is done and left.
    twin_of : callable
        Returns the run from which a network can be taken that another submission has ended, or None.
    """

    def __init__(
        self,
        progress: Progress | None = None,
        twin_of: Callable[[Submission, Job], RunDir | None] = lambda *_: None,
    ):
        self.progress, self.twin_of = progress, twin_of
        self.graph: TaskGraph[int] = TaskGraph()
        self.submissions: list[Submission] = []
        self._tasks: dict[int, ArmTask] = {}
        self._submission_of: dict[int, Submission] = {}
        self._kinds: dict[int, Hashable] = {}
        self._begun: dict[int, float] = {}
        self._told_held: set[int] = set()
        self._postponed: dict[int, float] = {}
        """When each network that cannot be trained yet is tried again, by the monotonic clock."""

    def submit(self, submission: Submission) -> None:
        """Add the networks of a run."""
        self.submissions.append(submission)
        submission.n_left = len(submission.todo)
        if self.progress is not None:
            self.progress.add(submission.recipe, submission.todo)
        for job in submission.todo:
            number = len(self._tasks)
            task = ArmTask(submission.recipe, submission.run, job, submission.start, number)
            self._tasks[number] = submission.tasks[job] = task
            self._submission_of[number] = submission
            read = submission.recipe.arms[job.arm].arms_read
            sources = [submission.tasks.get(Job(name, job.seed)) for name in read]
            if job in submission.twins:
                other, twin = submission.twins[job]
                sources.append(other.tasks.get(twin))
            self.graph.add(number, [task.number for task in sources if task is not None])
        if not submission.todo:
            submission.when_ended()

    def __len__(self) -> int:
        """Return the number of networks that have not ended."""
        return len(self.graph)

    def width(self) -> int:
        """Return how many networks of one generation wait at most, in any submission."""
        generations: Counter[tuple[str, int]] = Counter()
        for part in self.submissions:
            depths = part.recipe.depths()
            generations.update((part.recipe.name, depths[job.arm]) for job in part.todo)
        return max(generations.values(), default=0)

    def next_tasks(self, n_batches: int | None) -> list[ArmTask]:
        """Return ready networks, which run from now on.

        Parameters
        ----------
        n_batches : int, optional
            Batches that can be trained side by side, to share the networks that fit into one with the first
            ready one; without it, the first ready network alone.
        """
        self._wake()
        number = self.graph.first()
        if number is None:
            return []
        return [self._started(number)] if n_batches is None else self.next_batch(self.kind(number), n_batches)

    def next_batch(self, kind: Hashable, n_batches: int = 1) -> list[ArmTask]:
        """Return the ready networks of a `batch_kind`, or the share of one batch of several."""
        numbers = [number for number in self.graph.ready() if self.kind(number) == kind]
        return [self._started(number) for number in numbers[: math.ceil(len(numbers) / n_batches)]]

    def kind(self, number: int) -> Hashable:
        """Return what a network has in common with others of its batch."""
        if number not in self._kinds:
            self._kinds[number] = batch_kind(self._tasks[number])
        return self._kinds[number]

    def report(self, number: int, step: int, test_acc: float) -> None:
        """Show a network's step and test accuracy."""
        if self.progress is not None:
            task = self._tasks[number]
            self.progress(task.recipe, task.job, step, test_acc)

    def begun_at(self, numbers: Iterable[int], begun: float) -> None:
        """Note when networks were really begun, by the monotonic clock, where they waited for a worker."""
        self._begun |= dict.fromkeys(numbers, begun)

    def ended(self, number: int) -> None:
        """Take a network as finished, or as not trained for a reason that its files tell."""
        submission, task = self._submission_of[number], self._tasks[number]
        submission.core_seconds += time.monotonic() - self._begun.pop(number, time.monotonic())
        if self.progress is not None:
            self.progress.ended(task.recipe, task.job)
        self._leave(submission, number)

    def put_back(self, number: int) -> None:
        """Let a network that was stopped wait again; one of a run that has failed is left out."""
        submission = self._submission_of[number]
        if submission.failure is None:
            self.graph.put_back(number)
        else:
            self._leave(submission, number)

    def held(self, number: int) -> None:
        """Let a network wait that another process trains, and say so once."""
        if number not in self._told_held:
            self._told_held.add(number)
            path = self._tasks[number].files.path
            tqdm.write(f"{path}: another process is training this arm; it is waited for", file=sys.stderr)
        self.postpone(number)

    def postpone(self, number: int) -> None:
        """Let a network wait that cannot be trained now."""
        self._begun.pop(number, None)
        self._postponed[number] = time.monotonic() + HELD_SECONDS

    def _wake(self) -> None:
        """Let networks that were postponed be ready again once their time has come."""
        now = time.monotonic()
        for number in [number for number, until in self._postponed.items() if until <= now]:
            del self._postponed[number]
            self.put_back(number)

    def failed(self, number: int, failure: Exception) -> set[int]:
        """Take a network as failed, and drop those of its run that wait; return those that still run."""
        submission = self._submission_of[number]
        submission.failure = submission.failure or failure
        submission.failures[str(self._tasks[number])] = one_line(str(failure))
        numbers = [task.number for task in submission.tasks.values()]
        for waiting in numbers:
            if waiting in self._postponed and waiting != number:
                del self._postponed[waiting]
                self._leave(submission, waiting)
            elif waiting in self.graph and waiting not in self.graph.running and waiting != number:
                self._leave(submission, waiting, drop=True)
        self.ended(number)
        return self.graph.running & {*numbers}

    def _started(self, number: int) -> ArmTask:
        self.graph.start(number)
        self._begun[number] = time.monotonic()
        task, submission = self._tasks[number], self._submission_of[number]
        if task.job in submission.twins and str(task.job) not in task.start.twins:
            run = self.twin_of(submission, task.job)
            if run is not None:
                submission.start.twins[str(task.job)] = str(run.path)
        recipe = task.recipe.restricted(task.job.arm, task.job.seed)
        return ArmTask(recipe, task.run, task.job, task.start.of_arms([task.job]), number)

    def _leave(self, submission: Submission, number: int, drop: bool = False) -> None:
        (self.graph.drop if drop else self.graph.end)(number)
        submission.n_left -= 1
        if submission.n_left == 0:
            submission.when_ended()
