"""What figures call arms and operations."""

from __future__ import annotations

import re
from collections.abc import Sequence

OPERATIONS = {
    "add": "a + b",
    "sub": "b − a",
    "mul": "a · b",
    "x2_plus_y2": "a² + b²",
    "x2_plus_xy_plus_y2": "a² + ab + b²",
}
"""Modular operations; of the subtraction, what is learned from unordered pairs."""

ARMS = {
    "random": "random mask",
    "shuffled": "shuffled ticket",
    "sparse_ticket": "sparser ticket",
    "grokked_ticket_global": "ticket, one threshold for all",
    "norm_l1": "L1 norm of the ticket",
    "norm_l2": "L2 norm of the ticket",
    "norm_l1_mean": "mean L1 ratio of the ticket",
    "norm_l2_mean": "mean L2 ratio of the ticket",
    "snip": "SNIP",
    "grasp": "GraSP",
    "synflow": "SynFlow",
    "synflow_one_shot": "SynFlow, one shot",
    "degree_preserving": "ticket's degrees only",
    "ticket_random_reinit": "ticket, other weights",
    "ticket_reshuffle": "ticket, weights shuffled",
    "ticket_signed_constant": "ticket, signs only",
    "dense_no_wd": "dense, no weight decay",
    "dense_no_decay": "dense, no weight decay",
    "ticket_no_decay": "ticket, no weight decay",
    "dense_from_1000": "dense from step 1000",
    "edge_popup": "edge-popup",
    "edge_popup_decay": "edge-popup, decaying scores",
    "edge_popup_wide": "edge-popup, 4 × as wide",
    "biprop_wide": "biprop, 4 × as wide",
    "weights_and_scores": "weights and scores",
    "tangent": "tangent space",
    "tangent_decay": "tangent space, weight decay",
    "tangent_ticket": "tangent space, ticket's mask",
    "tangent_random": "tangent space, random mask",
    "stretched": "stretched ticket",
    "stretched_shuffled": "stretched, shuffled",
    "squeezed": "squeezed ticket",
    "squeezed_shuffled": "squeezed, shuffled",
    "deep_dense": "dense, a layer more",
    "shallow_dense": "dense, a layer less",
    "adamw": "AdamW",
    "sgd": "gradient descent",
}
"""Arms whose name is not words yet."""

SERIES = {
    "ticket": "ticket, sparsity {}",
    "biprop": "biprop, sparsity {}",
    "edge_popup": "edge-popup, sparsity {}",
    "taken_at": "ticket taken at {}",
    "imp": "iterative, level {}",
}
"""Arms that differ in one number, which their names end in."""

_NUMBERED = re.compile(r"(?P<stem>.+)_(?P<number>\d+(\.\d+)?)")


def arm_label(arm: str) -> str:
    """An arm's name as a legend says it.

    Examples
    --------
    >>> arm_label("norm_l1"), arm_label("ticket_0.8"), arm_label("taken_at_12000")
    ('L1 norm of the ticket', 'ticket, sparsity 0.8', 'ticket taken at 12k')
    >>> arm_label("mul_dense"), arm_label("half_pruned")
    ('a · b, dense', 'half pruned')
    """
    task, _, role = arm.rpartition("_")
    if task in OPERATIONS:
        return f"{OPERATIONS[task]}, {role}"
    found = _NUMBERED.fullmatch(arm)
    if arm not in ARMS and found and found["stem"] in SERIES:
        return SERIES[found["stem"]].format(short_number(float(found["number"])))
    return ARMS.get(arm, arm.replace("_", " "))


def series_of(arms: Sequence[str]) -> list[list[str]]:
    """Three arms and more whose names differ in one number, by rising number.

    Examples
    --------
    >>> series_of(["dense", "ticket_0.9", "ticket_0.5", "ticket_0.75", "norm_l1", "biprop_0.5"])
    [['ticket_0.5', 'ticket_0.75', 'ticket_0.9']]
    """
    found: dict[str, dict[str, float]] = {}
    for arm in arms:
        if parts := _NUMBERED.fullmatch(arm):
            found.setdefault(parts["stem"], {})[arm] = float(parts["number"])
    return [sorted(own, key=own.__getitem__) for own in found.values() if len(own) > 2]


def short_number(number: float) -> str:
    """A number as a tick says it: 0, 0.5, 100, 2k, 2.5k."""
    return f"{number / 1000:g}k" if number >= 1000 else f"{number:g}"
