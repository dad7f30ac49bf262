"""Words for arms, operations and weight matrices, in tables and pictures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import SupportsFloat

OPERATIONS = {
    "add": "a + b",
    "sub": "b − a",
    "mul": "a · b",
    "x2_plus_y2": "a² + b²",
    "x2_plus_xy_plus_y2": "a² + ab + b²",
}
"""Modular operations. Subtraction is written as networks learn it from unordered pairs."""

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
    "synflow_minegishi": "SynFlow, one shot on the training set",
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
"""Words for arms whose names do not explain themselves."""

LOTTERY_RULES = {
    "min_abs_misalignment": "least |D|",
    "max_magnitude": "largest α",
    "max_aligned_product": "largest α²β cos D",
    "min_blowup_time": "least blow-up time",
}
"""Words for rules that predict a neuron's final frequency."""

SERIES = {
    "ticket": "ticket, sparsity {}",
    "biprop": "biprop, sparsity {}",
    "edge_popup": "edge-popup, sparsity {}",
    "taken_at": "ticket taken at {}",
    "imp": "iterative, level {}",
}
"""Words for arms whose names end in a number."""

FIELDS = {
    "optimizer.lr": "learning rate",
    "optimizer.weight_decay": "weight decay",
    "optimizer.name": "optimizer",
    "optimizer.momentum": "momentum",
    "task.frac_train": "share of pairs for training",
    "task.p": "number of residues p",
    "task.name": "task",
    "task.operation": "operation",
    "task.seed": "seed of the split",
    "model.name": "model",
    "model.d_mlp": "number of neurons",
    "model.d_emb": "width of the embedding",
    "model.init_scale": "scale of the initial weights",
    "method": "pruning method",
    "source_step": "step of the mask",
    "from_step": "step of the start",
}
"""Words for fields of the recipe whose names do not explain themselves."""

_NUMBERED = re.compile(r"(?P<stem>.+)_(?P<number>\d+(\.\d+)?)")


def arm_label(arm: str) -> str:
    """Return an arm's name in words.

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
    numbered = _NUMBERED.fullmatch(arm)
    if arm not in ARMS and numbered and numbered["stem"] in SERIES:
        return SERIES[numbered["stem"]].format(short_number(float(numbered["number"])))
    return ARMS.get(arm, arm.replace("_", " "))


def field_label(field: str) -> str:
    """Return a field of the recipe in words.

    Examples
    --------
    >>> field_label("optimizer.lr"), field_label("sparsity"), field_label("task.n_train")
    ('learning rate', 'sparsity', 'task: n train')
    """
    return FIELDS.get(field, field.replace(".", ": ").replace("_", " "))


def series_of(arms: Sequence[str]) -> list[list[str]]:
    """Return groups of arms whose names differ in one number.

    A group has at least three arms, sorted by that number.

    Examples
    --------
    >>> series_of(["dense", "ticket_0.9", "ticket_0.5", "ticket_0.75", "norm_l1", "biprop_0.5"])
    [['ticket_0.5', 'ticket_0.75', 'ticket_0.9']]
    """
    numbers_by_stem: dict[str, dict[str, float]] = {}
    for arm in arms:
        if parts := _NUMBERED.fullmatch(arm):
            numbers_by_stem.setdefault(parts["stem"], {})[arm] = float(parts["number"])
    return [
        sorted(numbers, key=numbers.__getitem__) for numbers in numbers_by_stem.values() if len(numbers) > 2
    ]


def layer_label(layer: str) -> str:
    """Return a weight matrix' symbol for a picture.

    A name of other signs than letters and digits stays as it is.

    Examples
    --------
    >>> layer_label("W_{"), layer_label("global")
    ('W_{', 'all weights')
    """
    if layer == "global":
        return "all weights"
    symbol, _, index = layer.rpartition(".")[2].partition("_")
    is_plain = symbol.isalnum() and index.isalnum()
    return rf"${symbol}_{{\mathrm{{{index}}}}}$" if is_plain else layer


def layer_words(layers: Iterable[str]) -> dict[str, str]:
    """Return short names of weight matrices for a printed table.

    Full names, if the short ones are not unique.

    Examples
    --------
    >>> layer_words(["embed.W_E", "blocks.0.attn.W_Q", "global"])
    {'embed.W_E': 'W_E', 'blocks.0.attn.W_Q': 'W_Q', 'global': 'all weights'}
    >>> layer_words(["blocks.0.attn.W_Q", "blocks.1.attn.W_Q"])
    {'blocks.0.attn.W_Q': 'blocks.0.attn.W_Q', 'blocks.1.attn.W_Q': 'blocks.1.attn.W_Q'}
    """
    short = {layer: "all weights" if layer == "global" else layer.rpartition(".")[2] for layer in layers}
    return short if len(set(short.values())) == len(short) else {layer: layer for layer in short}


def short_number(number: SupportsFloat) -> str:
    """Return a number as short text: 0, 0.5, 100, 2k, 2.5k."""
    number = float(number)
    return f"{number / 1000:g}k" if number >= 1000 else f"{number:g}"
