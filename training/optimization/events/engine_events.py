"""Events of an engine's slots: they split its steps into stretches between changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from training.optimization.events.slot_events import SlotEvents

if TYPE_CHECKING:
    from training.optimization.events.base import AfterUpdate
    from training.optimization.stacked_training import StackedTraining


class EngineEvents:
    """Events by slot; most arms have none."""

    def __init__(self) -> None:
        self.by_slot: dict[int, SlotEvents] = {}
        self.after_update: list[AfterUpdate] = []
        """What is done after every update of this stretch."""
        self._is_attached = False

    def __len__(self) -> int:
        """Return the number of slots whose arms have events."""
        return len(self.by_slot)

    def put(self, slot: int, events: SlotEvents | None) -> None:
        """Give a slot's new arm its events."""
        self.by_slot.pop(slot, None)
        if events is not None:
            self.by_slot[slot] = events
        self.detach()

    def detach(self) -> None:
        """Let events take up their slots' tensors anew: they have moved, or hold other values."""
        self._is_attached, self.after_update = False, []

    def keep(self, slots: Sequence[int]) -> None:
        """Drop every arm but these; they take the first slots."""
        kept = {new: self.by_slot.get(old) for new, old in enumerate(slots)}
        self.by_slot = {slot: events for slot, events in kept.items() if events is not None}
        self.detach()

    def state(self, slot: int) -> dict[str, Any]:
        """Return the entry of a slot's saved state; none without events that have decided something."""
        state = self.by_slot[slot].state() if slot in self.by_slot else {}
        return {"events": state} if state else {}

    def load(self, slot: int, state: Mapping[str, Any]) -> None:
        """Let a slot's events go on from what they had decided."""
        if slot in self.by_slot:
            self.by_slot[slot].load(state)
        self.detach()

    def begin_stretch(self, engine: StackedTraining, n_steps: int) -> int:
        """Let events act that begin now; return the steps, `n_steps` at most, to the next change."""
        live = {slot: events for slot, events in self.by_slot.items() if engine.is_live[slot]}
        ages = engine.ages
        if not self._is_attached or any(events.changes_at(ages[slot]) for slot, events in live.items()):
            self.after_update = []
            for slot, events in live.items():
                rows = engine.slot_rows(slot)
                events.begin(ages[slot], rows)
                engine.set_optimizer(slot, events.optimizer(ages[slot]))
                self.after_update += events.attach(ages[slot], rows)
            self._is_attached = True
        return min([events.steps_to_change(ages[slot], n_steps) for slot, events in live.items()] + [n_steps])
