"""Events: changes in the middle of a training, one file each.

An event is a settings dataclass and imports neither torch nor NumPy; its `Action` is made when an arm is
trained. `slot_events` holds the events of one arm, `engine_events` those of an engine's slots. May import
`interp`, `training.schema`, `training.models`, `training.pruning` and `training.optimization.optimizers`.
"""

from training.optimization.events.base import Event
from training.optimization.events.registry import EVENTS

__all__ = ["EVENTS", "Event"]
