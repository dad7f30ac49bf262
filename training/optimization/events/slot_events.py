"""Events of one arm: when each acts, and what it has decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from training.optimization.events.base import Action, ArmInputs, Event, SlotRows, Time
from training.optimization.optimizers.base import Optimizer
from training.pruning.method import CannotPrune

if TYPE_CHECKING:
    from training.optimization.events.base import AfterUpdate

OWN = None
"""Name of the arm itself among those whose times events wait for."""


class SlotEvents:
    """Events of an arm in its slot.

    Parameters
    ----------
    events : sequence of Event
        In the recipe's order, in which events of one step act.
    inputs : ArmInputs
        What they read.
    times : mapping
        Step of t_mem and t_gen, by arm and name, of the other arms that events wait for.
    """

    def __init__(
        self,
        events: Sequence[Event],
        optimizer: Optimizer,
        inputs: ArmInputs,
        times: Mapping[tuple[str | None, str], int | None],
    ):
        self.events, self.base_optimizer, self.times = events, optimizer, dict(times)
        self.actions: list[Action | None] = [event.action(inputs) for event in events]
        self.failure: str | None = None
        """Reason for which the arm's training is given up at its next evaluation."""

    def know(self, name: str, step: int) -> None:
        """Take the arm's own t_mem or t_gen as known from now on; the first time counts."""
        self.times.setdefault((OWN, name), step)

    @property
    def is_waiting(self) -> bool:
        """Return True if an evaluation may still decide when an event acts."""
        return any(
            (OWN, time) not in self.times
            for event in self.events
            if event.waits_for_own_times()
            for time in (event.at, event.until)
            if isinstance(time, str)
        )

    def window(self, event: Event) -> tuple[int | None, int | None]:
        """Return the updates before an event, and the last one for which it lasts; None if not known."""
        begin, end = self._step(event, event.at), self._step(event, event.until)
        lasts = 1 if event.is_momentary else event.lasts
        if lasts is not None and begin is not None:
            end = begin + lasts
        return begin, end

    def _step(self, event: Event, time: Time | None) -> int | None:
        return self.times.get((event.of, time)) if isinstance(time, str) else time

    def changes_at(self, age: int) -> bool:
        """Return True if an event begins or ends after so many updates."""
        return any(age in self.window(event) for event in self.events)

    def steps_to_change(self, age: int, most: int) -> int:
        """Return the updates, `most` at most, after which another event begins or ends."""
        changes = [step for event in self.events for step in self.window(event) if step is not None]
        return min([step - age for step in changes if step > age] + [most])

    def is_active(self, event: Event, age: int) -> bool:
        """Return True if an event decides on the next update."""
        begin, end = self.window(event)
        return begin is not None and begin <= age and (end is None or age < end)

    def optimizer(self, age: int) -> Optimizer:
        """Return the optimizer of the next update."""
        optimizer = self.base_optimizer
        for event in self.events:
            if self.is_active(event, age):
                optimizer = event.optimizer(optimizer)
        return optimizer

    def begin(self, age: int, rows: SlotRows) -> None:
        """Let the events act that begin now; one that cannot is the arm's `failure`, and ends all."""
        for i, (event, action) in enumerate(zip(self.events, self.actions, strict=True)):
            if action is None or self.window(event)[0] != age or not self.is_active(event, age):
                continue
            try:
                action.begin(rows)
            except CannotPrune as reason:
                self.failure = f"events[{i}] ({event.name}) at step {age}: {reason}"
                self.events, self.actions = (), []
                return

    def attach(self, age: int, rows: SlotRows) -> list[AfterUpdate]:
        """Return what is done after every update until the next change."""
        active = [
            action.attach(rows)
            for event, action in zip(self.events, self.actions, strict=True)
            if action is not None and self.is_active(event, age)
        ]
        return [after_update for after_update in active if after_update is not None]

    def state(self) -> dict[str, Any]:
        """Return what the events have decided so far, by their number as text."""
        states = {str(i): action.state() for i, action in enumerate(self.actions) if action is not None}
        return {i: state for i, state in states.items() if state}

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from what events had decided."""
        for i, of_action in state.items():
            action = self.actions[int(i)]
            assert action is not None
            action.load(of_action)

    def record(self, steps: int) -> list[dict[str, Any]]:
        """Return when each event has acted in a training of so many steps, for the arm's record."""
        records = []
        for event, action in zip(self.events, self.actions, strict=True):
            at, until = self._acted(event, steps)
            record: dict[str, Any] = {"name": event.name, "at": at, "until": until}
            if action is not None and action.frequencies is not None:
                record["frequencies"] = list(action.frequencies)
            records.append(record)
        return records

    def _acted(self, event: Event, steps: int) -> tuple[int | None, int | None]:
        begin, end = self.window(event)
        if begin is None or begin >= steps or (end is not None and end <= begin):
            return None, None
        return begin, steps if end is None else min(end, steps)
