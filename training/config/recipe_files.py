"""Recipes as TOML files: where they are, what one takes over from another, arms that stand for many."""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from training.config.build_recipe import recipe_from_dict
from training.config.quick_version import note_of, shortened
from training.config.recipe import Recipe
from training.schema.validation import ConfigError, names, override, require

RECIPES = Path(__file__).parent.parent / "recipes"


def recipe_names(collection: str | None = None) -> list[str]:
    """Names of the recipes that come with the package; only those of one collection, if it is named.

    Raises
    ------
    ConfigError
        If no recipe belongs to the collection; the message lists those there are.
    """
    found = sorted(path.stem for path in RECIPES.glob("*.toml"))
    if collection is None:
        return found
    of = {name: read_recipe(name)[0].collection for name in found}
    known = names(set(of.values()) - {""})
    require(collection in set(of.values()) - {""}, "--all-of", f"one of {known}", collection)
    return [name for name in found if of[name] == collection]


def read_recipe(name: str, overrides: Sequence[str] = (), quick: bool = False) -> tuple[Recipe, str]:
    """A recipe by name or by the path of a TOML file, with `field=value` overrides; and its text.

    `quick` is its quick version, with a note that says so.
    """
    content, text = _read(name, quick)
    said = content.pop("quick", {})
    if quick:
        content = shortened(content, said)
    for setting in overrides:
        override(content, setting)
    recipe = recipe_from_dict(content)
    if quick and not recipe.note:
        recipe = replace(recipe, note=note_of(content, said))
    return recipe, text


def _read(name: str, quick: bool = False) -> tuple[dict[str, Any], str]:
    """A recipe's content, completed by its base's; for the quick version what `quick` says is merged in."""
    path = RECIPES / f"{name}.toml"
    if not path.is_file():
        path = Path(name)
        if path.suffix != ".toml":
            raise ConfigError(
                f"RECIPE: expected one of {names(recipe_names())} or a .toml file, got {name!r}"
            )
        if not path.is_file():
            raise ConfigError(f"RECIPE: expected a file, and {name} is not one")
    try:
        text = path.read_text()
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name}: not TOML: {error}") from None
    content.setdefault("name", path.stem)
    said = content.get("quick", {})
    require(isinstance(said, Mapping), "quick", "a table of fields", said)
    if quick:
        content = _merged(content, said)
    if isinstance(arms := content.get("arms"), Mapping):
        content["arms"] = expanded(arms)
    return based(content, quick), text


def based(content: Mapping[str, Any], quick: bool = False) -> dict[str, Any]:
    """A recipe's content completed by that of its `base`, another recipe by name.

    Tables are merged field by field, `quick` among them. Of the base's arms only those listed in `base_arms`
    are taken over; its name, collection, `about` and search for a sparsity are not.
    """
    content = dict(content)
    base, wanted = content.pop("base", None), content.pop("base_arms", [])
    if base is None:
        require(not wanted, "base_arms", "none without a base", wanted)
        return content
    require(base in recipe_names(), "base", f"one of {names(recipe_names())}", base)
    below, _ = _read(base, quick)
    for key in ("name", "about", "collection", "refine"):
        below.pop(key, None)
    arms = below.pop("arms")
    for name in wanted:
        require(name in arms, "base_arms", f"some of {names(arms)}", name)
    taken = {name: arms[name] for name in wanted}
    merged = _merged(below, content)
    return merged | {"arms": _merged(taken, content.get("arms", {}))}


def _merged(below: Mapping[str, Any], above: Any) -> Any:
    if not isinstance(above, Mapping):
        return above
    found = dict(below)
    for key, value in above.items():
        held = found.get(key)
        found[key] = _merged(held, value) if isinstance(held, Mapping) else value
    return found


PLACE = re.compile(r"\{([\w.]+)\}")


def expanded(arms: Mapping[str, Any]) -> dict[str, Any]:
    """Arms, those whose name holds a field in braces once for every value that they list for it.

    The value takes the braces' place in the name, and in every text that the arm's table holds.

    Raises
    ------
    ConfigError
        If such a field is not a list of one value or more, or the name holds more than one field.

    Examples
    --------
    >>> expanded({"at_{sparsity}": {"method": "random", "sparsity": [0.5, 0.9]}})["at_0.9"]
    {'method': 'random', 'sparsity': 0.9}
    """
    found: dict[str, Any] = {}
    for name, arm in arms.items():
        places = PLACE.findall(name)
        if not places:
            found[name] = arm
            continue
        require(len(places) == 1, "arms", "a name with one field in braces at most", name)
        *tables, field = places[0].split(".")
        table = arm
        for key in tables:
            table = table.get(key) if isinstance(table, Mapping) else None
        values = table.get(field) if isinstance(table, Mapping) else None
        some = isinstance(values, list) and len(values) > 0
        require(some, f"arms.{name}.{places[0]}", "a list of values", values)
        for value in values or ():
            one = copy.deepcopy(arm)
            table = one
            for key in tables:
                table = table[key]
            table[field] = value
            filled = {key: PLACE.sub(str(value), v) if isinstance(v, str) else v for key, v in one.items()}
            found[PLACE.sub(str(value), name)] = filled
    return found
