"""Registry of the optimizers: `OPTIMIZERS`, by the recipe's `optimizer.name`."""

from __future__ import annotations

from functools import partial

from training.optimization.optimizers.base import Optimizer
from training.schema.registry import Registry
from training.schema.validation import check_settings_class

OPTIMIZERS: Registry[type[Optimizer]] = Registry(
    "optimizer",
    {
        "adamw": "training.optimization.optimizers.adamw:AdamW",
        "sgd": "training.optimization.optimizers.sgd:SGD",
    },
    check=partial(check_settings_class, base=Optimizer),
)
