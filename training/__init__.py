"""Training of dense networks, their tickets and controls, from recipes to run directories.

A recipe (`config`) names a task (`tasks`), a model (`models`), pruning methods (`pruning`) and what is
trained (`optimization`); `execution` trains its arms into a run directory (`runs`). `inspection` loads
networks with hooks, `adopt` reads other code's weights, `bench` measures speed. May import `interp`.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(
    __name__,
    {
        "METHODS": "pruning.registry",
        "MODELS": "models.registry",
        "OPTIMIZERS": "optimization.optimizers.registry",
        "PARAMETRIZATIONS": "optimization.parametrizations.registry",
        "Recipe": "config.recipe",
        "RunDir": "runs.run_directory",
        "STARTS": "pruning.registry",
        "TASKS": "tasks.registry",
        "read_recipe": "config.recipe_files",
        "recipe_names": "config.recipe_files",
    },
)
