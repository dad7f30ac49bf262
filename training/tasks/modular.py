"""Modular arithmetic: labels are an operation's values mod p."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Int

from training.schema.validation import names, require
from training.tasks.dataset import Dataset, Task
from training.tasks.he_split import he_order

Residues = Int[np.ndarray, " n"]


class Operation(NamedTuple):
    """Function of two residues, before it is taken mod p."""

    value: Callable[[Residues, Residues, int], Residues]
    """From x, y and p."""
    formula: str
    """In x and y."""
    commutes: bool
    """True if x and y may change places."""
    divides: bool = False
    """True if y has to have an inverse: p is prime, and pairs with y = 0 are left out."""
    swaps_unordered: bool = False
    """True if an unordered pair a ≤ b is x = b, y = a."""


def _inverse(y: Residues, p: int) -> Residues:
    return np.array([0, *(pow(residue, -1, p) for residue in range(1, p))])[y]


OPERATIONS: dict[str, Operation] = {
    "add": Operation(lambda x, y, p: x + y, "x + y", commutes=True),
    "sub": Operation(lambda x, y, p: x - y, "x − y", commutes=False, swaps_unordered=True),
    "mul": Operation(lambda x, y, p: x * y, "x · y", commutes=True),
    "div": Operation(lambda x, y, p: x * _inverse(y, p), "x / y", commutes=False, divides=True),
    "x2_plus_y2": Operation(lambda x, y, p: x**2 + y**2, "x² + y²", commutes=True),
    "x2_plus_xy_plus_y2": Operation(lambda x, y, p: x**2 + x * y + y**2, "x² + xy + y²", commutes=True),
    "x3_plus_xy2_plus_y": Operation(lambda x, y, p: x**3 + x * y**2 + y, "x³ + xy² + y", commutes=False),
}


@dataclass(frozen=True, kw_only=True)
class ModularTask(Task):
    """Modular arithmetic on pairs of residues.

    A fraction of all pairs is trained on. An unordered pair (a, b) has a ≤ b and is the pair x = a, y = b;
    for `sub` it is x = b, y = a, so that its label is (b − a) mod p. `div` is x·y⁻¹ over the pairs with
    y ≠ 0.

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470, Sec. 3 (unordered pairs; their 2211 omits the diagonal,
       here it is kept: p(p+1)/2 pairs, 2278 for p = 67).
    .. [2] Nanda et al., arXiv:2301.05217, published code (split `nanda`).
    """

    gives = "tokens"

    name: Literal["add", "sub", "mul", "div", "x2_plus_y2", "x2_plus_xy_plus_y2", "x3_plus_xy2_plus_y"] = (
        "add"
    )
    """The operation. A subclass with a name of its own starts from the labels of `add`."""
    p: int = 67
    """Odd and at least 3: an even p has a frequency p/2 without a phase. Prime for `div`."""
    pairs: Literal["unordered", "ordered"] = "unordered"
    """All p(p+1)/2 pairs a ≤ b, or all p² pairs; `div` leaves out those with y = 0: one, or p."""
    pair_split: bool = False
    """Of ordered pairs, keep (x, y) and (y, x) on one side of the split."""
    frac_train: float = 0.4
    """Share of the pairs trained on, rounded down; at 1 there is no test set."""
    split: Literal["own", "he", "nanda"] = "own"
    """How the order of the pairs is drawn: by NumPy; as He et al. do it, by the torch generator that has
    first drawn their network; or as Nanda et al. do it, by Python's `random.shuffle`."""
    split_seed: int = 0
    """Seed of the split alone: every network of a run meets the same training set, whatever its own seed."""

    def __post_init__(self) -> None:
        is_operation = self.name in OPERATIONS or type(self) is not ModularTask
        require(is_operation, "name", f"one of {names(OPERATIONS)}", self.name)
        require(self.p >= 3 and self.p % 2 == 1, "p", "an odd number from 3", self.p)
        if self._operation.divides:
            require(_is_prime(self.p), "p", "a prime for div: else not every residue has an inverse", self.p)
        if self.pair_split:
            expected = "'ordered' with pair_split: an unordered pair has no other order to be kept with"
            require(self.pairs == "ordered", "pairs", expected, self.pairs)
        if self.split != "own":
            expected = "'own' unless all ordered pairs are drawn one by one"
            plain = self.pairs == "ordered" and not self.pair_split and not self._operation.divides
            require(plain, "split", expected, self.split)
        require(0 < self.frac_train <= 1, "frac_train", "a number in (0, 1]", self.frac_train)
        require(self.split_seed >= 0, "split_seed", "a whole number from 0", self.split_seed)
        some = f"a share that is one or more of the {self._n_pairs} pairs"
        require(self._n_train > 0, "frac_train", some, self.frac_train)

    @property
    def symmetric(self) -> bool:
        """Return True if the order of a pair is irrelevant.

        Either pairs have no order, or the operation commutes.
        """
        return self.pairs == "unordered" or self._operation.commutes

    @property
    def n_inputs(self) -> int:
        """One token per residue."""
        return self.p

    @property
    def n_outputs(self) -> int:
        """One class per residue."""
        return self.p

    @property
    def _operation(self) -> Operation:
        return OPERATIONS.get(self.name, OPERATIONS["add"])

    @property
    def _n_pairs(self) -> int:
        ordered = self.pairs == "ordered"
        n_all, n_zero = (self.p**2, self.p) if ordered else (self.p * (self.p + 1) // 2, 1)
        return n_all - n_zero if self._operation.divides else n_all

    @property
    def _n_train(self) -> int:
        return int(self.frac_train * self._n_pairs + 1e-9)  # 0.7 · 10 is a little below 7

    def sizes(self) -> tuple[int, int]:
        """Return the numbers of training pairs and of all pairs."""
        return self._n_train, self._n_pairs

    def describe(self) -> str:
        """Return the labels and the pairs in words."""
        ordered = self.pairs == "ordered"
        x, y = ("b", "a") if self._operation.swaps_unordered and not ordered else ("a", "b")
        formula = f"({self._operation.formula.replace('x', x).replace('y', y)}) mod {self.p}"
        if self.name not in OPERATIONS:  # a subclass with labels of its own
            formula = f"{self.name} of a and b"
        pairs = "ordered pairs (a, b)" if ordered else "unordered pairs a ≤ b"
        left_out = " with an inverse of b" if self._operation.divides else ""
        return f"{formula} on {self._n_pairs:,} {pairs}{left_out}, {self._n_train:,} for training"

    def build(self) -> Dataset:
        """Return the pairs in an order drawn from `split_seed`.

        The first ones are the training set. The order does not depend on `frac_train`: a larger training set
        holds the smaller one. With `pair_split` (x, y) and (y, x) stand together in it; where the training
        set would end between them, the nearest pair that stands alone, as (x, x) does, moves there: the set
        has its exact size.
        """
        if self.pairs == "ordered":
            a, b = np.divmod(np.arange(self.p**2), self.p)
        else:
            a, b = np.triu_indices(self.p)
        if self._operation.divides:
            a, b = a[b != 0], b[b != 0]
        rng = np.random.default_rng(self.split_seed)
        if self.split == "he":
            order = he_order(self.p, self.split_seed)
        elif self.split == "nanda":
            places = list(range(len(a)))
            random.Random(self.split_seed).shuffle(places)
            order = np.array(places)
        elif self.pair_split:
            order = _pairwise_order(a, b, self._n_train, rng)
        else:
            order = rng.permutation(len(a))
        a, b = a[order], b[order]
        x, y = (b, a) if self._operation.swaps_unordered and self.pairs == "unordered" else (a, b)
        labels = self._operation.value(x, y, self.p) % self.p
        return Dataset(inputs=np.stack([a, b], axis=1), labels=labels, n_train=self._n_train)


def _pairwise_order(
    a: Residues, b: Residues, n_train: int, rng: np.random.Generator
) -> Int[np.ndarray, " n"]:
    """Return an order that pairs (x, y) with (y, x).

    The two are neighbors in it, and the first `n_train` separate none.
    """
    either_way = np.minimum(a, b) * (max(a.max(), b.max()) + 1) + np.maximum(a, b)
    _, group, size = np.unique(either_way, return_inverse=True, return_counts=True)
    order = rng.permutation(len(size))  # of the groups
    ends = size[order].cumsum()
    cut = np.searchsorted(ends, n_train)
    if ends[cut] != n_train:
        alone = np.flatnonzero(size[order] == 1)  # never empty: (1, 1)
        moved = alone[np.abs(alone - cut).argmin()]
        order = np.insert(np.delete(order, moved), cut, order[moved])
    rank = np.argsort(order)
    return np.argsort(rank[group], kind="stable")


def _is_prime(p: int) -> bool:
    return all(p % divisor for divisor in range(2, math.isqrt(p) + 1))
