"""Tasks: one file per family, with its settings, examples and split.

`dataset` is the base of all and `registry` lists them. `losses` imports torch, and so does `he_split` when it
draws; the rest needs NumPy alone. May import `training.schema` and `training.models.kernels`.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(
    __name__,
    {
        "Dataset": "dataset",
        "Loss": "losses",
        "TASKS": "registry",
        "Task": "dataset",
        "he_width": "he_split",
        "loss_of": "losses",
        "plain_loss": "losses",
    },
)
