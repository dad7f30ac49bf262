"""Recipes by name, by file, and by the folder of a run; their bases and quick versions."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from training.cli.reserved_words import VERBS
from training.config.build_recipe import MADE_FROM, OLDER_FIELDS, plugin_references, recipe_from_dict
from training.config.grid import expand_grid, grid_fields, read_grid
from training.config.quick_version import quick_content, quick_note
from training.config.recipe import Recipe
from training.config.settings import Pruning
from training.config.shorthand.rounds import expand_rounds
from training.config.shorthand.templates import expand_templates
from training.schema.overrides import override
from training.schema.plain_content import parse_json, parse_toml, shown
from training.schema.registry import Registry
from training.schema.seed_ranges import expanded_seeds
from training.schema.validation import ConfigError, is_file_name, names, require

RECIPES = Path(__file__).parent.parent / "recipes"
"""Folder of the recipes that come with the package, grouped in folders by paper."""
SAVED_RECIPES = ("config.json", "recipe.toml")
"""Files of a run directory that hold all its settings."""


def _check_folder(folder: Any) -> None:
    """Raise a `ConfigError` unless recipes can be in a folder."""
    is_folder = isinstance(folder, str | Path) and Path(folder).is_dir()
    require(is_folder, "folder", "a folder of TOML files", str(folder))


RECIPE_FOLDERS: Registry[Path] = Registry("recipes", check=_check_folder)
"""Folders of recipes that plug-ins bring."""


@dataclass(frozen=True)
class GivenRecipe:
    """Recipe as a user gave it: its text, its bases, and the run that it belongs to."""

    recipe: Recipe
    text: str = ""
    """The user's TOML; empty for what a run has saved."""
    bases: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of every base's file, by the base's name or path."""
    folder: Path | None = None
    """Run directory in which a saved recipe goes on; None for other recipes."""


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
    """Return a recipe and its text; the arguments are those of `read_given_recipe`."""
    given = read_given_recipe(name, overrides, quick, most_networks)
    return given.recipe, given.text


def read_given_recipe(
    name: str, overrides: Sequence[str] = (), quick: bool = False, most_networks: int | None = None
) -> GivenRecipe:
    """Return a recipe, by name or by path, with what it was read from.

    Parameters
    ----------
    name : str
        Name of a recipe; or path of a TOML file, of the folder of a run, or of its `config.json`. A name of a
        recipe is never taken for a folder, and a path with a slash never for a name.
    overrides : sequence of str
        `field=value` texts.
    quick : bool
        Take its quick version, with a note that says so.
    most_networks : int, optional
        Number of networks above which a grid is refused.

    Raises
    ------
    ConfigError
        If there is no such recipe, or a field of it does not fit.
    """
    source = _read(name, quick)
    content = source.content
    quick_table = content.pop("quick", {})
    if quick:
        content = quick_content(content, quick_table)
    saved_name = content["name"]
    for setting in overrides:
        override(content, setting)
    _expand_seeds(content)
    if source.text:
        _check_older_fields(content)
    if "grid" in content:
        content["grid"] = dict(grid_fields(content["grid"]))  # an override may have made a nested table
    recipe = recipe_from_dict(expand_rounds(expand_grid(content, most_networks), Pruning.sparsity))
    require(recipe.name not in VERBS, "name", f"none of the commands {names(VERBS)}", recipe.name)
    if quick and not recipe.note:
        recipe = replace(recipe, note=quick_note(content, quick_table))
    folder = None if quick else source.folder
    if folder is not None and recipe.name != saved_name:  # a run beside it
        folder = folder.parent / recipe.name
    return GivenRecipe(recipe, source.text, source.bases, folder)


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


@dataclass
class _Source:
    """Content of a recipe's file, and what it was read from."""

    content: dict[str, Any]
    text: str
    path: Path
    folder: Path | None
    bases: dict[str, str]


