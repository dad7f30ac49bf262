"""Recipes: their settings, their checks, their files, and the config that identifies each arm.

A `Recipe` names a task, a model, an optimizer and arms by the registries of the folders below; everything
here is checked on construction. May import `interp`, `training.cli`, `training.runs`, `training.schema`,
`training.models`, `training.tasks`, `training.pruning`, and the registries of optimizers and
parametrizations.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(
    __name__,
    {
        "Arm": "arm",
        "Criterion": "settings",
        "Measure": "settings",
        "Recipe": "recipe",
        "Setting": "settings",
        "arm_record": "arm_config",
        "current_hash": "arm_config",
        "read_recipe": "recipe_files",
        "recipe_from_dict": "build_recipe",
        "recipe_names": "recipe_files",
    },
)
