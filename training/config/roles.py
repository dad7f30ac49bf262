"""Roles of arms in a comparison: dense, ticket, control, variant."""

from __future__ import annotations

from training.config.arm import Arm, Role
from training.optimization.parametrizations.registry import PARAMETRIZATIONS
from training.pruning.registry import METHODS, STARTS


def role_of(arm: Arm) -> Role:
    """Return an arm's role, computed unless the recipe names one.

    Returns
    -------
    {"dense", "ticket", "control", "variant"}
        - dense: no mask, its own initial weights.
        - ticket: a mask from a trained network on its own initial weights. Those of a later step of its dense
          network count too (`from_step`: iterative pruning rewinds to step k).
        - control: lacks one property of a ticket. Either the mask is not from a trained network (random,
          shuffled, scored at initialization), or the start is not its own, or only the ticket's norm is left.
        - variant: anything else: trained scores, tangents, copied layers, two properties missing.
    """
    if arm.role is not None:
        return arm.role
    if PARAMETRIZATIONS[arm.form].is_variant:
        return "variant"
    start = STARTS[arm.start]
    if not arm.has_method:
        if start.needs_mask:
            return "control"
        return "dense" if start.keeps_weights and arm.from_step is None else "variant"
    method = METHODS[arm.method]
    if method.takes_layers:
        return "variant"
    if method.source == "weights" and not method.scores_start and arm.source_step != 0:
        return "ticket" if start.keeps_weights else "control"
    return "control" if start.keeps_weights else "variant"
