"""The search for a critical sparsity: which arm a recipe needs next, from what its arms have shown."""

from __future__ import annotations

from dataclasses import replace

from training.config.recipe import Recipe
from training.execution.arm_plan import generalisation
from training.runs.run_directory import RunDir


def refined(recipe: Recipe, run: RunDir) -> Recipe:
    """The recipe with every arm that its search asks for so far: itself where there is nothing to add.

    Bisection between the highest sparsity at which more than half of the seeds generalised and the lowest
    above it at which they did not; it waits until all seeds of both are trained.
    """
    if recipe.refine is None:
        return recipe
    like, resolution = recipe.arms[recipe.refine.like], recipe.refine.resolution
    while True:
        holds = _verdicts(recipe, run)
        passing = [sparsity for sparsity, held in holds.items() if held]
        low = max(passing, default=1.0)
        high = min((sparsity for sparsity in holds if sparsity > low), default=1.0)
        if holds.get(high) is not False:
            return recipe
        between = round((high - low) / resolution)
        if between < 2:
            return recipe
        sparsity = round((round(low / resolution) + between // 2) * resolution, 10)
        name = f"{recipe.refine.like.removesuffix(f'_{like.sparsity}')}_{sparsity}"
        recipe = replace(recipe, arms={**recipe.arms, name: replace(like, sparsity=sparsity)})


def family(recipe: Recipe) -> dict[float, str]:
    """The arms that the search looks at, by their sparsity: those like `refine.like` but for it."""
    assert recipe.refine is not None
    like = replace(recipe.arms[recipe.refine.like], sparsity=None)
    own = {name for name, arm in recipe.arms.items() if replace(arm, sparsity=None) == like}
    return dict(sorted((recipe.sparsity(name), name) for name in own))


def _verdicts(recipe: Recipe, run: RunDir) -> dict[float, bool | None]:
    """By sparsity, whether more than half of the seeds generalised; None while a seed is not trained."""
    found: dict[float, bool | None] = {}
    for sparsity, name in family(recipe).items():
        files = [run.arm(name, seed) for seed in recipe.seeds]
        if any(own.done() is None and own.skipped() is None for own in files):
            found[sparsity] = None
            continue
        criterion = recipe.setting(name).criterion
        reached = [own.done() is not None and generalisation(criterion, own)["generalised"] for own in files]
        found[sparsity] = 2 * sum(reached) > len(reached)
    return found