def _read(name: str, quick: bool = False, below: Path | None = None, above: Sequence[Path] = ()) -> _Source:
    """Return a recipe's content, completed by its base's.

    For the quick version, its `[quick]` table is merged into the rest.

    Parameters
    ----------
    below : Path, optional
        Folder of the recipe whose base this is; relative paths start there.
    above : sequence of Path
        Files that are completed by this one.
    """
    source = _parsed(_path_of(name, below))
    content, folder = source.content, source.path.parent
    content.pop(MADE_FROM, None)
    if "plugins" in content:
        content["plugins"] = [_located(reference, folder) for reference in plugin_references(content)]
    quick_table = content.get("quick", {})
    require(isinstance(quick_table, Mapping), "quick", "a table of fields", quick_table)
    content = read_grid(content | {"quick": read_grid(quick_table)})
    if quick:
        content = _merged(content, content["quick"])
    _expand_seeds(content)
    if isinstance(arms := content.get("arms"), Mapping):
        content["arms"] = expand_templates(arms)
    base, base_content = content.get("base"), None
    if base is not None:
        require(isinstance(base, str), "base", "the name or the path of a recipe", base)
        above = (*above, source.path.resolve())
        is_new = _path_of(base, folder).resolve() not in above
        require(is_new, "base", "a recipe that is not made from this one", base)
        of_base = _read(base, quick, folder, above)
        base_content = of_base.content
        source.bases = {base: hashlib.sha256(of_base.path.read_bytes()).hexdigest(), **of_base.bases}
    source.content = completed_by_base(content, base_content)
    return source


def _path_of(name: str, below: Path | None = None) -> Path:
    """Return the file of a recipe, or of a run's settings, by its name or its path.

    Parameters
    ----------
    below : Path, optional
        Folder of the recipe whose base this is.
    """
    paths, what = _recipe_paths(), "RECIPE" if below is None else "base"
    if name in paths:
        return paths[name]
    path = (below or Path()) / name
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise ConfigError(f"{what}: expected the folder of a run, and {path} has no config.json")
        return (path if path.name not in ("", "..") else path.resolve()) / "config.json"
    if path.suffix not in (".toml", ".json") and not {"/", os.sep} & set(name):
        expected = f"one of {names(paths)}, a .toml file or the folder of a run"
        raise ConfigError(f"{what}: expected {expected}, got {shown(name)}")
    if not path.is_file():
        raise ConfigError(f"{what}: expected a file or the folder of a run, and {path} is neither")
    return path


def _parsed(path: Path) -> _Source:
    """Return the content of a recipe's file, with a name."""
    try:
        text = path.read_text()
        content = (parse_json if path.suffix == ".json" else parse_toml)(text)
    except ValueError as error:  # no TOML, no text, nested too deeply, a number too large
        raise ConfigError(f"{path.name}: not {path.suffix[1:].upper()}: {error}") from None
    require(isinstance(content, dict), path.name, "a table of fields", content)
    folder = path.parent.resolve() if path.parent.name in ("", "..") else path.parent
    is_begun = (folder / "arms").is_dir() or (folder / "provenance.json").is_file()
    is_in_run = is_begun and (folder / "config.json").is_file()
    if not is_in_run:
        content.setdefault("name", path.stem)
        return _Source(content, text, path, None, {})
    label = {"name": folder.name} if is_file_name(folder.name) else {}
    if path.name not in SAVED_RECIPES:
        return _Source(label | content, text, path, None, {})
    require("arms" in content, "RECIPE", "a run with a recipe", f"{folder}, which holds adopted weights")
    return _Source(content | label, "", path, folder, {})


def _check_older_fields(content: Mapping[str, Any]) -> None:
    """Refuse fields that only saved configs of older versions have."""
    measure = content.get("measure")
    if isinstance(measure, Mapping):
        for field in sorted(OLDER_FIELDS & measure.keys()):
            example = "measure.checkpoints = [{every = 1000}, {every = 100, last = 2000}]"
            require(False, f"measure.{field}", f"grids, as {example}", measure[field])


def _expand_seeds(content: dict[str, Any]) -> None:
    """Replace ranges of seeds in place."""
    if "seeds" in content:
        content["seeds"] = expanded_seeds(content["seeds"])


def _located(reference: str, folder: Path) -> str:
    """Return a plug-in's reference; a file beside the recipe becomes an absolute path."""
    beside_recipe = folder / reference
    return str(beside_recipe.resolve()) if beside_recipe.is_file() else reference


def completed_by_base(
    content: Mapping[str, Any], base_content: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return a recipe's content completed by that of its `base`, another recipe.

    Tables are merged field by field, `quick` among them. Of the base's arms only those listed in `base_arms`
    are taken; its name, collection, `about` and search for a sparsity are not. Plug-ins of both are needed.
    """
    content = dict(content)
    base, base_arms = content.pop("base", None), content.pop("base_arms", [])
    is_list = isinstance(base_arms, list) and all(isinstance(name, str) for name in base_arms)
    require(is_list, "base_arms", "a list of names of the base's arms", base_arms)
    if base_content is None:
        require(not base_arms, "base_arms", "none without a base", base_arms)
        return content
    base_content = dict(base_content)
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
