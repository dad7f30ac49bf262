"""Adoption of weights that other code trained, as a run directory.

`weight_files` reads files and the configs in them without running code of theirs, `state_dicts` their
checkpoints; `foreign_config` checks the configs; `renaming`, `weight_names` and `foreign_masks` make their
weights and masks this project's; `training_pairs` and `curves` read what was recorded of the training;
`network_check` compares the network with its task; `adoption` decides, and `written_arm` writes. May import
`training.cli`, `training.config`, `training.inspection`, `training.models`, `training.optimization`,
`training.runs`, `training.schema` and `training.tasks`.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(
    __name__,
    {
        "Checkpoint": "state_dicts",
        "RenamedWeights": "weight_names",
        "adopt_weights": "adoption",
        "read_checkpoints": "state_dicts",
        "renamed_weights": "weight_names",
    },
)
