"""Sparse parity: the parity of a few hidden bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Int

from training.schema.validation import require
from training.tasks.dataset import Dataset, Task

MAX_BITS = 62  # a string is a 64-bit number


@dataclass(frozen=True, kw_only=True)
class ParityTask(Task):
    """Parity of k hidden bits among `n_bits`.

    All strings differ. A bit is +1 if unset and −1 if set. The label is the number of −1 among the k hidden
    bits, mod 2: 0 where their product is +1, 1 where it is −1. Two classes, learned by cross-entropy.

    Notes
    -----
    Networks here have no biases, and without a constant feature a network of one hidden layer cannot learn
    an odd k from 3: relu(w·x) is w·x/2 + |w·x|/2, an odd k's parity is an odd function, and the odd part of
    any sum of such neurons is linear, which no parity is (it correlates with each neuron by exactly 0).

    References
    ----------
    .. [1] Merrill et al., "A Tale of Two Circuits", arXiv:2303.11873 (grokking of sparse parity, k = 3, by
       one hidden layer with biases).
    """

    gives = "features"

    name: Literal["parity"] = "parity"
    n_bits: int = 30
    k: int = 3
    """Number of the hidden bits that count."""
    constant: bool = True
    """True adds a last feature, 1 in every example: its weights are the first layer's biases."""
    n_train: int = 1000
    n_test: int = 1000
    """Strings to test; none of them is a training string."""
    data_seed: int = 0
    """Seed of the hidden bits, which it draws together with k and n_bits alone, then of the strings."""

    def __post_init__(self) -> None:
        require(1 <= self.n_bits <= MAX_BITS, "n_bits", f"a whole number from 1 to {MAX_BITS}", self.n_bits)
        require(1 <= self.k <= self.n_bits, "k", f"a whole number from 1 to n_bits = {self.n_bits}", self.k)
        for name in ("n_train", "n_test"):
            require(getattr(self, name) >= 1, name, "a whole number from 1", getattr(self, name))
        left = 2**self.n_bits - self.n_train
        expected = f"at most {left}, the strings of {self.n_bits} bits that n_train = {self.n_train} leaves"
        require(self.n_test <= left, "n_test", expected, self.n_test)
        require(self.data_seed >= 0, "data_seed", "a whole number from 0", self.data_seed)

    @property
    def n_inputs(self) -> int:
        """One per bit, and the constant."""
        return self.n_bits + self.constant

    @property
    def n_outputs(self) -> int:
        """Even and odd."""
        return 2

    @property
    def subset(self) -> Int[np.ndarray, " k"]:
        """The hidden bits, ascending."""
        return self._draw_subset(np.random.default_rng(self.data_seed))

    def _draw_subset(self, rng: np.random.Generator) -> Int[np.ndarray, " k"]:
        return np.sort(rng.choice(self.n_bits, self.k, replace=False))

    def build(self) -> Dataset:
        """Draw the hidden bits, then strings without replacement."""
        rng = np.random.default_rng(self.data_seed)
        subset = self._draw_subset(rng)
        strings = rng.choice(2**self.n_bits, self.n_train + self.n_test, replace=False)
        bits = strings[:, None] >> np.arange(self.n_bits) & 1
        inputs = (1 - 2 * bits).astype(float)
        if self.constant:
            inputs = np.pad(inputs, [(0, 0), (0, 1)], constant_values=1)
        return Dataset(inputs=inputs, labels=bits[:, subset].sum(axis=1) % 2, n_train=self.n_train)
