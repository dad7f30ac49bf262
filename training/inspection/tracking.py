"""Curves, configs and figures of a training, sent to an experiment tracker.

Files stay the truth: a tracker gets what training has written, and writes nothing into the run.
"""

from __future__ import annotations

import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.cli.parser import Interrupted
from training.config.arm_config import arm_record
from training.config.recipe import Recipe
from training.inspection.outcomes import outcomes
from training.runs.arm_directory import ArmDir
from training.runs.run_directory import RunDir
from training.schema.registry import Registry

if TYPE_CHECKING:
    import pandas as pd

SECONDS = 20.0
"""Time between two looks at the files; training saves as often."""


class Tracker(ABC):
    """Experiment tracker; one is made per start of a training.

    Parameters
    ----------
    run : RunDir
        Run that is trained.

    Raises
    ------
    ConfigError
        If its package is not installed.
    """

    def __init__(self, run: RunDir):
        self.run = run

    @abstractmethod
    def log(self, network: ArmDir, config: Mapping[str, Any], rows: pd.DataFrame) -> None:
        """Take new evaluations of a network.

        Parameters
        ----------
        config : mapping
            Every setting that affects the network's result.
        rows : DataFrame
            Evaluations that were not logged yet, as `ArmDir.metrics`.
        """

    @abstractmethod
    def finish(self, outcome_rows: Sequence[Mapping[str, Any]], figures: Sequence[Path]) -> None:
        """Take the outcome of every network that was logged and the run's figures; end.

        Parameters
        ----------
        outcome_rows : sequence of mapping
            As from `training.inspection.outcomes`.
        figures : sequence of Path
            Pictures in the run directory.
        """


TRACKERS: Registry[type[Tracker]] = Registry(
    "tracker", {"wandb": "training.inspection.wandb_tracker:WandbTracker"}
)
"""Trackers by the name that `--track` takes."""


@contextmanager
def tracked(
    name: str | None, run: RunDir, recipe: Callable[[], Recipe], seconds: float = SECONDS
) -> Iterator[None]:
    """Send what a training writes to a tracker while the training runs.

    Networks that were finished before are not sent. A tracker that fails is named on stderr, once, and the
    training goes on.

    Parameters
    ----------
    name : str, optional
        A key of `TRACKERS`; None: nothing is sent.
    recipe : callable
        Returns the recipe; a search for a sparsity adds arms to it.
    seconds : float
        Time between two looks at the files.

    Raises
    ------
    ConfigError
        If there is no such tracker, or its package is not installed.
    """
    if name is None:
        yield
        return
    sending = Sending(TRACKERS[name](run), name, run, recipe)
    ended = threading.Event()

    def send_now_and_then() -> None:
        while not ended.wait(seconds):
            sending.send()

    thread = threading.Thread(target=send_now_and_then, daemon=True)
    thread.start()
    try:
        yield
    except Interrupted:
        sending.finish_after(ended, thread)
        raise
    except BaseException:
        ended.set()
        thread.join()
        raise
    sending.finish_after(ended, thread)


class Sending:
    """Evaluations of one start, sent to a tracker once each."""

    def __init__(self, tracker: Tracker, name: str, run: RunDir, recipe: Callable[[], Recipe]):
        self.tracker, self.name, self.run, self.recipe = tracker, name, run, recipe
        self.finished_before = {str(files) for files in run.arms() if files.done() is not None}
        self.last_step: dict[str, int] = {}
        """Last step sent, by network."""
        self.failed = False

    def send(self) -> None:
        """Send new evaluations of every network."""
        arms = self.recipe().arms
        for files in self.run.arms():
            if files.arm in arms and str(files) not in self.finished_before:
                self._attempt(lambda files=files: self._send_network(files))

    def finish_after(self, ended: threading.Event, thread: threading.Thread) -> None:
        """End the thread that sends now and then; send the rest, outcomes and figures."""
        ended.set()
        thread.join()
        self.send()
        rows = [
            row
            for row in outcomes(self.run, self.recipe())
            if f"{row['arm']} seed {row['seed']}" in self.last_step
        ]
        pictures = sorted((self.run.path / "figures").glob("*.png"))
        self._attempt(lambda: self.tracker.finish(rows, pictures))

    def _send_network(self, files: ArmDir) -> None:
        if not (files.path / "metrics.parquet").exists():
            return
        metrics = files.metrics()
        rows = metrics[metrics["step"] > self.last_step.get(str(files), -1)]
        if len(rows):
            self.tracker.log(files, arm_record(self.recipe(), files.arm, files.seed)["config"], rows)
            self.last_step[str(files)] = int(rows["step"].iloc[-1])

    def _attempt(self, action: Any) -> None:
        """Do something with the tracker; after its first failure, nothing."""
        if self.failed:
            return
        try:
            action()
        except Exception as error:  # no failure of a tracker may stop a training
            self.failed = True
            cause = (str(error).splitlines() or [type(error).__name__])[0]
            print(f"--track {self.name}: {cause}; training goes on without it", file=sys.stderr)
