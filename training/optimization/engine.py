"""Training step of stacked arms.

Arms are stacked on a leading axis. All weights of an arm lie in one flat row, so masking, the optimizer's
update and the norms are one call each over all arms; the model sees views of it by weight name. The
parametrization decides what is trained: the weights themselves, or scores that choose among them.

Shapes: r arms, w weights of an arm in a row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from training.models.base import Model
from training.models.network import StackedProblem, Weights
from training.optimization.evaluation import Evaluation
from training.optimization.optimizers.base import Optimizer
from training.optimization.parametrizations.base import StackedArms
from training.optimization.parametrizations.registry import PARAMETRIZATIONS, ParametrizationSettings
from training.optimization.parametrizations.weight_rows import RowLayout
from training.tasks.dataset import Dataset
from training.tasks.losses import loss_of


class Engine:
    """Stacked arms, trained in lockstep.

    They share a task, a model, an optimizer and a parametrization.

    Parameters
    ----------
    model : Model
        The network's settings.
    optimizer : Optimizer
        The update's settings.
    data : Dataset
        All examples.
    starts : sequence of dict
        θ₀ of each arm by weight name; the engine computes in its dtype, float32 or float64.
    masks : sequence of dict or None
        1 = kept, per matrix name; biases are kept; None for a dense arm.
    device : str or torch.device
        Where to compute.
    parametrization : ParametrizationSettings
        What is trained; by default the weights themselves.
    """

    def __init__(
        self,
        model: Model,
        optimizer: Optimizer,
        data: Dataset,
        starts: Sequence[Weights],
        masks: Sequence[Mapping[str, np.ndarray] | None],
        device: str | torch.device = "cpu",
        parametrization: ParametrizationSettings = ParametrizationSettings(),  # noqa: B008
    ):
        self.model, self.optimizer, self.data = model, optimizer, data
        self.device = torch.device(device)
        self.step = 0
        self.layout = RowLayout({name: tuple(w.shape) for name, w in starts[0].items()})
        self.evaluation = Evaluation(data, self.device)
        weights_rw = self.layout.stack(starts)
        mask_rw = self.layout.stack_masks(masks, weights_rw.dtype)
        arms = StackedArms(
            weights_rw=weights_rw.to(self.device),
            mask_rw=None if mask_rw is None else mask_rw.to(self.device),
            layout=self.layout,
            settings=parametrization,
        )
        self.parametrization = PARAMETRIZATIONS[parametrization.name].load()(arms)
        self.optimizer_state = {
            name: [torch.zeros_like(t) for t in self.parametrization.trained]
            for name in optimizer.state_names
        }
        self._prepare_step()

    def _prepare_step(self) -> None:
        """Make the views, buffers and functions of a step."""
        self.weights_rw = self.parametrization.network_weights()
        self.grads_rw = torch.zeros_like(self.weights_rw)
        self.weights, self.grads = self.layout.views(self.weights_rw), self.layout.views(self.grads_rw)
        n_arms, dtype = self.weights_rw.shape[0], self.weights_rw.dtype
        self.loss = loss_of(self.data, n_arms, self.device, dtype)
        problem = StackedProblem(
            shapes=self.layout.shapes,
            data=self.data,
            loss=self.loss,
            n_arms=n_arms,
            device=self.device,
            dtype=dtype,
        )
        self.network = self.parametrization.build_network(self.model.implementation(), problem)
        self._update = self.optimizer.build_update(
            self.parametrization.trained, self.optimizer_state, self.step
        )

    @torch.no_grad()
    def run(self, n_steps: int) -> None:
        """Train every arm for `n_steps` more steps."""
        for step in range(self.step, self.step + n_steps):
            self.parametrization.write_weights(self.weights_rw, training=True)
            self.network.gradient(self.weights, self.grads)
            gradients = self.parametrization.trained_gradients(self.grads_rw)
            self._update(gradients, self.optimizer.lr_at(step))
        self.step += n_steps

    @torch.no_grad()
    def evaluate(self) -> np.ndarray:
        """Return the metrics now, (arm, metric) as `evaluation.METRICS`."""
        self.parametrization.write_weights(self.weights_rw, training=False)
        return self.evaluation.measure(self.loss, self.network.outputs(self.weights), self.weights_rw)

    def arm_weights(self, row: int) -> dict[str, np.ndarray]:
        """Return a copy of one arm's weights as last evaluated."""
        return {name: w[row].cpu().numpy().copy() for name, w in self.weights.items()}

    def arm_state(self, row: int) -> dict[str, Any]:
        """Return the state to continue one arm from.

        It is the step, the trained rows and the states of the optimizer and of a random generator.
        """
        tensors = {"trained": self.parametrization.trained} | self.optimizer_state
        rows = {name: [t[row].cpu().clone() for t in listed] for name, listed in tensors.items()}
        return {"step": self.step} | rows | self.parametrization.generator_state(row)

    def check_state(self, state: Mapping[str, Any]) -> None:
        """Raise a `ValueError` unless an arm here can continue from a state."""
        expected = {"trained": self.parametrization.trained} | self.optimizer_state
        for name, tensors in expected.items():
            rows = state.get(name)
            is_list = isinstance(rows, list) and all(isinstance(row, Tensor) for row in rows)
            kinds = [(row.shape, row.dtype) for row in rows] if is_list else None  # type: ignore[union-attr]
            if kinds != [(t[0].shape, t.dtype) for t in tensors]:
                raise ValueError(f"expected {len(tensors)} rows of {name!r}, of the model's size")
            if not all(row.isfinite().all() for row in rows):  # type: ignore[union-attr]
                raise ValueError(f"expected finite numbers in {name!r}")

    def load(self, states: Sequence[dict[str, Any]]) -> None:
        """Continue from states, one per arm, at one step."""

        def stacked(name: str) -> list[Tensor]:
            by_tensor = zip(*(state[name] for state in states), strict=True)
            return [torch.stack(rows).to(self.device) for rows in by_tensor]

        self.step = int(states[0]["step"])
        assert all(state["step"] == self.step for state in states)
        self.parametrization.restore(stacked("trained"), states)
        self.optimizer_state = {name: stacked(name) for name in self.optimizer.state_names}
        self._prepare_step()

    def keep(self, rows: Sequence[int]) -> None:
        """Drop every arm but these: the others are finished."""
        self.parametrization.keep_arms(rows)
        self.optimizer_state = {
            name: [t[rows] for t in tensors] for name, tensors in self.optimizer_state.items()
        }
        self._prepare_step()
