"""Recipes as TOML files: their paths, bases and quick versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from training.config.build_recipe import plugin_references, recipe_from_dict
from training.config.grid import expand_grid, grid_fields, read_grid
from training.config.quick_version import quick_content, quick_note
from training.config.recipe import Recipe
from training.config.settings import Pruning
from training.config.shorthand.rounds import expand_rounds
from training.config.shorthand.templates import expand_templates
from training.schema.plain_content import parse_toml, shown
from training.schema.registry import Registry
from training.schema.validation import ConfigError, names, override, require

RECIPES = Path(__file__).parent.parent / "recipes"
"""Folder of the recipes that come with the package, grouped in folders by paper."""


def _check_folder(folder: Any) -> None:
    """Raise a `ConfigError` unless recipes can be in a folder."""
    is_folder = isinstance(folder, str | Path) and Path(folder).is_dir()
    require(is_folder, "folder", "a folder of TOML files", str(folder))


RECIPE_FOLDERS: Registry[Path] = Registry("recipes", check=_check_folder)
"""Folders of recipes that plug-ins bring."""


def recipe_names(collection: str | None = None) -> list[str]:
    """Return the names of the package's recipes, or of one collection's.

    Raises
    ------
    ConfigError
        If no recipe belongs to the collection; the message lists the collections.
    """
    every_name = sorted(_recipe_paths())
    if collection is None:
        return every_name
    collections = {name: read_recipe(name)[0].collection for name in every_name}
    existing = set(collections.values()) - {""}
    require(collection in existing, "--all-of", f"one of {names(existing)}", collection)
    return [name for name in every_name if collections[name] == collection]


def read_recipe(
    name: str, overrides: Sequence[str] = (), quick: bool = False, most_networks: int | None = None
) -> tuple[Recipe, str]:
    """Return a recipe and its text, by name or by a TOML file's path.

    Parameters
    ----------
    overrides : sequence of str
        `field=value` texts.
    quick : bool
        Take its quick version, with a note that says so.
    most_networks : int, optional
        Number of networks above which a grid is refused.
    """
    content, text = _read(name, quick)
    quick_table = content.pop("quick", {})
    if quick:
        content = quick_content(content, quick_table)
    for setting in overrides:
        override(content, setting)
    if "grid" in content:
        content["grid"] = dict(grid_fields(content["grid"]))  # an override may have made a nested table
    recipe = recipe_from_dict(expand_rounds(expand_grid(content, most_networks), Pruning.sparsity))
    if quick and not recipe.note:
        recipe = replace(recipe, note=quick_note(content, quick_table))
    return recipe, text


def _recipe_paths() -> dict[str, Path]:
    """Return the recipe files of the package and of plug-ins, by name."""
    paths: dict[str, Path] = {}
    folders = (
        RECIPES,
        *(folder for folder in RECIPES.iterdir() if folder.is_dir()),
        *map(Path, RECIPE_FOLDERS.values()),
    )
    for path in sorted(file for folder in folders for file in folder.glob("*.toml")):
        if path.stem in paths:
            raise ConfigError(f"{path}: another recipe has this name, {paths[path.stem]}; rename one")
        paths[path.stem] = path
    return paths


def _read(name: str, quick: bool = False, bases: Sequence[str] = ()) -> tuple[dict[str, Any], str]:
    """Return a recipe's content, completed by its base's, and its text.

    For the quick version, its `[quick]` table is merged into the rest.
    """
    paths = _recipe_paths()
    path = paths.get(name) or Path(name)
    if name not in paths:
        if path.suffix != ".toml":
            raise ConfigError(f"RECIPE: expected one of {names(paths)} or a .toml file, got {shown(name)}")
        if not path.is_file():
            raise ConfigError(f"RECIPE: expected a file, and {name} is not one")
    try:
        text = path.read_text()
        content = parse_toml(text)
    except ValueError as error:  # no TOML, no text, nested too deeply, a number too large
        raise ConfigError(f"{path.name}: not TOML: {error}") from None
    content.setdefault("name", path.stem)
    if "plugins" in content:
        content["plugins"] = [_located(reference, path.parent) for reference in plugin_references(content)]
    quick_table = content.get("quick", {})
    require(isinstance(quick_table, Mapping), "quick", "a table of fields", quick_table)
    content = read_grid(content | {"quick": read_grid(quick_table)})
    if quick:
        content = _merged(content, content["quick"])
    if isinstance(arms := content.get("arms"), Mapping):
        content["arms"] = expand_templates(arms)
    return completed_by_base(content, quick, bases), text


def _located(reference: str, folder: Path) -> str:
    """Return a plug-in's reference; a file beside the recipe becomes an absolute path."""
    beside_recipe = folder / reference
    return str(beside_recipe.resolve()) if beside_recipe.is_file() else reference


def completed_by_base(
    content: Mapping[str, Any], quick: bool = False, bases: Sequence[str] = ()
) -> dict[str, Any]:
    """Return a recipe's content completed by that of its `base`, another recipe by name.

    Tables are merged field by field, `quick` among them. Of the base's arms only those listed in `base_arms`
    are taken; its name, collection, `about` and search for a sparsity are not. Plug-ins of both are needed.

    Parameters
    ----------
    bases : sequence of str
        Recipes that are being completed by this one.
    """
    content = dict(content)
    base, base_arms = content.pop("base", None), content.pop("base_arms", [])
    is_list = isinstance(base_arms, list) and all(isinstance(name, str) for name in base_arms)
    require(is_list, "base_arms", "a list of names of the base's arms", base_arms)
    if base is None:
        require(not base_arms, "base_arms", "none without a base", base_arms)
        return content
    require(base in recipe_names(), "base", f"one of {names(recipe_names())}", base)
    require(base not in bases, "base", "a recipe that is not made from this one", base)
    base_content, _ = _read(base, quick, (*bases, base))
    for key in ("name", "about", "collection", "refine"):
        base_content.pop(key, None)
    arms = base_content.pop("arms", {})
    require(isinstance(arms, Mapping), "arms", f"a table in {base}", arms)
    for name in base_arms:
        require(name in arms, "base_arms", f"some of {names(arms)}", name)
    taken = {name: arms[name] for name in base_arms}
    merged = _merged(base_content, content)
    if plugins := [*base_content.get("plugins", []), *content.get("plugins", [])]:
        merged["plugins"] = list(dict.fromkeys(plugins))
    return merged | {"arms": _merged(taken, content.get("arms", {}))}


def _merged(below: Mapping[str, Any], above: Any) -> Any:
    """Return a table with the values of another over its own, field by field."""
    if not isinstance(above, Mapping):
        return above
    merged = dict(below)
    for key, value in above.items():
        table = merged.get(key)
        merged[key] = _merged(table, value) if isinstance(table, Mapping) else value
    return merged
