"""Training of dense networks, their tickets and controls, from recipes to run directories.

A recipe (`config`) names a task (`tasks`), a model (`models`), pruning methods (`pruning`) and what is
trained (`optimization`); `execution` trains its arms into a run directory (`runs`, which also hands runs
on). `inspection` loads networks with hooks, `adopt` reads other code's weights, `api` is training from
Python, `bench` measures speed. May import `interp`.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(
    __name__,
    {
        "EvaluatedNetwork": "execution.arms.jobs",
        "EVENTS": "optimization.events.registry",
        "METHODS": "pruning.registry",
        "MODELS": "models.registry",
        "OPTIMIZERS": "optimization.optimizers.registry",
        "PARAMETRIZATIONS": "optimization.parametrizations.registry",
        "Recipe": "config.recipe",
        "Run": "inspection.run",
        "RunDir": "runs.run_directory",
        "STARTS": "pruning.registry",
        "TASKS": "tasks.registry",
        "adopt_weights": "adopt.adoption",
        "export_run": "api.handing_on",
        "export_weights": "api.handing_on",
        "import_run": "api.handing_on",
        "hooked_checkpoints": "inspection.hooked_network",
        "load_hooked": "inspection.hooked_network",
        "load_plugins": "schema.plugins",
        "load_recipe": "api.training_run",
        "merge_runs": "api.handing_on",
        "open_run": "inspection.run",
        "read_recipe": "config.recipe_files",
        "recipe_names": "config.recipe_files",
        "train": "api.training_run",
        "verify_run": "api.handing_on",
    },
)
