"""Search for the critical sparsity: arms that a recipe needs next."""

from __future__ import annotations

from dataclasses import replace

from training.config.recipe import Recipe
from training.inspection.outcomes import generalisation
from training.runs.run_directory import RunDir


def refined(recipe: Recipe, run: RunDir) -> Recipe:
    """Return the recipe with the arms that its search needs so far.

    If none is missing, this is the recipe itself.

    Bisection between the highest sparsity at which more than half of the seeds generalised and the lowest
    above it at which they did not; it waits until all seeds of both are trained.
    """
    if recipe.refine is None:
        return recipe
    like, resolution = recipe.arms[recipe.refine.like], recipe.refine.resolution
    while True:
        verdicts = _verdicts(recipe, run)
        low = max((sparsity for sparsity, generalised in verdicts.items() if generalised), default=1.0)
        high = min((sparsity for sparsity in verdicts if sparsity > low), default=1.0)
        if verdicts.get(high) is not False:
            return recipe
        between = round((high - low) / resolution)
        if between < 2:
            return recipe
        sparsity = round((round(low / resolution) + between // 2) * resolution, 10)
        name = f"{recipe.refine.like.removesuffix(f'_{like.sparsity}')}_{sparsity}"
        recipe = replace(recipe, arms={**recipe.arms, name: replace(like, sparsity=sparsity)})


def arms_by_sparsity(recipe: Recipe) -> dict[float, str]:
    """Return the arms that differ from `refine.like` in sparsity alone."""
    assert recipe.refine is not None
    like = replace(recipe.arms[recipe.refine.like], sparsity=None)
    alike = {name for name, arm in recipe.arms.items() if replace(arm, sparsity=None) == like}
    return dict(sorted((recipe.sparsity(name), name) for name in alike))


def _verdicts(recipe: Recipe, run: RunDir) -> dict[float, bool | None]:
    """Return by sparsity whether most seeds generalised; None before all are trained."""
    verdicts: dict[float, bool | None] = {}
    for sparsity, name in arms_by_sparsity(recipe).items():
        networks = [run.arm(name, seed) for seed in recipe.seeds]
        if any(files.done() is None and files.skipped() is None for files in networks):
            verdicts[sparsity] = None
            continue
        criterion = recipe.setting(name).stop_criterion
        n_generalised = sum(
            files.done() is not None and generalisation(criterion, files)["generalised"] for files in networks
        )
        verdicts[sparsity] = 2 * n_generalised > len(networks)
    return verdicts
