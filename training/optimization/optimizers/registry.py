"""Registry of the optimizers: `OPTIMIZERS`, by the recipe's `optimizer.name`."""

from __future__ import annotations

from training.optimization.optimizers.base import Optimizer
from training.schema.registry import Registry

OPTIMIZERS: Registry[type[Optimizer]] = Registry(
    "optimizer",
    {
        "adamw": "training.optimization.optimizers.adamw:AdamW",
        "sgd": "training.optimization.optimizers.sgd:SGD",
    },
)
