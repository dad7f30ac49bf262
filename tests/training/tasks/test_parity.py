"""Sparse parity: labels, hidden bits, the need for a constant."""

import itertools

import numpy as np
import pytest

from training.schema.validation import ConfigError
from training.tasks.parity import ParityTask


def test_sizes_and_values():
    task = ParityTask()
    data = task.build()
    assert data.inputs.shape == (2000, 31) and data.n_train == 1000 and data.targets is None
    assert (task.n_inputs, task.n_outputs) == (31, 2)
    assert set(data.inputs[:, :-1].ravel()) == {-1.0, 1.0}
    assert np.all(data.inputs[:, -1] == 1)
    assert set(data.labels) == {0, 1}
    assert abs(data.labels.mean() - 0.5) < 0.05
    assert np.abs(data.inputs[:, :-1].mean(axis=0)).max() < 0.1


def test_the_constant_changes_no_other_input():
    plain, with_constant = (ParityTask(constant=constant).build() for constant in (False, True))
    np.testing.assert_array_equal(plain.inputs, with_constant.inputs[:, :-1])
    np.testing.assert_array_equal(plain.labels, with_constant.labels)
    assert ParityTask(constant=False).n_inputs == 30


@pytest.mark.parametrize(("n_bits", "k"), [(30, 3), (12, 1), (12, 2), (9, 9), (62, 40)])
def test_labels_are_the_hidden_bits_parity(n_bits, k):
    task = ParityTask(n_bits=n_bits, k=k, n_train=200, n_test=100)
    data, subset = task.build(), task.subset.tolist()
    assert len(set(subset)) == k and subset == sorted(subset) and 0 <= subset[0] <= subset[-1] < n_bits
    for row, label in zip(data.inputs.tolist(), data.labels.tolist(), strict=True):
        product = 1
        for bit in subset:
            product *= row[bit]
        assert product == (-1) ** label


def test_only_the_hidden_bits_explain_the_labels():
    task = ParityTask(n_bits=10, n_train=150, n_test=50)
    data = task.build()
    sign = 1 - 2 * data.labels
    explain = [
        bits
        for bits in itertools.combinations(range(10), 3)
        if np.array_equal(data.inputs[:, bits].prod(axis=1), sign)
    ]
    assert explain == [tuple(task.subset.tolist())]


def test_strings_are_different():
    data = ParityTask(n_bits=8, n_train=200, n_test=56).build()  # all there are
    assert len(np.unique(data.inputs, axis=0)) == 256


def test_data_depend_on_the_seed_only():
    first, again, other = (ParityTask(data_seed=seed).build() for seed in (0, 0, 1))
    assert first.inputs.tobytes() == again.inputs.tobytes()
    assert first.labels.tobytes() == again.labels.tobytes()
    assert not np.array_equal(first.inputs, other.inputs)
    assert len({tuple(ParityTask(data_seed=seed).subset.tolist()) for seed in range(20)}) > 15


def test_the_hidden_bits_do_not_depend_on_the_number_of_strings():
    np.testing.assert_array_equal(ParityTask().subset, ParityTask(n_train=10, n_test=7).subset)


@pytest.mark.parametrize("k", [3, 5])
def test_one_hidden_layer_cannot_compute_an_odd_parity_without_the_constant(k):
    """Without the constant no neuron correlates with the parity."""
    correlation = {}
    for constant in (False, True):
        task = ParityTask(n_bits=7, k=k, constant=constant, n_train=100, n_test=28)
        data = task.build()
        weights = np.random.default_rng(1).standard_normal((task.n_inputs, 500))
        neurons = np.maximum(data.inputs @ weights, 0)
        correlation[constant] = np.abs((1 - 2 * data.labels) @ neurons / 128)
    assert correlation[False].max() < 1e-14
    assert np.median(correlation[True]) > 1e-3


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"n_bits": 0}, "n_bits: expected a whole number from 1 to 62, got 0"),
        ({"n_bits": 63}, "n_bits: expected a whole number from 1 to 62, got 63"),
        ({"k": 0}, "k: expected a whole number from 1 to n_bits = 30, got 0"),
        ({"k": 31}, "k: expected a whole number from 1 to n_bits = 30, got 31"),
        ({"n_train": 0}, "n_train: expected a whole number from 1, got 0"),
        ({"n_test": 0}, "n_test: expected a whole number from 1, got 0"),
        ({"n_bits": 10}, "n_test: expected at most 24, the strings of 10 bits that n_train = 1000 leaves"),
        ({"data_seed": -2}, "data_seed: expected a whole number from 0, got -2"),
    ],
)
def test_wrong_settings_are_refused(settings, expected):
    with pytest.raises(ConfigError, match=expected):
        ParityTask(**settings)
