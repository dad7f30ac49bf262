"""Experiments trained together, from one queue of networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from training.cli.parser import Interrupted
from training.execution.arms.extension import is_as_long
from training.execution.arms.jobs import Job
from training.execution.scheduling.arm_queue import ArmQueue, Submission
from training.execution.scheduling.progress import Progress
from training.runs.atomic_files import RunError
from training.runs.run_directory import RunDir

if TYPE_CHECKING:
    from training.execution.experiment import Experiment, Force

Launch = Callable[[ArmQueue, str, int, Callable[[str], None]], None]
"""Function with the parameters of `scheduling.launching.launch`."""


def train_together(
    experiments: Sequence[Experiment],
    device: str,
    workers: int,
    force: Force = False,
    accept_other: bool = False,
) -> list[Exception | None]:
    """Train the unfinished networks of all experiments from one queue.

    A network that an earlier experiment of the list trains too is taken from there. The arms that a recipe's
    search adds join the queue once its others have ended.

    Returns
    -------
    list
        The failure of each experiment; the others have gone on.

    Raises
    ------
    Interrupted
        If training was stopped, after everything was saved.
    """
    progress = Progress()
    joint = JointTraining(device, workers, force, accept_other, progress, len(experiments) > 1)
    try:
        for experiment in experiments:
            joint.submit(experiment)
        if joint.queue:
            experiments[0].launch(joint.queue, device, workers, joint.note_device)
    except Interrupted:
        if force:  # which would move aside what is saved
            raise Interrupted("run the command again without --force to resume") from None
        raise
    finally:
        progress.close()
        joint.close()
    return [joint.failures.get(experiment) for experiment in experiments]


class JointTraining:
    """Submissions of some experiments to one queue, and what came of them.

    Parameters
    ----------
    progress : Progress, optional
        Shows what is done and left.
    looks_for_twins : bool
        Whether several experiments may train the same network.
    when_done : callable
        Called with an experiment in which nothing is left to train, or that has failed.
    """

    def __init__(
        self,
        device: str,
        workers: int,
        force: Force = False,
        accept_other: bool = False,
        progress: Progress | None = None,
        looks_for_twins: bool = True,
        when_done: Callable[[Experiment], None] = lambda _: None,
    ):
        self.device, self.workers, self.force, self.accept_other = device, workers, force, accept_other
        self.looks_for_twins, self.when_done = looks_for_twins, when_done
        self.queue = ArmQueue(progress, self._run_of_twin)
        self.failures: dict[Experiment, Exception] = {}
        self._experiment_of: dict[Submission, Experiment] = {}
        self._open: list[Submission] = []
        self._first_with: dict[str, tuple[Submission, Job]] = {}
        """By config's hash: the network of the queue that has it first."""

    def submit(self, experiment: Experiment) -> None:
        """Add an experiment's unfinished networks to the queue."""
        self._submit(experiment, self.force)

    def _submit(self, experiment: Experiment, force: Force) -> None:
        try:
            submission = experiment.submission(self.device, self.workers, force, self.accept_other)
        except RunError as error:
            self.failures[experiment] = error
            submission = None
        if submission is None:
            self.when_done(experiment)
            return
        if self.looks_for_twins:
            self._note_twins(experiment, submission)
        self._experiment_of[submission] = experiment
        self._open.append(submission)
        submission.when_ended = lambda: self._ended(submission)
        self.queue.submit(submission)

    def note_device(self, device: str) -> None:
        """Record the device, now that it is known."""
        self.device = device
        for submission in self._open:
            self._experiment_of[submission].note_device(submission, device)

    def close(self) -> None:
        """Complete the records of submissions that have not ended."""
        for submission in self._open:
            self._close(submission)
        self._open.clear()

    def _ended(self, submission: Submission) -> None:
        self._open.remove(submission)
        self._close(submission)
        experiment = self._experiment_of[submission]
        if submission.failure is None and experiment.has_searched_further():
            self._submit(experiment, force=False)
        else:
            self.when_done(experiment)

    def _close(self, submission: Submission) -> None:
        experiment = self._experiment_of[submission]
        if submission.failure is not None:
            self.failures[experiment] = submission.failure
        experiment.close(submission)

    def _note_twins(self, experiment: Experiment, submission: Submission) -> None:
        """Let networks wait for those of earlier experiments that have their config."""
        for job in submission.todo:
            config_hash = f"{experiment.run.path.parent} {experiment.record(job)['hash']}"
            first = self._first_with.setdefault(config_hash, (submission, job))
            if first[0] is not submission:
                submission.twins[job] = first

    def _run_of_twin(self, submission: Submission, job: Job) -> RunDir | None:
        """Return the run of another submission that has finished a network, as long as it would be here."""
        other, twin = submission.twins[job]
        files = other.run.arm(twin.arm, twin.seed)
        return other.run if is_as_long(submission.recipe, files) else None
