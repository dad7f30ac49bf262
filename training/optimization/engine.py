"""Engine: stacked arms whose slots are restored, refilled, dropped and added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from training.models.network import Weights
from training.optimization.events.slot_events import SlotEvents
from training.optimization.optimizers.base import Optimizer
from training.optimization.parametrizations.registry import ParametrizationSettings
from training.optimization.snapshot import check_state
from training.optimization.stacked_training import StackedTraining
from training.tasks.dataset import Dataset


class Engine(StackedTraining):
    """Stacked arms, each in a slot of its own.

    A slot whose arm has ended is refilled in place: no tensor of a step is allocated anew. Parameters are
    those of `StackedTraining`.
    """

    def check_state(self, state: Mapping[str, Any]) -> None:
        """Raise a `ValueError` unless an arm here can continue from a state."""
        check_state(state, self._state_tensors())

    def restore(self, slot: int, state: Mapping[str, Any]) -> None:
        """Continue a slot's arm from its state."""
        self.parametrization.restore_slot(slot, state["trained"], state)
        for name, tensors in self.optimizer_state.items():
            for tensor, row in zip(tensors, state[name], strict=True):
                tensor[slot].copy_(row)
        self.ages[slot] = int(state["step"])
        self.updates_before[slot] = int(state.get("updates_before", 0))
        self.events.load(slot, state.get("events", {}))
        self._set_slot(slot)

    def take_moments(self, slot: int, moments: Mapping[str, Sequence[Tensor]], updates: int) -> None:
        """Let a slot's arm begin with an optimizer's tensors after that many updates.

        Only for trained weights; what a mask prunes has none.
        """
        for name, tensors in self.optimizer_state.items():
            for tensor, row in zip(tensors, moments[name], strict=True):
                tensor[slot].copy_(row)
                for mask_rw in self.parametrization.frozen:
                    tensor[slot].mul_(mask_rw[slot])
        self.updates_before[slot] = updates
        self._set_slot(slot)

    def put_events(self, slot: int, events: SlotEvents | None) -> None:
        """Give the arm of a slot its events, before it is restored or trained."""
        self.events.put(slot, events)

    def refill(
        self,
        slot: int,
        optimizer: Optimizer,
        data: Dataset,
        start: Weights,
        mask: Mapping[str, np.ndarray] | None,
        settings: ParametrizationSettings,
    ) -> None:
        """Put another arm into a slot, in place; `settings` is of this arm alone."""
        self.optimizers[slot], self.ages[slot], self.is_live[slot] = optimizer, 0, True
        self.updates_before[slot] = 0
        self.events.put(slot, None)
        self.parametrization.refill(slot, self._stacked([start], [mask], settings))
        for tensors in self.optimizer_state.values():
            for tensor in tensors:
                tensor[slot].zero_()
        self._set_slot(slot)
        is_other, self.datasets[slot] = data is not self.datasets[slot], data
        if is_other and not self.parametrization.rebuilds_network:
            self.network.require_own_data(self.model.name)
            for part in (self.evaluation, self.loss, self.network):
                part.replace_data(slot, data)
        elif self.parametrization.rebuilds_network:
            self._build_network()
            self._capture_step()

    def release(self, slot: int) -> None:
        """Leave the arm of a slot as it is from now on."""
        self.is_live[slot] = False
        self.events.put(slot, None)
        self._set_slot(slot)

    def keep(self, slots: Sequence[int], n_slots: int | None = None) -> None:
        """Drop every arm but these, with their slots; add empty slots up to a number."""
        n_empty = 0 if n_slots is None else n_slots - len(slots)
        slots = [*slots, *[0] * n_empty]
        self.parametrization.keep_arms(slots)
        self.events.keep(slots[: len(slots) - n_empty])
        self.optimizer_state = {
            name: [t[slots] for t in tensors] for name, tensors in self.optimizer_state.items()
        }
        self.optimizers, self.datasets, self.ages, self.updates_before = (
            [listed[slot] for slot in slots]
            for listed in (self.optimizers, self.datasets, self.ages, self.updates_before)
        )
        self.is_live = [self.is_live[slot] for slot in slots[: len(slots) - n_empty]] + [False] * n_empty
        self._prepare_step()
