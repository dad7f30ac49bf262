"""Adoption of weights that other code trained, as a run directory.

`state_dicts` reads files without running code of theirs, `weight_names` makes their weights this project's,
`adoption` writes them. May import `training.cli`, `training.config`, `training.inspection`,
`training.models`, `training.optimization`, `training.runs`, `training.schema` and `training.tasks`.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(
    __name__,
    {
        "Checkpoint": "state_dicts",
        "adopt_weights": "adoption",
        "read_checkpoints": "state_dicts",
        "renamed_weights": "weight_names",
    },
)
