"""Settings that affect one arm's result, and their hash."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from training.config.build_recipe import recipe_from_dict
from training.config.recipe import Recipe
from training.schema.validation import ConfigError, config_hash, names, require, to_dict


def arm_config(recipe: Recipe, arm: str, seed: int) -> dict[str, Any]:
    """Return every setting that affects one arm's result."""
    resolved = {name: dict(recipe.resolved_arms[name]) for name in recipe.lineage(arm)}
    config: dict[str, Any] = {
        "arm": arm,
        "seed": seed,
        "measure": to_dict(recipe.measure),
        "arms": resolved,
    }
    if any(recipe.arms[name].prunes for name in resolved):
        config["pruning"] = to_dict(recipe.pruning)
        for field in ("sparsity", "scope"):  # every arm has its own above
            del config["pruning"][field]
    return config


def arm_record(recipe: Recipe, arm: str, seed: int) -> dict[str, Any]:
    """Return what DONE says of an arm's config: the settings and their hash."""
    config = arm_config(recipe, arm, seed)
    return {"hash": config_hash(config), "config": config}


def current_hash(record: Mapping[str, Any]) -> str:
    """Return a recorded arm's hash, computed with the fields that recipes have now."""
    if record["hash"] != config_hash(record["config"]):  # edited by hand
        return record["hash"]
    try:
        return config_hash(with_new_fields(record["config"]))
    except ConfigError:
        return record["hash"]


def with_new_fields(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recorded arm config, fields added since at their defaults.

    Raises
    ------
    ConfigError
        If it names a field or value that no longer exists, or is no such config.
    """
    tables = {key: config[key] for key in ("measure", "pruning", "arms") if key in config}
    recipe = recipe_from_dict({"name": "recorded", **tables})
    arm, seed = config.get("arm"), config.get("seed", -1)
    require(isinstance(arm, str) and arm in recipe.arms, "arm", f"one of {names(recipe.arms)}", arm)
    require(type(seed) is int, "seed", "a whole number", seed)
    return arm_config(recipe, str(arm), seed)
