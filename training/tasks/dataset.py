"""What every task is, and what it hands to training: all examples in one order, the training set first."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Float, Int


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """All examples of a task; the first `n_train` are trained on, the rest is the test set.

    Classes are learned by cross-entropy unless there are targets, which are learned by squared error; with
    both, accuracy is that of the largest output.
    """

    inputs: Int[np.ndarray, "n tokens"] | Float[np.ndarray, "n features"]
    """Tokens (residues), or features."""
    labels: Int[np.ndarray, " n"] | None = None
    """Class of every example."""
    targets: Float[np.ndarray, "n outputs"] | None = None
    """What the outputs shall be."""
    counts: Int[np.ndarray, " n"] | None = None
    """How many examples each one stands for; None for 1 each."""
    n_train: int
    """With all of them there is no test set, and what is measured on it is NaN."""

    def __post_init__(self) -> None:
        assert self.labels is not None or self.targets is not None
        assert 0 < self.n_train <= len(self.inputs)

    def unordered(self) -> Dataset:
        """These pairs for a network that cannot tell (a, b) from (b, a): of two in one part, one for both.

        Every mean over a part is what it was, with fewer examples to compute it from.
        """
        in_test = np.arange(len(self.inputs)) >= self.n_train
        tokens = np.column_stack([in_test, np.sort(self.inputs, axis=1)])
        _, first, of, counts = np.unique(
            tokens, axis=0, return_index=True, return_inverse=True, return_counts=True
        )
        if len(first) == len(self.inputs):
            return self
        assert self.labels is not None and (self.labels[first][of] == self.labels).all()
        n_train = int((~in_test[first]).sum())
        return Dataset(inputs=self.inputs[first], labels=self.labels[first], counts=counts, n_train=n_train)


@dataclass(frozen=True, kw_only=True)
class Task(ABC):
    """Settings of a task; its name in TASKS is the recipe's `task.name`."""

    gives: ClassVar[Literal["tokens", "features"]]
    """What kind of input a model gets."""

    name: str

    @property
    def symmetric(self) -> bool:
        """Whether the order of an example's tokens makes no difference."""
        return True

    @property
    @abstractmethod
    def n_inputs(self) -> int:
        """Number of tokens, or of features."""

    @property
    @abstractmethod
    def n_outputs(self) -> int:
        """Number of classes, or of targets."""

    @property
    def loss_threshold(self) -> float | None:
        """The loss at which a task without classes counts as learned; None for a task with classes."""
        return None

    @abstractmethod
    def build(self) -> Dataset:
        """All examples, in an order that the settings alone decide."""
