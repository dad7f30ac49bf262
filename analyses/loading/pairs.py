"""Labels and training set of the pairs of a task."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from training.tasks.dataset import Dataset, Task

if TYPE_CHECKING:
    from jaxtyping import Bool, Int

    from training.config.settings import Setting
    from training.inspection.trained_network import Network


@lru_cache(maxsize=16)
def examples_of(task: Task) -> Dataset:
    """Return all examples of a task, built once."""
    return task.build()


def part_starts(setting: Setting) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return the first example of each part, and the parts' names.

    They are train and test; all where the split is not known.
    """
    data = examples_of(setting.task)
    if not setting.task.split_known:
        return (0,), ("all",)
    if data.n_train == len(data.inputs):
        return (0,), ("train",)
    return (0, data.n_train), ("train", "test")


def sum_signs(setting: Setting) -> tuple[int, int] | None:
    """Return the signs s, t of labels s·a + t·b mod p.

    None for any other operation; and where s and t differ but the network cannot tell (a, b) from (b, a):
    half of the grid then has the labels of another operation.
    """
    p = getattr(setting.task, "p", None)
    data = None if p is None else examples_of(setting.task)
    if data is None or data.labels is None:
        return None
    for s, t in ((1, 1), (1, -1), (-1, 1)):
        fits = (data.labels == (data.inputs @ np.array([s, t])) % p).all()
        if fits and (s == t or not setting.model.symmetric):
            return s, t
    return None


def is_of_all_pairs(task: Task) -> bool:
    """Return True if a task over residues has all p² ordered, or all unordered pairs."""
    p = getattr(task, "p", None)
    if p is None:
        return False
    n_all = p**2 if getattr(task, "pairs", None) == "ordered" else p * (p + 1) // 2
    return len(examples_of(task).inputs) == n_all


def labels_of_pairs(network: Network) -> Int[np.ndarray, "p p"]:
    """Return the class of every ordered pair (x, y).

    An unordered pair's label holds for both of its orders. The task has all pairs.
    """
    task = network.setting.task
    data = examples_of(task)
    assert data.labels is not None
    x, y = data.inputs.T
    labels = np.full((network.p, network.p), -1)
    labels[x, y] = data.labels
    if getattr(task, "pairs", None) == "unordered":
        labels[y, x] = data.labels
    assert (labels >= 0).all(), "the gate leaves out tasks of some pairs"
    return labels


def trained_pairs(network: Network) -> Bool[np.ndarray, "p p"]:
    """Return True for every ordered pair (x, y) that is trained on.

    The task's pairs are ordered, and its split is known.
    """
    task = network.setting.task
    assert task.split_known and getattr(task, "pairs", None) == "ordered"
    data = examples_of(task)
    train = np.zeros((network.p, network.p), dtype=bool)
    x, y = data.inputs[: data.n_train].T
    train[x, y] = True
    return train
