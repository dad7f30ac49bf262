"""Activation functions of He et al.'s network, and their slopes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor


class Activation(NamedTuple):
    """Function of one variable and its slope."""

    value: Callable[..., Tensor]
    """Of x, written into `out` if that is given."""
    slope_: Callable[[Tensor], Tensor]
    """Of x, written over x."""


def _relu(x: Tensor, out: Tensor | None = None) -> Tensor:
    return torch.relu(x) if out is None else torch.clamp(x, min=0, out=out)


def _softplus(x: Tensor, out: Tensor | None = None) -> Tensor:
    return torch.logaddexp(x, x.new_zeros(()), out=out)


ACTIVATIONS = {
    "relu": Activation(_relu, lambda x: x.gt_(0)),
    "square": Activation(torch.square, lambda x: x.mul_(2)),
    "abs": Activation(torch.abs, torch.Tensor.sign_),
    "cube": Activation(partial(torch.pow, exponent=3), lambda x: x.square_().mul_(3)),
    "fourth": Activation(partial(torch.pow, exponent=4), lambda x: x.pow_(3).mul_(4)),
    "exp": Activation(torch.exp, torch.Tensor.exp_),
    "softplus": Activation(_softplus, torch.Tensor.sigmoid_),
}
