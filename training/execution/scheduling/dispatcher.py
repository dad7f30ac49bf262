"""Dispatcher: what runs when, for networks and commands alike; an executor carries it out."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from training.cli.parser import Interrupted
from training.execution.arms.jobs import ArmTask, Channel
from training.execution.identity.device import OtherPlatformError, prepare_process, resolve_device
from training.execution.scheduling.arm_queue import ArmQueue
from training.execution.scheduling.command_queue import Command, CommandQueue, run_command_line
from training.execution.scheduling.executor import Call, Executor, Message
from training.execution.scheduling.noting_channel import noted

POLL_SECONDS = 0.2
"""Longest wait for a message before stop signals are looked at."""
MOST_TRIES = 20
"""Calls in which a network may be lost, or be on a platform of another kind than it was begun on."""


@dataclass(eq=False)
class RunningCall:
    """What a call carries out: networks by number, or a command."""

    cores: int
    networks: set[int]
    command: Command | None = None
    is_stopped: bool = False


class Dispatcher:
    """Networks and commands that wait for each other, given to an executor as soon as they are ready.

    Parameters
    ----------
    requests : list
        Not empty once everything has to stop.
    show : callable
        Called between two looks at the messages.
    """

    def __init__(
        self,
        executor: Executor,
        requests: list[int],
        networks: ArmQueue | None = None,
        commands: CommandQueue | None = None,
        show: Callable[[], None] = lambda: None,
    ):
        self.executor, self.requests, self.show = executor, requests, show
        self.networks = ArmQueue() if networks is None else networks
        self.commands = CommandQueue() if commands is None else commands
        self.running: dict[int, RunningCall] = {}
        """By the executor's number of a call."""
        self.device, self.is_batched = "", False
        self._tries: Counter[int | str] = Counter()

    def resolve(self, device: str) -> str:
        """Return the device to train on, resolved by the executor."""
        self.device = self.executor.resolve(device)
        self.is_batched = self.device != "cpu"
        return self.device

    def run(self) -> None:
        """Run everything; after a stop request, or an error here, wait until every call has saved."""
        try:
            while self.running or ((self.networks or self.commands) and not self.requests):
                if self.requests:
                    self._stop(self.running)
                else:
                    self._start_commands()
                    self._start_networks()
                self._handle(self.executor.messages(POLL_SECONDS))
                self.show()
        finally:
            self.finish()

    def finish(self) -> None:
        """Let every call save what it has, and wait for its end."""
        self._stop(self.running)
        while self.running:
            self._handle(self.executor.messages(POLL_SECONDS))

    @property
    def n_free(self) -> int:
        """Number of the executor's places that no call uses."""
        return self.executor.n_places - sum(call.cores for call in self.running.values())

    def _start_commands(self) -> None:
        """Start the ready commands that have a place; they come before networks."""
        while self.n_free > 0 and (command := self.commands.next()) is not None:
            cores = min(self.n_free, self.executor.most_cores, command.most_cores)
            call = Call(command.name, run_command_line, command.started_with(cores))
            self.running[self.executor.begin(call)] = RunningCall(cores, set(), command)

    def _start_networks(self) -> None:
        """Start ready networks: one in every free place, or a batch on every free GPU."""
        while (n_free := self._n_free_for_networks()) > 0:
            tasks = self.networks.next_tasks(n_free if self.is_batched else None)
            if not tasks:
                return
            name = ", ".join(map(str, tasks))
            number = self.executor.begin(Call(name, train_tasks, (tasks, self.device), tasks))
            self.running[number] = RunningCall(1, {task.number for task in tasks})

    def _n_free_for_networks(self) -> int:
        if not self.is_batched:
            return self.n_free
        n_batches = sum(call.command is None for call in self.running.values())
        return min(self.n_free, self.executor.n_batches - n_batches)

    def _handle(self, messages: Iterable[Message]) -> None:
        for number, kind, content in messages:
            call = self.running[number]
            if kind == "progress":
                self.networks.report(*content)
            elif kind == "arm ended":
                self._arm_ended(number, call, content)
            elif kind == "worked":
                begun = time.monotonic() - content
                self.networks.begun_at(call.networks, begun)
                if call.command is not None:
                    self.commands.begun[call.command.name] = begun
            elif kind == "arm held":
                call.networks.remove(content)
                self.networks.held(content)
            elif kind == "arm failed":
                network, failure = content
                call.networks.remove(network)
                self._arm_failed(network, failure)
            else:
                del self.running[number]
                self._end(call, kind, content)

    def _arm_ended(self, number: int, call: RunningCall, network: int) -> None:
        """Take a network as ended, and send its batch those that now fit into it."""
        call.networks.remove(network)
        batch = self.networks.kind(network) if call.networks else None
        self.networks.ended(network)
        if batch is None or self.requests or not self.executor.takes_more:
            return
        if tasks := self.networks.next_batch(batch):
            self.executor.send_more(number, tasks)
            call.networks |= {task.number for task in tasks}

    def _arm_failed(self, network: int, failure: Exception) -> None:
        """Take a network as failed, unless another machine can train it."""
        if isinstance(failure, OtherPlatformError) and self.executor.is_of_many_machines:
            self._try_again(network, failure)
        else:
            self._fail(network, failure)

    def _end(self, call: RunningCall, kind: str, content: Any) -> None:
        """Take a call as ended, failed or lost."""
        if call.command is not None:
            self._end_command(call, kind, content)
            return
        if kind == "failed" and not isinstance(content, Interrupted):
            for network in call.networks:
                self._fail(network, content)
            return
        for network in call.networks:  # sent when the batch had ended, or saved, or lost
            if kind == "lost":
                self._try_again(network, content)
            else:
                self.networks.put_back(network)

    def _end_command(self, call: RunningCall, kind: str, content: Any) -> None:
        """Take a command as ended; one that was stopped, or lost, waits again."""
        assert call.command is not None
        name, failure = call.command.name, content if kind == "ended" else str(content)
        if failure is not None and (call.is_stopped or (kind == "lost" and self._is_worth_a_try(name))):
            self.commands.put_back(name)
        else:
            self.commands.ended(name, failure, call.cores)

    def _try_again(self, network: int, failure: Exception) -> None:
        """Let a network wait for another worker; it has failed after too many of them."""
        if self._is_worth_a_try(network):
            self.networks.postpone(network)
        else:
            self._fail(network, failure)

    def _is_worth_a_try(self, key: int | str) -> bool:
        self._tries[key] += 1
        return self._tries[key] < MOST_TRIES

    def _fail(self, network: int, failure: Exception) -> None:
        """Take a network as failed, and stop the calls that train others of its run alone."""
        still_running = self.networks.failed(network, failure)
        self._stop(
            number
            for number, call in self.running.items()
            if call.networks and call.networks <= still_running
        )

    def _stop(self, calls: Iterable[int]) -> None:
        for number in list(calls):
            if not self.running[number].is_stopped:
                self.running[number].is_stopped = True
                self.executor.stop(number)


def train_tasks(tasks: list[ArmTask], device: str, channel: Channel) -> None:
    """Train networks in a process that is prepared for it."""
    from training.execution.arms.training_loop import train

    prepare_process()
    with noted(channel, tasks) as noting:
        train(tasks, resolve_device(device), noting)
