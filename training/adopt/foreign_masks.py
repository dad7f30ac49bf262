"""Masks among a state dict's buffers, as in Minegishi et al.'s code.

A buffer `inproj.weight_mask` masks `inproj.W`, `attn.weight_maskQ` masks `attn.W_Q`, `mlp.weight_mask_in`
masks `mlp.W_in`, and `NAME_mask` masks `NAME`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence

import numpy as np

from training.adopt.state_dicts import Checkpoint
from training.models.weight_names import Shape, is_prunable
from training.runs.atomic_files import RunError

MASK = re.compile(r"(?P<module>(.*\.)?)weight_mask_?(?P<matrix>\w*)|(?P<name>.+)_mask")
"""Name of a mask's buffer: its module and matrix, or the masked weight's name."""

Arrays = dict[str, np.ndarray]


def is_mask(name: str) -> bool:
    """Return True for the name of a mask's buffer."""
    return MASK.fullmatch(name) is not None


def masks_by_weight(checkpoint: Checkpoint) -> Arrays:
    """Return a checkpoint's masks by the names of their weights, True = kept.

    Raises
    ------
    RunError
        If a mask has no weight, or another shape than its weight, or other values than 0 and 1.
    """
    masks: Arrays = {}
    for name, values in checkpoint.weights.items():
        if not is_mask(name):
            continue
        weight = _masked_weight(name, checkpoint.weights)
        if weight is None or weight in masks:
            raise RunError(f"{checkpoint}: {name}: expected the mask of one weight, got none or a second")
        shape = checkpoint.weights[weight].shape
        if values.shape != shape:
            raise RunError(
                f"{checkpoint}: {name}: expected the shape of {weight}, {shape}, got {values.shape}"
            )
        if not np.isin(values, (0, 1)).all():
            raise RunError(f"{checkpoint}: {name}: expected a mask of zeros and ones, got other values")
        masks[weight] = values == 1
    return masks


def _masked_weight(mask: str, weights: Mapping[str, np.ndarray]) -> str | None:
    """Return the name of the weight that a buffer masks; None without one."""
    match = MASK.fullmatch(mask)
    assert match is not None
    if match["name"] is not None:
        return match["name"] if match["name"] in weights else None
    names = [name for name in weights if not is_mask(name)]
    in_module = [name for name in names if name.rpartition(".")[0] == match["module"].rstrip(".")]
    if match["matrix"]:
        in_module = [name for name in in_module if name.rpartition(".")[2] == f"W_{match['matrix']}"]
    in_module = [name for name in in_module if is_prunable(name)]
    return in_module[0] if len(in_module) == 1 else None


def apply_mask(weights: Arrays, mask: Mapping[str, np.ndarray]) -> Arrays:
    """Return weights with +0 where they are pruned."""
    return weights | {name: np.where(is_kept, weights[name], 0) for name, is_kept in mask.items()}


def common_mask(
    checkpoints: Sequence[Checkpoint], masks: Sequence[Arrays], shapes: Mapping[str, Shape]
) -> Arrays | None:
    """Return the mask of all checkpoints by prunable weight; None if all is kept.

    Raises
    ------
    RunError
        If it changes between checkpoints: an arm of a run has one mask.
    """
    mask = {
        name: masks[0].get(name, np.ones(shape, bool)) for name, shape in shapes.items() if is_prunable(name)
    }
    for checkpoint, other in zip(checkpoints, masks, strict=True):
        for name, is_kept in mask.items():
            if not np.array_equal(is_kept, other.get(name, np.ones(shapes[name], bool))):
                raise RunError(
                    f"{checkpoint}: {name}: expected the mask of {checkpoints[0]}, got another; adopt the "
                    "checkpoints of each mask as an arm of its own, by --arm"
                )
    n_kept, size = sum(m.sum() for m in mask.values()), sum(m.size for m in mask.values())
    if n_kept == size:
        return None
    print(
        f"masks adopted: {n_kept / size:.3g} of {size:,} weights are kept, the others are zero",
        file=sys.stderr,
    )
    return mask
