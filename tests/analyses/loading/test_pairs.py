from pathlib import Path
from types import SimpleNamespace

import numpy as np

from analyses.loading.pairs import labels_of_pairs, trained_pairs
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


def test_the_trained_pairs_are_those_of_the_training_set():
    network = network_of(name="add", pairs="ordered", frac_train=0.4)
    data, train = network.setting.task.build(), trained_pairs(network)
    assert set(zip(*np.nonzero(train), strict=True)) == set(map(tuple, data.inputs[: data.n_train]))
