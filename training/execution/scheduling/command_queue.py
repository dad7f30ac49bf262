"""Queue of commands that wait for one another, and for goals that are reached elsewhere."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from training.execution.arms.jobs import Channel
from training.execution.scheduling.task_graph import TaskGraph

POLL_SECONDS = 0.05
"""Wall time between two looks at a command that runs."""


@dataclass(frozen=True)
class Command:
    """One command line with a log, and the tasks that come before it."""

    name: str
    line: tuple[str, ...]
    log: Path
    after: frozenset[str] = frozenset()
    """Names of commands and goals."""
    most_cores: int = 1
    """Cores that can share it, given by `--jobs`, which a command of one core does not have."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables beside those of the process that starts it."""

    def started_with(self, n_cores: int) -> tuple[tuple[str, ...], Path, Mapping[str, str]]:
        """Return the arguments of `run_command_line` for a number of cores."""
        jobs = ("--jobs", str(n_cores)) if self.most_cores > 1 else ()
        return (*self.line, *jobs), self.log, self.environment


class CommandQueue:
    """Commands in the order in which they were added, each as soon as nothing before it is left.

    A goal is something that commands wait for, and that others reach: the training of a recipe. What waits
    for a failed command or goal is left out.

    Parameters
    ----------
    when_ended : callable
        Called with the name of a command, its failure or None, its seconds and its cores.
    """

    def __init__(self, when_ended: Callable[[str, str | None, float, int], None] = lambda *_: None):
        self.when_ended = when_ended
        self.graph: TaskGraph[str] = TaskGraph()
        self.begun: dict[str, float] = {}
        """When each running command was started, by the monotonic clock."""
        self.left_out: set[str] = set()
        """What has failed, and what waited for it."""
        self._commands: dict[str, Command] = {}

    def __len__(self) -> int:
        """Return the number of commands and goals that have not ended."""
        return len(self.graph)

    def add(self, command: Command) -> None:
        """Add a command; what it waits for was added before, or has ended."""
        self._commands[command.name] = command
        self.graph.add(command.name, command.after)

    def add_goal(self, name: str) -> None:
        """Add a goal, which `reached` or `missed` ends."""
        self.graph.add(name)
        self.graph.start(name)

    def next(self) -> Command | None:
        """Return the first ready command, which runs from now on."""
        name = self.graph.first()
        if name is None:
            return None
        self.graph.start(name)
        self.begun[name] = time.monotonic()
        return self._commands[name]

    def ended(self, name: str, failure: str | None, cores: int) -> None:
        """Take a command as ended; a failure is one line."""
        seconds = time.monotonic() - self.begun.pop(name)
        self._leave(name, is_failed=failure is not None)
        self.when_ended(name, failure, seconds, cores)

    def put_back(self, name: str) -> None:
        """Let a running command wait again."""
        del self.begun[name]
        self.graph.put_back(name)

    def reached(self, goal: str) -> None:
        """Take a goal as reached."""
        self._leave(goal, is_failed=False)

    def missed(self, goal: str) -> None:
        """Take a goal as one that will not be reached."""
        self._leave(goal, is_failed=True)

    def _leave(self, name: str, is_failed: bool) -> None:
        if is_failed:
            self.left_out |= {name, *self.graph.fail(name)}
        else:
            self.graph.end(name)


def run_command_line(
    line: Iterable[str], log: Path, environment: Mapping[str, str], channel: Channel
) -> str | None:
    """Run a command with its output in a log, and return None, or the last line if it failed.

    A stop request is passed on: the command saves what it has.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            list(line),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the first process, which passes it on once
            env=os.environ | environment,
        )
    is_stopped = False
    while process.poll() is None:
        if not is_stopped and channel.should_stop():
            is_stopped = True
            process.send_signal(_stop_signal())
        time.sleep(POLL_SECONDS)
    if process.returncode == 0:
        return None
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1].removeprefix("error: ") if lines else f"exit code {process.returncode}"


def _stop_signal() -> signal.Signals:
    """Return the signal of Ctrl-C, or SIGTERM where a command would not hear that.

    A process that ignores SIGINT, as workers and what a script starts in the background do, starts others
    that ignore it too.
    """
    is_heard = os.name == "posix" and signal.getsignal(signal.SIGINT) != signal.SIG_IGN
    return signal.SIGINT if is_heard else signal.SIGTERM
