"""Plug-ins that a recipe's arms need, and arms whose plug-ins are missing."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.config.build_recipe import CLASSES
from training.optimization.events.registry import EVENTS
from training.optimization.parametrizations.registry import PARAMETRIZATIONS
from training.pruning.registry import METHODS, STARTS
from training.schema.plugins import PluginError, load_plugins, plugin_of
from training.schema.registry import Registry

if TYPE_CHECKING:
    from training.config.recipe import Recipe

SCRIPT = "__main__"
"""Module of a script or notebook, which other processes cannot import."""
ARM_FIELDS: dict[str, tuple[Registry, str]] = {
    "method": (METHODS, "none"),
    "start": (STARTS, "rewind"),
    "form": (PARAMETRIZATIONS, "weights"),
}
"""Fields of an arm that name a registered object, with their defaults."""


def registered_names(recipe: Recipe, arm: str) -> Iterator[tuple[Registry, str]]:
    """Yield what an arm and its sources are made of: registry and name."""
    for name in recipe.lineage(arm):
        yield from _names_of(recipe, name)


def _names_of(recipe: Recipe, name: str) -> Iterator[tuple[Registry, str]]:
    """Yield what one arm needs, without its sources."""
    setting = recipe.setting(name)
    for kind, (classes, _) in CLASSES.items():
        yield classes, getattr(setting, kind).name
    for field, (registry, _) in ARM_FIELDS.items():
        yield registry, getattr(recipe.arms[name], field)
    for event in recipe.arms[name].events:
        yield EVENTS, event.name


def used_plugins(recipe: Recipe) -> list[str]:
    """Return what names the plug-ins that a recipe's arms need."""
    origins = (
        plugin_of(registry.origin(name))
        for arm in recipe.arms
        for registry, name in _names_of(recipe, arm)
        if name in registry
    )
    return list(dict.fromkeys(origin for origin in origins if origin not in (None, SCRIPT)))


def names_defined_in_script(recipe: Recipe) -> list[str]:
    """Return what of a recipe a script or notebook has registered, as "task 'max'"."""
    return sorted(
        {
            f"{registry.kind} {name!r}"
            for arm in recipe.arms
            for registry, name in _names_of(recipe, arm)
            if name in registry and registry.origin(name) == SCRIPT
        }
    )


def load_recorded_plugins(config: Mapping[str, Any], run: Path) -> None:
    """Import the plug-ins that a run's config names; missing ones are named on stderr."""
    references = config.get("plugins", [])
    for reference in references if isinstance(references, list) else []:
        try:
            load_plugins([str(reference)], outside=run)
        except PluginError as error:
            print(f"{run}: {error}", file=sys.stderr)


def without_unknown_arms(config: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return a run's config without arms that need what no plug-in here defines.

    Returns
    -------
    config : dict
        With the arms that can be read.
    reasons : dict
        By arm left out: what it needs.
    """
    arms = config.get("arms")
    if not isinstance(arms, Mapping):
        return dict(config), {}
    reasons: dict[str, str] = {}
    for name, arm in arms.items():
        if isinstance(arm, Mapping) and (missing := _missing_name(config, arm)):
            reasons[name] = f"needs {missing}, which no plug-in loaded here defines"
    while True:  # arms that were taken from those
        orphans = {
            name: f"its source {arm['source']} is left out"
            if arm.get("source") in reasons
            else "an event reads an arm that is left out"
            for name, arm in arms.items()
            if isinstance(arm, Mapping) and name not in reasons and _reads(arm, reasons)
        }
        if not orphans:
            break
        reasons |= orphans
    readable = {name: arm for name, arm in arms.items() if name not in reasons}
    common = {
        kind: _default_table(classes, default, config[kind])
        for kind, (classes, default) in CLASSES.items()
        if kind in config and _table_name(config, {}, kind) not in classes
    }
    return {**config, "arms": readable, **common}, reasons


def _reads(arm: Mapping[str, Any], arms: Collection[str]) -> bool:
    """Return True if a recorded arm's source, or an arm that an event of it names, is one of these."""
    named = [arm.get("source"), *(value for event in _event_tables(arm) for value in event.values())]
    return any(isinstance(name, str) and name in arms for name in named)


def _event_tables(arm: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the tables of a recorded arm's events."""
    events = arm.get("events")
    return [event for event in events if isinstance(event, Mapping)] if isinstance(events, list) else []


def _default_table(classes: Registry, default: str, table: Any) -> dict[str, Any]:
    """Return a table's fields that the default class has too.

    Only arms with a table of their own are then left, and these take what is shared from it.
    """
    shared = {field.name for field in dataclasses.fields(classes[default])} - {"name"}
    return {name: value for name, value in table.items() if name in shared}


def _table_name(config: Mapping[str, Any], arm: Mapping[str, Any], kind: str) -> str:
    """Return the name of an arm's task, model or optimizer."""
    tables = (table.get(kind) for table in (arm, config))
    names = (table["name"] for table in tables if isinstance(table, Mapping) and "name" in table)
    return next(names, CLASSES[kind][1])


def _missing_name(config: Mapping[str, Any], arm: Mapping[str, Any]) -> str | None:
    """Return the first registered object that an arm needs and that is not there."""
    named: list[tuple[Registry, Any]] = [
        (classes, _table_name(config, arm, kind)) for kind, (classes, _) in CLASSES.items()
    ]
    named += [(registry, arm.get(field, default)) for field, (registry, default) in ARM_FIELDS.items()]
    named += [(EVENTS, event.get("name")) for event in _event_tables(arm)]
    return next(
        (
            f"{registry.kind} {name!r}"
            for registry, name in named
            if isinstance(name, str) and name not in registry and (registry, name) != (METHODS, "none")
        ),
        None,
    )
