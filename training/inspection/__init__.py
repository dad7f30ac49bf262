"""Inspection of runs: their files, networks and outcomes, hooks, gradients, needs.

Nothing here trains or writes. Torch is imported when a network is built. May import `interp`,
`training.config`, `training.models`, `training.optimization`, `training.runs`, `training.schema` and
`training.tasks`.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(
    __name__,
    {
        "Network": "trained_network",
        "Run": "run",
        "hooked_checkpoints": "hooked_network",
        "load_hooked": "hooked_network",
        "open_run": "run",
        "training_gradient": "loss_gradient",
    },
)
