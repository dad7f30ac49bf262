"""Recipes from nested plain values, and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from training.config.recipe import Recipe
from training.models.registry import MODELS
from training.optimization.events import EVENTS, Event
from training.optimization.optimizers import OPTIMIZERS
from training.schema.plugins import load_plugins
from training.schema.registry import Registry
from training.schema.toml_text import toml_document
from training.schema.validation import build, names, require, to_dict
from training.tasks.registry import TASKS

CLASSES: dict[str, tuple[Registry, str]] = {
    "task": (TASKS, "add"),
    "model": (MODELS, "embed_mlp"),
    "optimizer": (OPTIMIZERS, "adamw"),
}
"""Settings of several classes: the classes by `name`, and the default name."""
OLDER_ORDER = ("checkpoint_every", "early_checkpoint_every", "early_until")
OLDER_FIELDS = frozenset(OLDER_ORDER)
"""Fields of `measure` in configs of older versions."""
MADE_FROM = "made_from"
"""Table of a saved recipe: SHA-256 of every base, by its name or path; no setting."""
RESOLVED = "# Every setting of this run."
"""First line of a saved recipe; those of older versions hold the user's own text."""


def recipe_from_dict(content: Mapping[str, Any]) -> Recipe:
    """Return a recipe from nested plain values, as a run's config.json holds them.

    The plug-ins that it names are imported first.

    Raises
    ------
    ConfigError
        In one line that names the field, what was expected and what came.
    """
    load_plugins(plugin_references(content))
    content = in_new_fields(content)
    built: dict[str, Any] = {kind: _built(kind, content.get(kind, {}), kind) for kind in CLASSES}
    arms = content.get("arms", {})
    if isinstance(arms, Mapping):
        built["arms"] = {
            name: {**arm, **_arm_settings(arm, content, f"arms.{name}")} if isinstance(arm, Mapping) else arm
            for name, arm in arms.items()
        }
    return build(Recipe, dict(content) | built)


def in_new_fields(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config with the fields of an older version in those of today.

    Its two grids of checkpoints become a list, and its threshold is also the one that ended trainings.
    """
    measure = content.get("measure")
    if not isinstance(measure, Mapping) or not OLDER_FIELDS & measure.keys():
        return dict(content)
    values = {"checkpoint_every": 1000, "early_checkpoint_every": 100, "early_until": 2000} | dict(measure)
    every, early, until = (values.pop(name) for name in OLDER_ORDER)
    values.setdefault("stop_threshold", values.get("threshold", 0.95))
    return {
        **content,
        "measure": {**values, "checkpoints": [{"every": every}, {"every": early, "last": until}]},
    }


def recipe_content(recipe: Recipe) -> dict[str, Any]:
    """Return a recipe as nested plain values, from which `recipe_from_dict` makes it again.

    An arm's table names also fields at their default for which the recipe's table has another value.
    """
    content = to_dict(recipe)
    for name, arm in recipe.arms.items():
        for kind in CLASSES:
            table, of_arm = content["arms"][name][kind], getattr(arm, kind)
            if of_arm is not None and type(of_arm) is type(getattr(recipe, kind)):
                omitted = content[kind].keys() - table.keys()
                table |= {field: to_dict({field: getattr(of_arm, field)})[field] for field in omitted}
    return content


def recipe_text(recipe: Recipe, bases: Mapping[str, str]) -> str:
    """Return a recipe as TOML that stands alone: no base, no quick version, no grid.

    Parameters
    ----------
    bases : mapping
        SHA-256 of every base that it was made from, by name or path.
    """
    made_from = {MADE_FROM: dict(bases)} if bases else {}
    return f"{RESOLVED}\n{toml_document(recipe_content(recipe) | made_from)}"


def plugin_references(content: Mapping[str, Any]) -> list[str]:
    """Return the plug-ins that a recipe's content names."""
    references = content.get("plugins", [])
    is_list = isinstance(references, list | tuple) and all(isinstance(text, str) for text in references)
    require(is_list, "plugins", "a list of modules or Python files", references)
    return list(references)


def _built(kind: str, content: Any, where: str) -> Any:
    """Return a task, a model or an optimizer from its table."""
    return build(_class_of(kind, content, where), content, where)


def _class_of(kind: str, content: Any, where: str) -> Any:
    """Return the class that a table's `name` chooses."""
    classes, default = CLASSES[kind]
    name = content.get("name", default) if isinstance(content, Mapping) else default
    require(name in classes, f"{where}.name", f"one of {names(classes)}", name)
    return classes[name]


def _arm_settings(arm: Mapping[str, Any], content: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return an arm's task, model, optimizer and events, if it has any.

    Fields that the arm's table lacks are the recipe's, if both are of one class. An optimizer of another
    class takes those fields that it has too, as the learning rate and its warm-up.
    """
    settings: dict[str, Any] = {}
    for kind in CLASSES:
        arm_table, recipe_table = arm.get(kind), content.get(kind, {})
        if not isinstance(arm_table, Mapping):
            continue
        merged = {**recipe_table, **arm_table}
        cls = _class_of(kind, merged, f"{where}.{kind}")
        if cls is not _class_of(kind, recipe_table, kind):
            shared = {f.name for f in dataclasses.fields(cls)} if kind == "optimizer" else set()
            merged = {name: value for name, value in recipe_table.items() if name in shared} | dict(arm_table)
        settings[kind] = build(cls, merged, f"{where}.{kind}")
    if isinstance(events := arm.get("events"), list | tuple):
        settings["events"] = [_event(table, f"{where}.events[{i}]") for i, table in enumerate(events)]
    return settings


def _event(table: Any, where: str) -> Event:
    """Return an event from its table."""
    require(isinstance(table, Mapping), where, "a table of fields", table)
    name = table.get("name")
    require(name in EVENTS, f"{where}.name", f"one of {names(EVENTS)}", name)
    return build(EVENTS[name], table, where)
