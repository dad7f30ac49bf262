"""Tasks of a plan run side by side: recipes trained, and commands that measure and draw."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from figures.pipeline.cost_model import training_cost
from figures.pipeline.freshness import Folder
from figures.pipeline.plan import Task
from training.cli.parser import Interrupted
from training.cli.stop_signals import stop_requests
from training.config.recipe_files import read_given_recipe
from training.execution.experiment import Experiment
from training.execution.joint_training import JointTraining
from training.execution.scheduling.command_queue import Command, CommandQueue
from training.execution.scheduling.dispatcher import Dispatcher
from training.execution.scheduling.executor import Executor
from training.runs.file_lock import LOCK, Claims, acquired


class TaskRunner:
    """Tasks of a plan, run in dependency order and otherwise in their own.

    Parameters
    ----------
    executor : Executor
        Carries out the commands, and trains the networks of all recipes from one queue.
    folder : Folder
        Runs, and the figures' folder, which has the logs.
    claims : Claims
        A command holds one of its own.
    ended : callable
        Called with every task that has succeeded and the core-seconds it took.
    """

    def __init__(
        self,
        tasks: Iterable[Task],
        executor: Executor,
        folder: Folder,
        claims: Claims,
        ended: Callable[[Task, float], None],
    ):
        from tqdm import tqdm

        self.executor, self.folder, self.ended = executor, folder, ended
        self.tasks = {task.name: task for task in tasks}
        self.commands = CommandQueue(self._command_ended)
        self.joint = JointTraining("auto", executor.n_places, when_done=self._training_ended)
        self._task_of: dict[Experiment, Task] = {}
        self._waiting = dict(self.tasks)
        """Tasks that have not ended."""
        self._expected = self._spent = 0.0  # of what is done, in core-seconds
        form = "{percentage:3.0f}%|{bar}| {elapsed}, {remaining} left: {desc}"
        self.bar = tqdm(total=1.0, disable=None, smoothing=0, bar_format=form)
        for task in self.tasks.values():  # in order of need
            if task.recipe is not None:
                self.commands.add_goal(task.name)
            else:
                self.commands.add(self._command(task, claims))

    @property
    def left_out(self) -> set[str]:
        """Names of tasks that failed, and of tasks that depend on them."""
        return self.commands.left_out

    def run(self) -> None:
        """Run all tasks.

        Raises
        ------
        Interrupted
            After a signal, once every process has saved what it has.
        """
        with ExitStack() as ending:
            requests = ending.enter_context(stop_requests())
            ending.callback(self.bar.close)
            ending.callback(self.joint.close)
            dispatcher = Dispatcher(self.executor, requests, self.joint.queue, self.commands, self._show)
            self._submit_trainings()
            if self.joint.queue:
                self.joint.note_device(dispatcher.resolve("auto"))
            dispatcher.run()
        if requests:
            raise Interrupted

    def _submit_trainings(self) -> None:
        """Add the networks of all recipes to the queue."""
        for task in [task for task in self.tasks.values() if task.recipe is not None]:
            assert task.recipe is not None
            given = read_given_recipe(task.recipe, quick=self.folder.quick)
            experiment = Experiment(given.recipe, given.text, out=str(self.folder.runs), bases=given.bases)
            self._task_of[experiment] = task
            self.joint.submit(experiment)

    def _command(self, task: Task, claims: Claims) -> Command:
        name = task.name.replace(" ", "_")
        log = self.folder.figures / "logs" / f"{name}.log"
        return Command(
            task.name, task.command, log, task.after, task.most_jobs or 1, claims.environment(name)
        )

    def _command_ended(self, name: str, failure: str | None, seconds: float, cores: int) -> None:
        """Take a command's end from the queue."""
        task = self.tasks[name]
        if failure is None:
            self._succeeded(task, seconds * cores, f"{seconds:.0f} s")
        else:
            self._failed(task, f"{failure} (log: {self._command_log(name)})")

    def _command_log(self, name: str) -> Path:
        return self.folder.figures / "logs" / f"{name.replace(' ', '_')}.log"

    def _training_ended(self, experiment: Experiment) -> None:
        """Take the end of a recipe's training."""
        task = self._task_of[experiment]
        assert task.recipe is not None
        if experiment in self.joint.failures:
            self.commands.missed(task.name)
            self._failed(task, self.joint.failures[experiment])
            return
        self.commands.reached(task.name)
        core_seconds = training_cost(self.folder, task.recipe)
        self._succeeded(task, core_seconds, f"{core_seconds:.0f} s of a core")

    def _succeeded(self, task: Task, core_seconds: float, time_taken: str) -> None:
        self._expected += task.core_seconds
        self._spent += core_seconds
        del self._waiting[task.name]
        self.ended(task, core_seconds)
        self._say(f"{task.name}: {time_taken} ({self._n_ended()} of {len(self.tasks)})")

    def _failed(self, task: Task, failure: object) -> None:
        for name in self.commands.left_out & self._waiting.keys():
            del self._waiting[name]
        self._say(f"failed: {task.name}: {failure}", always=True)

    def _n_ended(self) -> int:
        return len(self.tasks) - len(self._waiting)

    def _say(self, line: str, always: bool = False) -> None:
        if self.bar.disable:
            print(line, file=sys.stderr, flush=True)
        elif always:
            self.bar.write(line, file=sys.stderr)

    def _show(self) -> None:
        """Redraw the bar.

        A running command counts by its time, at this machine's pace so far, a training by its networks.
        """
        if self.bar.disable:
            return
        pace = self._expected / self._spent if self._spent else 1.0
        now = time.monotonic()
        shares = self._shares_trained()
        parts = [share * self.tasks[name].core_seconds for name, share in shares.items()]
        for name, begun in self.commands.begun.items():
            parts.append(min(pace * (now - begun), 0.95 * self.tasks[name].core_seconds))
        self.bar.total = self._expected + sum(task.core_seconds for task in self._waiting.values())
        self.bar.n = self._expected + sum(parts)
        names = [*self.commands.begun, *list(shares)[: self.executor.n_places]]
        self.bar.set_description_str(", ".join(names), refresh=False)
        self.bar.refresh()

    def _shares_trained(self) -> dict[str, float]:
        """Return the share of each recipe's networks that have ended, while some have not."""
        return {
            f"training {part.recipe.name}": 1 - part.n_left / len(part.todo)
            for part in self.joint.queue.submissions
            if part.n_left
        }


@contextmanager
def held(logs: Path) -> Iterator[Claims]:
    """Hold the folder of logs, once nothing else is running there.

    Another start, and the tasks that a killed one has left running, are waited for.

    Yields
    ------
    Claims
        For the tasks that are started in the meantime.
    """
    logs.mkdir(parents=True, exist_ok=True)
    lock = acquired(logs / LOCK, wait=False)
    if lock is None:
        _tell_waiting(logs)
        lock = acquired(logs / LOCK)
    assert lock is not None
    try:
        claims = Claims(logs / "claims")
        if claims.held_by_others():
            _tell_waiting(logs)
        claims.wait_for_others()
        yield claims
    finally:
        lock.release()


def _tell_waiting(logs: Path) -> None:
    print(f"waiting for tasks that another start runs in {logs.parent}", file=sys.stderr, flush=True)
