"""Settings that affect one arm's result, and their hash."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from training.config.build_recipe import recipe_from_dict
from training.config.recipe import Recipe
from training.schema.validation import ConfigError, config_hash, names, require, to_dict

NOT_IN_IDENTITY = ("checkpoints", "threshold", "max_steps")
"""Fields of `measure` and of arms that decide no weight of a step: when they are saved, how it is reported,
and how long training may take."""


def arm_config(recipe: Recipe, arm: str, seed: int) -> dict[str, Any]:
    """Return every setting that affects one arm's result."""
    resolved = {name: recipe.resolved(name) for name in recipe.lineage(arm)}
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


def identity_part(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what decides an arm's weights step by step.

    When weights are saved, from which accuracy on a report counts, and how long an arm is trained at most are
    no part of it; what ends a training before that, and what an event waits for, is.
    """
    measure = {key: value for key, value in config["measure"].items() if key not in NOT_IN_IDENTITY}
    arms = {
        name: {key: value for key, value in arm.items() if key not in NOT_IN_IDENTITY}
        for name, arm in config["arms"].items()
    }
    return {**config, "measure": measure, "arms": arms}


def identity_hash(config: Mapping[str, Any]) -> str:
    """Return the hash of an arm config's `identity_part`."""
    return config_hash(identity_part(config))


def arm_record(recipe: Recipe, arm: str, seed: int) -> dict[str, Any]:
    """Return what DONE says of an arm's config: the settings and their hash."""
    config = arm_config(recipe, arm, seed)
    return {"hash": identity_hash(config), "config": config}


def current_hash(record: Mapping[str, Any]) -> str:
    """Return a recorded arm's hash, computed with the fields that recipes have now.

    Older versions hashed the whole config.
    """
    try:
        if record["hash"] not in (config_hash(record["config"]), identity_hash(record["config"])):
            return record["hash"]  # edited by hand
        return identity_hash(with_new_fields(record["config"]))
    except (ConfigError, KeyError, AttributeError, TypeError):  # no config of an arm
        return record["hash"]


def recorded_recipe(config: Mapping[str, Any]) -> Recipe:
    """Return a recipe of a recorded arm config's lineage.

    Raises
    ------
    ConfigError
        If it names a field or value that no longer exists, or is no such config.
    """
    tables = {key: config[key] for key in ("measure", "pruning", "arms") if key in config}
    return recipe_from_dict({"name": "recorded", **tables})


def with_new_fields(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recorded arm config, fields added since at their defaults.

    Raises
    ------
    ConfigError
        If it names a field or value that no longer exists, or is no such config.
    """
    recipe = recorded_recipe(config)
    arm, seed = config.get("arm"), config.get("seed", -1)
    require(isinstance(arm, str) and arm in recipe.arms, "arm", f"one of {names(recipe.arms)}", arm)
    require(type(seed) is int, "seed", "a whole number", seed)
    return arm_config(recipe, str(arm), seed)
