"""Values of functions, modules and arrays on the grid of all pairs."""

import numpy as np
import pytest
import torch
from builders import rng
from torch import nn

from interp.pairs.evaluation import all_pairs, checked_pairs, pair_grid

P = 7
GRID = rng(0).standard_normal((P, P, 4))


class Concatenated(nn.Module):
    """Network on a one-hot a beside a one-hot b, with biases."""

    def __init__(self, dtype=torch.float32):
        super().__init__()
        self.input, self.output = nn.Linear(2 * P, 6, dtype=dtype), nn.Linear(6, P, dtype=dtype)

    def pre(self, pairs):
        one_hot = nn.functional.one_hot(pairs, P).flatten(1)
        return self.input(one_hot.to(self.input.weight.dtype))

    def forward(self, pairs):
        return self.output(torch.relu(self.pre(pairs)))


def test_a_function_gets_all_pairs_as_an_array():
    def function(pairs):
        assert pairs.dtype == np.int64 and isinstance(pairs, np.ndarray)
        return GRID[pairs[:, 0], pairs[:, 1]]

    np.testing.assert_array_equal(pair_grid(function, P), GRID)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_a_plain_torch_module_and_its_methods_are_functions(dtype):
    network = Concatenated(dtype)
    grid, pre = pair_grid(network, P), pair_grid(network.pre, P)
    assert grid.dtype == np.float64 and grid.shape == (P, P, P) and pre.shape == (P, P, 6)
    for a, b in ((0, 0), (2, 5), (6, 1)):
        one = network(torch.tensor([[a, b]]))[0]
        np.testing.assert_allclose(
            grid[a, b], one.double().detach(), rtol=1e-2 if dtype.itemsize < 4 else 1e-5
        )


def test_a_module_without_parameters_gets_a_tensor_too():
    class Sum(nn.Module):
        def forward(self, pairs):
            return pairs.sum(1, keepdim=True).float()

    np.testing.assert_array_equal(pair_grid(Sum(), P)[..., 0], np.add.outer(np.arange(P), np.arange(P)))


def test_values_on_the_grid_and_in_rows_of_any_order_are_taken():
    rows, order = GRID.reshape(P * P, 4), rng(1).permutation(P * P)
    for p in (None, P):
        np.testing.assert_array_equal(pair_grid(GRID, p), GRID)
        np.testing.assert_array_equal(pair_grid(rows, p), GRID)
        np.testing.assert_array_equal(pair_grid(rows[order], p, all_pairs(P)[order]), GRID)
    np.testing.assert_array_equal(pair_grid(np.ones((P, P, 2), dtype=np.int64)), np.ones((P, P, 2)))


@pytest.mark.parametrize(
    ("values", "p", "says"),
    [
        (GRID, 9, r"expected values of shape \(9, 9, columns\), .* got shape \(7, 7, 4\)"),
        (GRID[:, :5], None, r"expected values of shape \(7, 7, columns\), .* got shape \(7, 5, 4\)"),
        (GRID[..., 0], None, "a row for every ordered pair of 3 residues, 9 in all, got 7 rows"),
        (GRID[..., :0], P, r"columns\), .* got shape \(7, 7, 0\)"),
        (GRID[None], P, r"got shape \(1, 7, 7, 4\)"),
        (GRID[:6, :6], None, "p: expected an odd number from 3, got 6"),
        (
            GRID.reshape(P * P, 4)[:-1],
            P,
            "every ordered pair of 7 residues, 49 in all, got 48 rows, without 1",
        ),
        (np.where(GRID.max() > GRID, GRID, np.nan), P, "expected finite values, got 1 that are not"),
        (GRID.astype(complex), P, "expected real numbers, got type complex128"),
        (np.array(["a"]), P, "expected real numbers, got type <U1"),
    ],
)
def test_values_of_other_shapes_or_not_finite_are_refused_in_a_line(values, p, says, unchecked):
    with pytest.raises(ValueError, match=says) as error:
        pair_grid(values, p)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("function", "p", "says"),
    [
        (
            lambda pairs: np.zeros((len(pairs) - 1, 3)),
            P,
            r"returns shape \(49, columns\), .* got shape \(48, 3\)",
        ),
        (lambda pairs: np.zeros((len(pairs), 2, 3)), P, r"got shape \(49, 2, 3\)"),
        (lambda pairs: np.zeros(len(pairs)), P, r"got shape \(49,\)"),
        (lambda pairs: np.zeros((P, P, 3)), P, r"got shape \(7, 7, 3\)"),
        (lambda pairs: np.full((len(pairs), 3), np.inf), P, "expected finite values, got 147 that are not"),
        (lambda pairs: None, P, "expected real numbers, got type object"),
        (lambda pairs: np.zeros((len(pairs), 3)), 8, "p: expected an odd number from 3, got 8"),
        (lambda pairs: np.zeros((len(pairs), 3)), None, "network: expected p, and no pairs, with a function"),
    ],
)
def test_what_a_function_returns_is_checked(function, p, says, unchecked):
    with pytest.raises(ValueError, match=says):
        pair_grid(function, p)


def test_rows_need_every_pair_once():
    rows, pairs = GRID.reshape(P * P, 4), all_pairs(P)
    twice = pairs.copy()
    twice[3] = twice[4]
    with pytest.raises(ValueError, match="got 49 rows, without 1 of the pairs"):
        pair_grid(rows, P, twice)
    unordered = pairs[:, 0] <= pairs[:, 1]
    with pytest.raises(ValueError, match="got 28 rows, without 21 of the pairs"):
        pair_grid(rows[unordered], P, pairs[unordered])
    with pytest.raises(ValueError, match="pairs: expected one for each of 49 rows of values, got 48"):
        pair_grid(rows, P, pairs[1:])
    with pytest.raises(ValueError, match="and no pairs, with a function; got pairs"):
        pair_grid(lambda ab: ab, P, pairs)


@pytest.mark.parametrize(
    ("pairs", "says"),
    [
        (np.zeros((0, 2), dtype=int), r"got shape \(0, 2\)"),
        (np.zeros((3, 3), dtype=int), r"got shape \(3, 3\)"),
        (np.array([[0, 7]]), r"whole numbers in 0\.\.6, got 0\.\.7"),
        (np.array([[0.0, 1.0]]), "of type float64"),
    ],
)
def test_pairs_are_checked(pairs, says, unchecked):
    with pytest.raises(ValueError, match=says):
        checked_pairs(pairs, P)
