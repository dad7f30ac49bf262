"""Execution of a recipe: from its arms to finished networks in a run directory.

An `Experiment` plans and trains; the scheduler starts worker processes, which train groups of arms. The
parent process imports no torch. May import every folder of `training` but `adopt` and `bench`.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(
    __name__,
    {
        "Experiment": "experiment",
        "Job": "arms.jobs",
        "refined": "sparsity_search",
        "train_together": "joint_training",
    },
)
