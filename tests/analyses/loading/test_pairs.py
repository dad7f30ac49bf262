from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from analyses.loading.pairs import labels_of_pairs, trained_pairs
from training.runs.atomic_files import RunError
from training.tasks.modular import ModularTask


def network_of(**task):
    task = ModularTask(p=11, **task)
    return SimpleNamespace(
        setting=SimpleNamespace(task=task), p=task.p, files=SimpleNamespace(path=Path("x"))
    )


def test_labels_of_unordered_pairs_hold_in_both_orders():
    a, b = np.meshgrid(np.arange(11), np.arange(11), indexing="ij")
    unordered, ordered = (
        labels_of_pairs(network_of(name="sub", pairs=pairs)) for pairs in ("unordered", "ordered")
    )
    np.testing.assert_array_equal(unordered, abs(a - b))
    np.testing.assert_array_equal(ordered, (a - b) % 11)


def test_a_task_that_leaves_out_pairs_is_refused():
    with pytest.raises(RunError, match=r"x: expected a task of all pairs, got div, .* with --arms"):
        labels_of_pairs(network_of(name="div"))


def test_the_trained_pairs_are_those_of_the_training_set():
    network = network_of(name="add", pairs="ordered", frac_train=0.4)
    data, train = network.setting.task.build(), trained_pairs(network)
    assert set(zip(*np.nonzero(train), strict=True)) == set(map(tuple, data.inputs[: data.n_train]))


@pytest.mark.parametrize(
    ("task", "got"),
    [
        ({}, r"got unordered pairs; .* or train with --set task.pairs=ordered"),
        (
            {"pairs": "ordered", "frac_train": 1.0},
            r"got one that trains on all pairs; .* --set task.frac_train",
        ),
    ],
)
def test_pairs_without_a_tested_order_are_refused(task, got):
    with pytest.raises(RunError, match=f"x: expected a task of ordered pairs with a test set, {got}"):
        trained_pairs(network_of(name="add", **task))
