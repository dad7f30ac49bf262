"""Arms that another arm is compared with: its dense network, its ticket."""

from __future__ import annotations

from training.config.recipe import Recipe


def dense_reference(recipe: Recipe, arm: str) -> str | None:
    """Return the dense arm that an arm is compared with.

    It is the first arm of the lineage; for an arm without a source, the first dense arm of the same task.
    None for that dense arm itself, and where no dense arm learns the task.
    """
    root = recipe.first_of_lineage(arm)
    if root == arm:
        task = recipe.setting(arm).task
        dense = (a for a in recipe.arms if recipe.role(a) == "dense" and recipe.setting(a).task == task)
        root = next(dense, arm)
    return None if root == arm else root


def ticket_reference(recipe: Recipe, arm: str) -> str | None:
    """Return the first magnitude ticket of an arm's dense network.

    None for such a ticket itself.
    """
    tickets = [
        name
        for name, settings in recipe.arms.items()
        if settings.method == "magnitude" and settings.start == "rewind"
    ]
    if arm in tickets:
        return None
    family = dense_reference(recipe, arm) or arm
    return next((ticket for ticket in tickets if dense_reference(recipe, ticket) == family), None)
