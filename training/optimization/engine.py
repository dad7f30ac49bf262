"""The training step over arms stacked on a leading axis, and what is measured between steps.

All weights of an arm lie in one flat row, so masking, the optimizer's update and the norms are one call
each over all arms; the model sees views of it by weight name. What is trained is the form's business: the
weights themselves, or scores that choose among them.

Shapes: r arms, w weights of an arm in a row, n pairs, p classes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim.adamw import adamw

from training.architectures.registry import prunable
from training.config.recipe import Recipe
from training.config.settings import Optimizer, Setting
from training.models.linearized import TangentNetwork
from training.models.network import Weights
from training.models.registry import MODELS
from training.optimization.parametrization import (
    Biprop,
    EdgePopup,
    Form,
    Supermask,
    TrainedWeights,
    initial_scores,
)
from training.tasks.dataset import Dataset
from training.tasks.losses import loss_of, plain_loss

METRICS = ("train_loss", "test_loss", "train_acc", "test_acc", "l1", "l2")


class Engine:
    """Arms with the same task, model, optimizer and form, trained in lockstep.

    Parameters
    ----------
    model : str
        A key of MODELS.
    starts : sequence of dict
        θ₀ of each arm by weight name (float32 or float64, as the engine shall compute).
    masks : sequence of dict or None
        1 = kept, per matrix name; biases are kept; None for a dense arm.
    form : callable, optional
        Makes the form from the stacked start, (arm, weight), and the number of weights in each layer;
        by default the weights themselves are trained.
    tangent : bool
        Train the network's tangent at its start, mask applied, in place of the network.
    """

    def __init__(
        self,
        model: str,
        optimizer: Optimizer,
        data: Dataset,
        starts: Sequence[Weights],
        masks: Sequence[dict[str, np.ndarray] | None],
        device: str | torch.device = "cpu",
        form: Callable[[Tensor, Sequence[int]], Form] | None = None,
        tangent: bool = False,
    ):
        self.model, self.optimizer, self.data = model, optimizer, data
        self.device = torch.device(device)
        self.step = 0
        self.shapes = {name: tuple(w.shape) for name, w in starts[0].items()}
        self.sizes = [math.prod(shape) for shape in self.shapes.values()]
        weights_rw = torch.stack([torch.cat([w.flatten() for w in start.values()]) for start in starts])
        weights_rw = weights_rw.to(self.device)
        mask_rw = None
        if any(mask is not None for mask in masks):
            mask_rw = torch.ones_like(weights_rw, device="cpu")
            for name, kept in prunable(self._views(mask_rw)).items():
                for row, mask in zip(kept, masks, strict=True):
                    if mask is not None:
                        row.copy_(torch.from_numpy(mask[name]))
            mask_rw = mask_rw.to(self.device)
        made = TrainedWeights(weights_rw, mask_rw) if form is None else form(weights_rw, self.sizes)
        assert form is None or not tangent
        counts = np.ones(len(data.inputs)) if data.counts is None else data.counts
        self.counts_n = torch.as_tensor(counts, device=self.device)
        self.point_rw = made.network_weights().clone() if tangent else None
        moving = made.trained if optimizer.name == "adamw" else []
        self._adopt(made, *([torch.zeros_like(t) for t in moving] for _ in range(2)))

    def _adopt(self, form: Form, means: list[Tensor], squares: list[Tensor]) -> None:
        """Take these rows as the state, and cut the views and buffers that a step needs."""
        self.form, self.means, self.squares = form, means, squares
        self.weights_rw = form.network_weights()
        self.grads_rw = torch.zeros_like(self.weights_rw)
        self.steps_taken = [torch.tensor(float(self.step), device=self.device) for _ in form.trained]
        self.weights, self.grads = self._views(self.weights_rw), self._views(self.grads_rw)
        n_arms, dtype = self.weights_rw.shape[0], self.weights_rw.dtype
        self.loss = loss_of(self.data, n_arms, self.device, dtype)
        model = MODELS[self.model]
        if self.point_rw is None:
            self.network = model.network(self.shapes, self.data, self.loss, n_arms, self.device, dtype)
        else:
            point = self._views(self.point_rw)
            self.network = TangentNetwork(model.forward, point, self.data, self.loss)

    def _views(self, flat_rw: Tensor) -> Weights:
        pieces = flat_rw.split(self.sizes, dim=1)
        return {
            name: piece.unflatten(1, shape)
            for (name, shape), piece in zip(self.shapes.items(), pieces, strict=True)
        }

    @torch.no_grad()
    def run(self, n_steps: int) -> None:
        """Train every arm for `n_steps` more steps."""
        update = self._adamw if self.optimizer.name == "adamw" else self._sgd
        for step in range(self.step, self.step + n_steps):
            self.form.write(self.weights_rw, training=True)
            self.network.gradient(self.weights, self.grads)
            update(self.form.pull(self.grads_rw), self.optimizer.lr_at(step))
        self.step += n_steps

    def _adamw(self, grads: list[Tensor], lr: float) -> None:
        opt = self.optimizer
        adamw(
            self.form.trained,
            grads,
            self.means,
            self.squares,
            [],
            self.steps_taken,
            fused=True,
            amsgrad=False,
            beta1=opt.betas[0],
            beta2=opt.betas[1],
            lr=lr,
            weight_decay=opt.weight_decay,
            eps=opt.eps,
            maximize=False,
        )

    def _sgd(self, grads: list[Tensor], lr: float) -> None:
        for trained, grad in zip(self.form.trained, grads, strict=True):
            trained.mul_(1 - lr * self.optimizer.weight_decay).sub_(grad, alpha=lr)

    @torch.no_grad()
    def evaluate(self) -> np.ndarray:
        """Losses, accuracies and norms now: (arm, metric), columns as METRICS.

        NaN: accuracies where there are no classes, and what is of a test set where there is none. Norms are
        over all weights of the arm, pruned ones being zero.
        """
        self.form.write(self.weights_rw, training=False)
        values = self.loss.values(self.network.outputs(self.weights))
        parts = [slice(self.data.n_train), slice(self.data.n_train, None)]
        columns = [
            (value_rn * self.counts_n)[:, part].sum(-1) / self.counts_n[part].sum()
            for value_rn in values
            for part in parts
        ]
        norms = [self.weights_rw.abs().sum(-1).double(), self.weights_rw.norm(dim=-1).double()]
        return torch.stack(columns + norms, dim=-1).cpu().numpy()

    def arm_weights(self, row: int) -> dict[str, np.ndarray]:
        """A copy of one arm's weights by name, as last evaluated."""
        return {name: w[row].cpu().numpy().copy() for name, w in self.weights.items()}

    def arm_state(self, row: int) -> dict[str, Any]:
        """All that continuing one arm needs: the step, what is trained, the optimizer's moments."""
        rows = {"trained": self.form.trained, "mean": self.means, "square": self.squares}
        kept = {name: [t[row].cpu().clone() for t in tensors] for name, tensors in rows.items()}
        return {"step": self.step} | kept | self.form.randomness(row)

    def load(self, states: Sequence[dict[str, Any]]) -> None:
        """Continue from these states, one per arm, all at the same step."""
        self.step = int(states[0]["step"])
        assert all(state["step"] == self.step for state in states)
        trained, means, squares = (
            [torch.stack(rows).to(self.device) for rows in zip(*(s[name] for s in states), strict=True)]
            for name in ("trained", "mean", "square")
        )
        self.form.restore(trained, states)
        self._adopt(self.form, means, squares)

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these arms alone; the others are finished."""
        index = torch.tensor(rows, device=self.device)
        self.form.take(index)
        if self.point_rw is not None:
            self.point_rw = self.point_rw[index]
        self._adopt(self.form, [t[index] for t in self.means], [t[index] for t in self.squares])


def start(setting: Setting, seed: int) -> Weights:
    """θ₀ of the arms with this setting and seed."""
    return MODELS[setting.model.function].start(setting.model, setting.shapes(), seed)


def form_of(recipe: Recipe, arm: str, seeds: Sequence[int]) -> Callable[[Tensor, Sequence[int]], Form] | None:
    """What an arm trains in place of its weights, one set of scores per seed; None for the weights."""
    own = recipe.arms[arm]
    if not own.trains_scores:
        return None
    density, shapes = 1 - recipe.sparsity(arm), recipe.setting(arm).shapes()

    def make(weights_rw: Tensor, sizes: Sequence[int]) -> Form:
        scores_rw = torch.stack([initial_scores(shapes, seed) for seed in seeds]).to(weights_rw)
        if own.form == "supermask":
            draws = [torch.Generator(weights_rw.device).manual_seed(seed) for seed in seeds]
            return Supermask(weights_rw, scores_rw, sizes, own.train_weights, draws)
        kind = EdgePopup if own.form == "edge_popup" else Biprop
        return kind(weights_rw, scores_rw, sizes, density, own.train_weights)

    return make


def objective(
    setting: Setting,
) -> tuple[Callable[[Mapping[str, Tensor]], Tensor], Callable[[Tensor], Tensor]]:
    """One network's outputs on the training examples, and their mean loss, for autograd in float64."""
    data = setting.task.build()
    inputs = torch.as_tensor(data.inputs[: data.n_train])
    inputs = inputs.double() if inputs.is_floating_point() else inputs
    forward = MODELS[setting.model.function].forward
    return lambda weights: forward(weights, inputs), plain_loss(data)
