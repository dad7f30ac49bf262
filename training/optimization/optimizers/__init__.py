"""Optimizers: one file each, with its settings and its update.

Settings are plain dataclasses and import neither torch nor NumPy; torch is imported when an update is built.
May import `training.schema`, `training.models.kernels` and `training.optimization.slots`.
"""

from training.optimization.optimizers.adamw import AdamW
from training.optimization.optimizers.base import Optimizer
from training.optimization.optimizers.registry import OPTIMIZERS
from training.optimization.optimizers.sgd import SGD

__all__ = ["OPTIMIZERS", "SGD", "AdamW", "Optimizer"]
