"""Comparison of an adopted network with its task: accuracy, order of pairs, other readings.

Weights do not say which way round they are, what activation they belong to, nor in which order a pair's
tokens were given; a network that has learned its task does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import combinations
from typing import Any, get_args, get_type_hints

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from training.models.base import Model
from training.models.one_hot_mlp.architecture import OneHotMLP
from training.models.transformer.architecture import Transformer
from training.tasks.dataset import Dataset
from training.tasks.modular import ModularTask

LEARNED = 0.9
"""Accuracy from which a network computes its task."""
MAX_PAIRS = 100_000
"""Number of pairs that an accuracy is computed over at most; of more, a sample."""
SAMPLE = 300
"""Number of pairs on which transpositions are tried first."""
BATCH = 4096

Weights = Mapping[str, np.ndarray]


def task_accuracy(model: Model, weights: Weights, data: Dataset, limit: int = MAX_PAIRS) -> float:
    """Return the share of a data set's pairs whose largest logit is the label's.

    Parameters
    ----------
    weights : mapping
        One checkpoint by our names.
    limit : int
        Number of pairs; of more, as many are drawn, always the same.
    """
    assert data.labels is not None
    chosen = np.arange(len(data.labels))
    if len(chosen) > limit:
        chosen = np.sort(np.random.default_rng(0).choice(len(chosen), limit, replace=False))
    forward = model.implementation().forward
    tensors: dict[str, Tensor] = {name: torch.from_numpy(w.astype(np.float64)) for name, w in weights.items()}
    n_right = 0
    with torch.no_grad():
        for start in range(0, len(chosen), BATCH):
            rows = chosen[start : start + BATCH]
            logits = forward(tensors, torch.from_numpy(data.inputs[rows]))
            n_right += int((logits.argmax(1).numpy() == data.labels[rows]).sum())
    return n_right / len(chosen)


def pairs_of(model: Model, weights: Weights, task: ModularTask) -> tuple[ModularTask, str]:
    """Return the task on pairs that a network tells apart, with a sentence.

    A network that computes the task on all ordered pairs gets these. One that computes it on unordered pairs
    alone gets those; where neither holds, one with a token `=` gets ordered pairs, as Nanda et al.'s.
    """
    ordered, unordered = (replace(task, pairs=pairs) for pairs in ("ordered", "unordered"))
    accuracy, one_way = (task_accuracy(model, weights, each.build()) for each in (ordered, unordered))
    measured = f"accuracy {accuracy:.4g} on ordered and {one_way:.4g} on unordered pairs"
    is_ordered = accuracy >= LEARNED or (one_way < LEARNED and getattr(model, "equals", False))
    chosen = ordered if is_ordered else unordered
    return chosen, f"pairs are taken as {chosen.pairs} ({measured}); --set task.pairs=... decides otherwise"


def other_reading(model: Model, weights: Weights, data: Dataset, accuracy: float) -> str | None:
    """Return a sentence about a reading of the weights that computes the task.

    Readings are the other order of tokens, other settings of the model, and transposed matrices.

    None where the network as given computes it best, or nothing tried does. Only square matrices are tried:
    the shapes of others tell.
    """
    if accuracy >= LEARNED:
        return _lower_loss_without_softmax(model, weights, data)
    swapped = replace(data, inputs=data.inputs[:, ::-1].copy())
    by_order = task_accuracy(model, weights, swapped) if not model.symmetric else 0.0
    if by_order >= LEARNED:
        return (
            f"the network computes the task with its tokens in the other order (accuracy {by_order:.4g}), "
            f"not as given ({accuracy:.4g}): give it a task in that order"
        )
    for field, value in _other_settings(model):
        changed = task_accuracy(replace(model, **{field: value}), weights, data)
        if changed >= LEARNED:
            return (
                f"the network computes the task with {field} {value} (accuracy {changed:.4g}), not as given "
                f"({accuracy:.4g}): give --set model.{field}={value} and --force"
            )
    for turned, candidate in _transpositions(weights):
        if task_accuracy(model, candidate, data, limit=SAMPLE) >= LEARNED:
            reached = task_accuracy(model, candidate, data)
            return (
                f"the network computes the task with {' and '.join(turned)} transposed (accuracy "
                f"{reached:.4g}), not as given ({accuracy:.4g}): save what is transposed as (in, out), and "
                "adopt it again with --force"
            )
    return None


def _lower_loss_without_softmax(model: Model, weights: Weights, data: Dataset) -> str | None:
    """Return a sentence if a transformer's loss is lower at attention rate 0.

    A Pizza network names the right class under softmax, too: only its loss shows what it was trained with.
    """
    if not isinstance(model, Transformer) or model.attention_rate == 0:
        return None
    assert data.labels is not None
    tensors = {name: torch.from_numpy(w.astype(np.float64)) for name, w in weights.items()}
    inputs, labels = (torch.from_numpy(part[:BATCH].copy()) for part in (data.inputs, data.labels))
    with torch.no_grad():
        constant, given = (
            float(cross_entropy(variant.implementation().forward(tensors, inputs), labels))
            for variant in (replace(model, attention_rate=0.0), model)
        )
    if constant > given / 2:
        return None
    return (
        f"the network's loss is lower with attention_rate 0 ({constant:.3g}) than as given ({given:.3g}): "
        "for a Pizza network give --set model.attention_rate=0.0 and --force"
    )


def _other_settings(model: Model) -> Iterator[tuple[str, Any]]:
    """Yield settings that weights do not show: activations, and attention without softmax."""
    if isinstance(model, OneHotMLP):
        options = get_args(get_type_hints(type(model))["activation"])
        yield from (("activation", name) for name in options if name != model.activation)
    if isinstance(model, Transformer) and model.attention_rate > 0:
        yield "attention_rate", 0.0


def _transpositions(weights: Weights) -> Iterator[tuple[tuple[str, ...], dict[str, np.ndarray]]]:
    """Yield weights with every choice of square matrices transposed, few first."""
    square = [name for name, w in weights.items() if w.ndim > 1 and w.shape[-1] == w.shape[-2]]
    for n in range(1, len(square) + 1):
        for turned in combinations(square, n):
            yield turned, {**weights, **{name: weights[name].swapaxes(-1, -2) for name in turned}}
