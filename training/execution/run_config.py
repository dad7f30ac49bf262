"""Config of a run: the union of what its folder holds and of a recipe."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from training.config.arm import Arm
from training.config.arm_config import arm_config, arm_record, identity_part
from training.config.build_recipe import CLASSES, MADE_FROM, recipe_content, recipe_from_dict, recipe_text
from training.config.plugin_use import load_recorded_plugins, used_plugins
from training.config.recipe import Recipe
from training.execution.arms.jobs import Job
from training.runs.arm_directory import ArmDir
from training.runs.atomic_files import RunError
from training.runs.run_directory import RunDir
from training.schema.plain_content import parse_toml, shortened
from training.schema.validation import ConfigError, differences

NOT_REWRITTEN = ("name", "about", "collection", "plugins")
"""Fields whose change alone writes no new config."""
BESIDE = "--set name=OTHER makes a run beside it"


def merged_recipe(run: RunDir, recipe: Recipe, replaced: Collection[Job] = ()) -> Recipe:
    """Return a run's recipe after a start: arms and seeds of the folder, and those of the start's recipe.

    Parameters
    ----------
    replaced : collection of Job
        Networks of the run that the start moves aside.

    Raises
    ------
    RunError
        If the folder holds something else than a run, or a network of another config; the fields that differ
        are named.
    """
    config = run.config()
    if config is None:
        if any(not path.name.startswith(".") for path in run.path.glob("*")):
            raise RunError(f"{run.path}: holds files but no config.json, so no run; choose another --out")
        return recipe
    _check_not_adopted(run)
    moved = set(replaced)
    trained = [
        files for files in run.arms() if files.is_trained() and Job(files.arm, files.seed) not in moved
    ]
    try:
        what = f"{run.path / 'config.json'}: not a recipe that this version can read"
        old = _recorded_recipe(run, config)
        what = f"{run.path}: its arms do not fit this recipe"
        union = _union(old, recipe, old.arms)
    except ConfigError as error:
        if not trained:
            return recipe
        raise RunError(f"{what}: {error}; {BESIDE}") from None
    changed = _changed_arms(old, union)
    if conflicts := [files for files in trained if files.arm in changed]:
        raise RunError(_refusal(run, old, union, recipe, conflicts))
    if not changed:
        return union
    # The arms that differ are planned only: the recipe decides about them.
    union = _union(old, recipe, old.arms.keys() - changed)
    return union if trained else replace(union, seeds=recipe.seeds)


def united(old: Recipe, recipe: Recipe) -> Recipe:
    """Return the union of the arms and seeds of two runs' recipes.

    Raises
    ------
    ConfigError
        If an arm of both has different settings; the fields that differ are named.
    """
    union = _union(old, recipe, old.arms)
    if changed := _changed_arms(old, union):
        arms = {name for arm in changed for name in old.lineage(arm)}
        raise ConfigError("; ".join(_differing_fields(old, union, arms)))
    return union


def write_run_config(
    run: RunDir, union: Recipe, given: str = "", bases: Mapping[str, str] | None = None
) -> None:
    """Write recipe.toml and config.json, resolved, and the user's text.

    Parameters
    ----------
    bases : mapping, optional
        SHA-256 of every base of the recipe, by name or path; by default those recorded.
    """
    bases = recorded_bases(run) if bases is None else bases
    run.write_recipe(recipe_text(union, bases), recipe_content(union), given)


def recorded_bases(run: RunDir) -> dict[str, Any]:
    """Return the SHA-256 of every base that a run's recipe was made from."""
    with suppress(ValueError):  # a text edited by hand; it is written anew
        made_from = parse_toml(run.recipe_text()).get(MADE_FROM)
        return dict(made_from) if isinstance(made_from, Mapping) else {}
    return {}


def changed_bases(run: RunDir, bases: Mapping[str, str]) -> list[str]:
    """Return a line per base that has changed since the run's recipe was made from it."""
    recorded = recorded_bases(run)
    return [
        f"{run.path}: base {base} has changed since this run was made from it "
        f"(SHA-256 {str(recorded[base])[:12]}… → {digest[:12]}…)"
        for base, digest in bases.items()
        if recorded.get(base, digest) != digest
    ]


def describes_otherwise(run: RunDir, union: Recipe) -> bool:
    """Return True if a run's config has other arms, seeds, roles or notes than its recipe."""
    config = run.config()
    if config is None:
        return False
    ignored = dict.fromkeys(NOT_REWRITTEN)
    with suppress(ConfigError):  # fields added since are at their defaults
        config = recipe_content(_recorded_recipe(run, config))
    return config | ignored != recipe_content(union) | ignored


def kept_arms(recipe: Recipe, union: Recipe) -> list[str]:
    """Return the arms of a run that a start's recipe does not have."""
    return [name for name in union.arms if name not in recipe.arms]


def adopted_arms(run: RunDir) -> list[ArmDir]:
    """Return the networks of a run that other code has trained."""
    if run.provenance() is not None:
        return []
    return [files for files in run.arms() if files.has_checkpoints() and not files.is_begun()]


