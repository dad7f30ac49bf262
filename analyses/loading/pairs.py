"""Labels and training set of the ordered pairs of a task."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.runs.atomic_files import RunError

if TYPE_CHECKING:
    from jaxtyping import Bool, Int

    from training.inspection.trained_network import Network


def labels_of_pairs(network: Network) -> Int[np.ndarray, "p p"]:
    """Return the class of every ordered pair (x, y).

    An unordered pair's label holds for both of its orders.

    Raises
    ------
    RunError
        If the task leaves out some pairs.
    """
    task = network.setting.task
    data = task.build()
    assert data.labels is not None
    x, y = data.inputs.T
    labels = np.full((network.p, network.p), -1)
    labels[x, y] = data.labels
    if getattr(task, "pairs", None) == "unordered":
        labels[y, x] = data.labels
    if (labels < 0).any():
        raise RunError(
            f"{network.files.path}: expected a task of all pairs, got {task.name}, which leaves out some; "
            "choose other networks with --arms"
        )
    return labels


def trained_pairs(network: Network) -> Bool[np.ndarray, "p p"]:
    """Return True for every ordered pair (x, y) that is trained on.

    Raises
    ------
    RunError
        If the task's pairs have no order, or none is left for testing.
    """
    task = network.setting.task
    data = task.build()
    expected = f"{network.files.path}: expected a task of ordered pairs with a test set"
    pairs = getattr(task, "pairs", None)
    if pairs != "ordered":
        raise RunError(
            f"{expected}, got {f'{pairs} pairs' if pairs else task.name}; choose other networks with --arms, "
            "or train with --set task.pairs=ordered"
        )
    if data.n_train == len(data.inputs):
        raise RunError(
            f"{expected}, got one that trains on all pairs; choose other networks with --arms, or train with "
            "--set task.frac_train=0.75"
        )
    train = np.zeros((network.p, network.p), dtype=bool)
    x, y = data.inputs[: data.n_train].T
    train[x, y] = True
    return train
