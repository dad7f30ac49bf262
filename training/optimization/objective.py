"""Objective of training in float64, for autograd.

Methods that score weights differentiate it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from training.models.base import Model
from training.tasks.dataset import Dataset
from training.tasks.losses import plain_loss


def training_objective(
    model: Model, data: Dataset
) -> tuple[Callable[[Mapping[str, Tensor]], Tensor], Callable[[Tensor], Tensor]]:
    """Return two functions: training outputs of weights, their mean loss.

    Parameters
    ----------
    model : Model
        The network's settings.
    data : Dataset
        All examples, each listed once for every time that it counts.
    """
    inputs = torch.as_tensor(data.inputs[: data.n_train])
    inputs = inputs.double() if inputs.is_floating_point() else inputs
    forward = model.implementation().forward
    return lambda weights: forward(weights, inputs), plain_loss(data)
