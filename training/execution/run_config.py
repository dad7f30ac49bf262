"""Config of a run directory, compared with a recipe."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from training.config.build_recipe import recipe_from_dict
from training.config.recipe import Recipe
from training.runs.atomic_files import RunError
from training.runs.run_directory import RunDir
from training.schema.plain_content import shown
from training.schema.validation import ConfigError, differences, to_dict

DESCRIPTIVE = ("seeds", "about", "collection", "note", "plugins")
"""Fields in which two starts of one run may differ."""


def check_run(run: RunDir, recipe: Recipe, force: bool) -> None:
    """Raise a `RunError` if the directory holds another experiment; `force` replaces one."""
    config = run.config()
    if config is None and any(not path.name.startswith(".") for path in run.path.glob("*")):
        raise RunError(f"{run.path}: holds files but no config.json, so no run; choose another --out")
    if config is None or force:
        return
    if fields := experiment_differences(config, recipe):
        raise RunError(
            f"{run.path}: was made with another config ({'; '.join(fields)});"
            " --set name=OTHER makes a run beside it, --force replaces it"
        )


def experiment_differences(config: dict[str, Any], recipe: Recipe) -> list[str]:
    """Return the fields in which a run's config is another experiment than the recipe."""
    with suppress(ConfigError):  # fields added since are at their defaults
        config = to_dict(recipe_from_dict(config))
    wanted = to_dict(recipe)
    if isinstance(arms := config.get("arms"), dict):
        config = config | {"arms": _comparable(arms, wanted["arms"], recipe)}
        wanted["arms"] = _comparable(wanted["arms"], arms, recipe)
    ignored = dict.fromkeys(DESCRIPTIVE)
    return differences(config | ignored, wanted | ignored)


def write_run_config(run: RunDir, recipe: Recipe, text: str) -> None:
    """Write recipe.toml and config.json; seeds trained before stay listed."""
    config, old = to_dict(recipe), run.config()
    if old is not None and not experiment_differences(old, recipe):
        seeds = old.get("seeds")
        if not isinstance(seeds, list) or not all(isinstance(seed, int) for seed in seeds):
            raise RunError(
                f"{run.path / 'config.json'}: damaged: seeds are {shown(seeds)}, expected a list of numbers; "
                "--force trains the run anew"
            )
        config["seeds"] = sorted({*seeds, *config["seeds"]})
    run.write_recipe(text, config)


def describes_otherwise(config: dict[str, Any], recipe: Recipe) -> bool:
    """Return True if a run's note or its arms' roles are not the recipe's."""
    arms = config.get("arms")
    roles = {name: arm.get("role") for name, arm in arms.items()} if isinstance(arms, dict) else {}
    wanted = {name: arm.role for name, arm in recipe.arms.items() if name in roles}
    return config.get("note", "") != recipe.note or any(roles[name] != wanted[name] for name in wanted)


def _comparable(arms: dict[str, Any], others: dict[str, Any], recipe: Recipe) -> dict[str, Any]:
    """Return arms without their roles, and without those that only a search has added."""
    arms = {name: arm | {"role": None} if isinstance(arm, dict) else arm for name, arm in arms.items()}
    if recipe.refine is None:
        return arms
    varied = {"sparsity": 0, "role": None}
    like = to_dict(recipe.arms[recipe.refine.like]) | varied
    return {name: arm for name, arm in arms.items() if name in others or arm | varied != like}