def _check_not_adopted(run: RunDir) -> None:
    """Raise a `RunError` if a folder holds adopted weights."""
    if adopted := adopted_arms(run):
        raise RunError(
            f"{run.path}: holds weights that other code trained ({_listed(adopted)}), "
            f"which no recipe can replace; {BESIDE}"
        )


def _recorded_recipe(run: RunDir, config: Mapping[str, Any]) -> Recipe:
    """Return the recipe of a run's config; plug-ins are imported if it needs them."""
    with suppress(ConfigError):  # a plug-in may have moved, and be loaded already
        return recipe_from_dict({**config, "plugins": []})
    load_recorded_plugins(config, run.path)
    return recipe_from_dict({**config, "plugins": []})


def _union(old: Recipe, recipe: Recipe, wanted: Collection[str]) -> Recipe:
    """Return a recipe with the arms of an older one that it does not have, as they were.

    Parameters
    ----------
    wanted : collection of str
        Arms of the older one to keep, if their sources are kept too.
    """
    kept = {
        name: _with_tables(old, name, recipe)
        for name in old.arms
        if name not in recipe.arms and all(arm in wanted or arm in recipe.arms for arm in old.lineage(name))
    }
    arms = dict(recipe.arms)
    if kept:  # in the older order
        arms = {
            name: kept.get(name) or arms[name] for name in old.arms if name in kept or name in arms
        } | arms
    if set(seeds := old.seeds) != {*seeds, *recipe.seeds}:
        seeds = tuple(sorted({*seeds, *recipe.seeds}))
    if not kept:
        return replace(recipe, seeds=seeds)
    union = replace(recipe, arms=arms, seeds=seeds)
    return replace(union, plugins=tuple(dict.fromkeys([*recipe.plugins, *used_plugins(union)])))


def _with_tables(old: Recipe, name: str, recipe: Recipe) -> Arm:
    """Return an arm with settings of its own where those of two recipes differ."""
    arm = old.arms[name]
    changes: dict[str, Any] = {
        kind: getattr(old, kind)
        for kind in CLASSES
        if getattr(arm, kind) is None and getattr(old, kind) != getattr(recipe, kind)
    }
    for field, is_taken in (("sparsity", arm.takes_sparsity), ("scope", arm.takes_scope)):
        value = getattr(old.pruning, field)
        if is_taken and getattr(arm, field) is None and value != getattr(recipe.pruning, field):
            changes[field] = value
    return replace(arm, **changes)


def _changed_arms(old: Recipe, new: Recipe) -> set[str]:
    """Return the arms of both recipes whose settings differ, their sources' included."""
    levels = (*CLASSES, "measure", "pruning")
    is_same = all(getattr(old, level) == getattr(new, level) for level in levels)
    if is_same and all(new.arms.get(name) == arm for name, arm in old.arms.items()):
        return set()
    return {
        name
        for name in old.arms.keys() & new.arms.keys()
        if arm_record(old, name, 0)["hash"] != arm_record(new, name, 0)["hash"]
    }


def _refusal(run: RunDir, old: Recipe, union: Recipe, recipe: Recipe, conflicts: Sequence[ArmDir]) -> str:
    """Return why a start is refused: fields, networks, and what to type."""
    arms = {name for files in conflicts for name in old.lineage(files.arm)}
    fields = _differing_fields(old, union, arms)
    seeds = sorted({files.seed for files in conflicts} | {*recipe.seeds})
    if any(files.arm not in recipe.arms for files in conflicts):
        cure = ""
    elif len(seeds) > len(recipe.seeds):
        cure = f", --force --seeds {' '.join(map(str, seeds))} replaces them"
    else:
        cure = ", --force replaces them"
    made = f"was made with another config ({'; '.join(fields)})"
    return f"{run.path}: {made}: {_listed(conflicts)}; {BESIDE}{cure}"


def _differing_fields(old: Recipe, new: Recipe, arms: Collection[str]) -> list[str]:
    """Return how arms of two recipes differ, as `field: old → new`; what all share is said once."""
    by_arm: dict[str, list[str]] = {}
    shared: dict[str, None] = {}
    for name in sorted(arms):
        before, after = (identity_part(arm_config(recipe, name, 0)) for recipe in (old, new))
        by_arm[name] = differences(before.pop("arms")[name], after.pop("arms")[name])
        shared |= dict.fromkeys(differences(before, after))
    of_all = [line for line in next(iter(by_arm.values()), []) if line.partition(".")[0] in CLASSES]
    of_all = [line for line in of_all if all(line in lines for lines in by_arm.values())]
    own = [f"arms.{name}.{line}" for name, lines in by_arm.items() for line in lines if line not in of_all]
    return [*own, *sorted({*of_all, *shared})]


def _listed(networks: Sequence[ArmDir]) -> str:
    return shortened(", ".join(map(str, networks)), 200)
