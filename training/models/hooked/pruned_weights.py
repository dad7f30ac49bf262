"""Pruned weights of a module that stay zero under any optimizer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize


class Kept(nn.Module):
    """Parametrization of a weight whose pruned entries are zero."""

    is_kept: Tensor

    def __init__(self, is_kept: Tensor):
        super().__init__()
        self.register_buffer("is_kept", is_kept, persistent=False)

    def forward(self, weight: Tensor) -> Tensor:
        """Return the weight with its pruned entries zero."""
        return weight * self.is_kept

    def right_inverse(self, weight: Tensor) -> Tensor:
        """Return what a weight is assigned from."""
        return weight * self.is_kept


def keep_pruned_zero(module: nn.Module, mask: Mapping[str, Tensor]) -> None:
    """Parametrize weights by a mask, in place.

    State dicts keep the weights' names and hold them with the pruned entries zero.

    Parameters
    ----------
    module : nn.Module
        With parameters of the names in `mask`.
    mask : mapping
        By name, True = kept.
    """
    for name, is_kept in mask.items():
        owner, _, attribute = name.rpartition(".")
        parametrize.register_parametrization(module.get_submodule(owner), attribute, Kept(is_kept))

    stored = {name: _stored_name(name) for name in mask}

    def plain_names(_: nn.Module, state: dict[str, Any], prefix: str, __: Any) -> None:
        for name, long in stored.items():
            if prefix + long in state:
                weight = state.pop(prefix + long)
                state[prefix + name] = weight * mask[name].to(weight.device)

    def stored_names(_: nn.Module, state: dict[str, Any], prefix: str, *__: Any) -> None:
        for name, long in stored.items():
            if prefix + name in state:
                state[prefix + long] = torch.as_tensor(state.pop(prefix + name))

    module.register_state_dict_post_hook(plain_names)
    module.register_load_state_dict_pre_hook(stored_names)


def _stored_name(name: str) -> str:
    """Return the name under which torch stores what a parametrized weight is made from."""
    owner, dot, attribute = name.rpartition(".")
    return f"{owner}{dot}parametrizations.{attribute}.original"
