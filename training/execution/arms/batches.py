"""Batches of arms: which can be trained together, and how many fit into memory."""

from __future__ import annotations

import functools
from collections.abc import Hashable

from training.config.settings import Setting
from training.execution.arms.jobs import ArmTask
from training.optimization.parametrizations.registry import PARAMETRIZATIONS

MOST_SLOTS = 1024
"""Arms in one batch at most: more of them gain nothing."""
SHARE_OF_MEMORY = 0.8
"""Of a GPU's free memory, for the tensors of a batch."""


def batch_kind(task: ArmTask) -> Hashable:
    """Return what arms of one batch have in common.

    It is the shapes of network and data, and what is trained. Seeds, masks, sparsities, starts, splits and
    settings of the optimizer may differ.
    """
    arm, setting, every = task.arm, task.setting, task.recipe.measure.eval_every
    age = (task.files.state_step() or 0) if task.files.has_state() else 0
    data = setting.task if PARAMETRIZATIONS[arm.form].shares_data else None
    settings = (arm.form, arm.train_weights, type(setting.optimizer), every, age % every, data)
    return settings + _shapes(setting)


@functools.lru_cache(maxsize=256)
def _shapes(setting: Setting) -> tuple[Hashable, ...]:
    """Return the shapes of a setting's network and data."""
    data = setting.examples()
    arrays = (data.inputs, data.labels, data.targets, data.counts)
    shapes = [None if array is None else (array.shape, array.dtype.kind) for array in arrays]
    return (setting.model.function, *setting.shapes().items(), *shapes, data.n_train)


def slots_that_fit(task: ArmTask, device: str) -> int:
    """Return how many arms like this one fit into the memory of the device."""
    if not device.startswith("cuda"):
        return MOST_SLOTS
    import torch

    from training.inspection.resource_estimate import engine_bytes

    free, _ = torch.cuda.mem_get_info(device)
    per_arm = engine_bytes(task.setting, 1, task.arm.form)
    return max(1, min(MOST_SLOTS, int(SHARE_OF_MEMORY * free / per_arm)))
