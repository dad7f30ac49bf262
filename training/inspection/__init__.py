"""Inspection of trained networks: with hooks, and by their gradients.

Nothing here trains or writes. Torch is imported when a network is built. May import `training.config`,
`training.models`, `training.optimization`, `training.runs`, `training.schema` and `training.tasks`.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(__name__, {"load_hooked": "hooked_network", "training_gradient": "loss_gradient"})
