"""Step and evaluation of stacked arms.

Arms are stacked on a leading axis. All weights of an arm lie in one flat row, so masking, the optimizer's
update and the norms are one call each over all arms; the model sees views of it by weight name. The
parametrization decides what is trained: the weights themselves, or scores that choose among them.

Shapes: r slots, w weights of an arm in a row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from training.models.base import Model
from training.models.network import StackedProblem, Weights
from training.optimization.evaluation import Evaluation
from training.optimization.events.base import SlotRows
from training.optimization.events.engine_events import EngineEvents
from training.optimization.optimizers.base import Optimizer
from training.optimization.parametrizations.base import StackedArms
from training.optimization.parametrizations.registry import PARAMETRIZATIONS, ParametrizationSettings
from training.optimization.parametrizations.weight_rows import RowLayout
from training.optimization.slots.captured_step import CapturedStep
from training.optimization.slots.host_copy import HostCopy
from training.optimization.slots.slot_settings import SlotSettings
from training.optimization.snapshot import Snapshot
from training.optimization.updates import per_arm, update_of
from training.tasks.dataset import Dataset
from training.tasks.losses import loss_of


class StackedTraining:
    """Stacked arms of one model, one parametrization and data of one shape, trained side by side.

    Every slot has its own settings of the optimizer, its own mask and its own age, the updates done so far.

    Parameters
    ----------
    model : Model
        The network's settings.
    optimizer : Optimizer, or one per arm
        The update's settings; all of one kind.
    data : Dataset, or one per arm
        All examples; their arrays have one shape.
    starts : sequence of dict
        θ₀ of each arm by weight name; the engine computes in its dtype, float32 or float64.
    masks : sequence of dict or None
        1 = kept, per matrix name; biases are kept; None for a dense arm.
    device : str or torch.device
        Where to compute.
    parametrization : ParametrizationSettings
        What is trained; by default the weights themselves.
    takes_masks : bool
        Whether a slot may be refilled with a masked arm though no arm has a mask now.
    """

    def __init__(
        self,
        model: Model,
        optimizer: Optimizer | Sequence[Optimizer],
        data: Dataset | Sequence[Dataset],
        starts: Sequence[Weights],
        masks: Sequence[Mapping[str, np.ndarray] | None],
        device: str | torch.device = "cpu",
        parametrization: ParametrizationSettings = ParametrizationSettings(),  # noqa: B008
        takes_masks: bool = False,
    ):
        self.model, self.device, self.takes_masks = model, torch.device(device), takes_masks
        self.optimizers = per_arm(optimizer, len(starts))
        self.datasets = per_arm(data, len(starts))
        self.ages = [0] * len(starts)
        """Updates that the arm of each slot has had."""
        self.updates_before = [0] * len(starts)
        """Updates that the optimizer of each slot's arm had had when the arm began."""
        self.events = EngineEvents()
        self.is_live = [True] * len(starts)
        """False for a slot whose arm has ended: its weights stay as they are."""
        self.layout = RowLayout({name: tuple(w.shape) for name, w in starts[0].items()})
        arms = self._stacked(starts, masks, parametrization)
        self.parametrization = PARAMETRIZATIONS[parametrization.name].load()(arms)
        self.optimizer_state = {
            name: [torch.zeros_like(t) for t in self.parametrization.trained]
            for name in self.optimizers[0].state_names
        }
        self._prepare_step()

    @property
    def step(self) -> int:
        """Updates that every arm has had, where all have had as many."""
        assert len({*self.ages}) == 1
        return self.ages[0]

    def _stacked(
        self,
        starts: Sequence[Weights],
        masks: Sequence[Mapping[str, np.ndarray] | None],
        settings: ParametrizationSettings,
    ) -> StackedArms:
        weights_rw = self.layout.stack(starts)
        mask_rw = self.layout.stack_masks(masks, weights_rw.dtype)
        if mask_rw is None and self.takes_masks:
            mask_rw = torch.ones_like(weights_rw)
        return StackedArms(
            weights_rw=weights_rw.to(self.device),
            mask_rw=None if mask_rw is None else mask_rw.to(self.device),
            layout=self.layout,
            settings=settings,
        )

    def _prepare_step(self) -> None:
        """Make the views, buffers and functions of a step."""
        self.events.detach()
        self.weights_rw = self.parametrization.network_weights()
        self.grads_rw = torch.zeros_like(self.weights_rw)
        self.weights, self.grads = self.layout.views(self.weights_rw), self.layout.views(self.grads_rw)
        self._build_network()
        self._build_update()
        self._capture_step()

    def _build_network(self) -> None:
        n_slots, dtype, data = len(self.ages), self.weights_rw.dtype, self.datasets[0]
        self.evaluation = Evaluation(data, n_slots, self.device)
        self.loss = loss_of(data, n_slots, self.device, dtype)
        is_shared = all(other is data for other in self.datasets)
        assert is_shared or not self.parametrization.rebuilds_network
        for slot, other in enumerate(self.datasets):
            if other is not data:
                self.evaluation.replace_data(slot, other)
                self.loss.replace_data(slot, other)
        problem = StackedProblem(
            shapes=self.layout.shapes,
            data=data,
            loss=self.loss,
            n_arms=n_slots,
            device=self.device,
            dtype=dtype,
            datasets=None if is_shared else self.datasets,
        )
        self.network = self.parametrization.build_network(self.model.implementation(), problem)
        if not is_shared:
            self.network.require_own_data(self.model.name)

    def _build_update(self) -> None:
        """Make the update: elsewhere than on the CPU one of all slots, if the optimizer has one."""
        trained, state = self.parametrization.trained, self.optimizer_state
        self._settings: SlotSettings | None = None
        if self.device.type != "cpu":
            self._settings = SlotSettings(len(self.ages), self.device)
            self._slot_update = self.optimizers[0].slot_update(trained, state, self._settings, None)
            if self._slot_update is None:
                self._settings = None
        if self._settings is None:
            self._update = update_of(self.optimizers, trained, state, self._updates_done(), self.is_live)
            return
        for slot, is_live in enumerate(self.is_live):
            if is_live:
                self._settings.fill(slot, self.optimizers[slot], self._updates_done()[slot])

    def _capture_step(self) -> None:
        """Let the device take whole steps, where they neither draw nor need numbers of the host."""
        is_static = self.network.is_static and not self.parametrization.draws and self._settings is not None
        self._steps = CapturedStep(self._step, self.device, capturable=is_static)

    @torch.no_grad()
    def run(self, n_steps: int) -> None:
        """Train every live arm for `n_steps` more steps."""
        while self.events and n_steps > 0:
            n = self.events.begin_stretch(self, n_steps)
            self._advance(n)
            n_steps -= n
        self._advance(n_steps)

    def _advance(self, n_steps: int) -> None:
        """Train for so many steps in which no event begins or ends."""
        if after_update := self.events.after_update:
            for _ in range(n_steps):
                self._advance_plainly(1)
                for change in after_update:
                    change()
        else:
            self._advance_plainly(n_steps)

    def _advance_plainly(self, n_steps: int) -> None:
        if self._settings is not None:
            self._steps.replay(n_steps)
            self._count(n_steps)
            return
        for _ in range(n_steps):
            self._step()
            self._count(1)

    def _step(self) -> None:
        self.parametrization.write_weights(self.weights_rw, training=True)
        self.network.gradient(self.weights, self.grads)
        gradients = self.parametrization.trained_gradients(self.grads_rw)
        if self._settings is None:
            self._update(gradients, self._updates_done())
        else:
            self._slot_update(gradients)
            self._settings.advance()

    def _updates_done(self) -> list[int]:
        """Return the updates that the optimizer of each slot's arm has had."""
        if not any(self.updates_before):
            return self.ages
        return [age + before for age, before in zip(self.ages, self.updates_before, strict=True)]

    def _count(self, n_steps: int) -> None:
        self.ages = [age + n_steps * is_live for age, is_live in zip(self.ages, self.is_live, strict=True)]

    def evaluate(self) -> np.ndarray:
        """Return the metrics now, (arm, metric) as `evaluation.METRICS`."""
        return self._measured().cpu().numpy()

    def measured_snapshot(self, is_detached: bool = False, wanted: Sequence[int] = ()) -> Snapshot:
        """Return metrics, weights and states of now.

        Parameters
        ----------
        is_detached : bool
            They stay those of now while the engine trains on, by copies on its device. Otherwise they are
            good until the engine's next step.
        wanted : sequence of int
            Slots whose weights are sent to the host at once; those of others are when they are asked for.
        """
        metrics = HostCopy([self._measured()])
        if not is_detached:
            return self._snapshot(measured=metrics)
        sent = HostCopy([self.weights_rw[slot] for slot in wanted], clone=True)
        return self._snapshot(torch.clone, measured=metrics, sent=dict.fromkeys(wanted, sent))

    def arm_weights(self, slot: int) -> dict[str, np.ndarray]:
        """Return a copy of one arm's weights as last evaluated."""
        return self._snapshot().arm_weights(slot)

    def arm_state(self, slot: int) -> dict[str, Any]:
        """Return the state to continue one arm from."""
        return self._snapshot().arm_state(slot)

    @torch.no_grad()
    def _measured(self) -> Tensor:
        self.parametrization.write_weights(self.weights_rw, training=False)
        return self.evaluation.measure(self.loss, self.network.outputs(self.weights), self.weights_rw)

    def _snapshot(self, copied: Callable[[Tensor], Tensor] = lambda t: t, **on_its_way: Any) -> Snapshot:
        tensors = self._state_tensors()
        return Snapshot(
            layout=self.layout,
            ages=list(self.ages),
            weights_rw=copied(self.weights_rw),
            tensors={name: [copied(t) for t in listed] for name, listed in tensors.items()},
            extras=[self._extras(slot) for slot in range(len(self.ages))],
            **on_its_way,
        )

    def _extras(self, slot: int) -> dict[str, Any]:
        """Return what only some arms' states hold: of a random generator, of events, earlier updates."""
        before = self.updates_before[slot]
        of_branch = {"updates_before": before} if before else {}
        return self.parametrization.generator_state(slot) | self.events.state(slot) | of_branch

    def _state_tensors(self) -> dict[str, list[Tensor]]:
        return {"trained": self.parametrization.trained} | self.optimizer_state

    def slot_rows(self, slot: int) -> SlotRows:
        """Return the live weights and moments of a slot, whose arm trains its weights."""
        moments = {name: tensors[0][slot] for name, tensors in self.optimizer_state.items()}
        sums = [moments[name] for name in self.optimizers[slot].gradient_sums]
        return SlotRows(self.layout, self.parametrization.trained[0][slot], moments, sums)

    def set_optimizer(self, slot: int, optimizer: Optimizer) -> None:
        """Give a slot's arm other settings of its optimizer; its moments and count stay."""
        if optimizer != self.optimizers[slot]:
            self.optimizers[slot] = optimizer
            self._set_slot(slot)

    def _set_slot(self, slot: int) -> None:
        """Let the update know a slot's settings and age, or that it is empty."""
        if self._settings is None:
            self._build_update()
        elif self.is_live[slot]:
            self._settings.fill(slot, self.optimizers[slot], self._updates_done()[slot])
        else:
            self._settings.release(slot)
