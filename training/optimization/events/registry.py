"""Registry of the events: `EVENTS`, by the `name` of an entry of `arms.X.events`."""

from __future__ import annotations

from functools import partial

from training.optimization.events.base import Event
from training.schema.registry import Registry
from training.schema.validation import check_settings_class

_FOLDER = "training.optimization.events"

EVENTS: Registry[type[Event]] = Registry(
    "event",
    {
        "set_optimizer": f"{_FOLDER}.set_optimizer:SetOptimizer",
        "freeze": f"{_FOLDER}.freeze:Freeze",
        "prune": f"{_FOLDER}.prune:Prune",
        "remove_frequencies": f"{_FOLDER}.remove_frequencies:RemoveFrequencies",
        "transplant": f"{_FOLDER}.transplant:Transplant",
    },
    check=partial(check_settings_class, base=Event),
)
