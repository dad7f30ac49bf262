"""Base class of the tasks, and their examples."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Float, Int

from training.schema.validation import OMITTED_AT_DEFAULT


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """All examples of a task, the training set first.

    The first `n_train` are trained on, the rest is the test set. Classes are learned by cross-entropy unless
    there are targets, which are learned by squared error; with both, accuracy is that of the largest output.
    """

    inputs: Int[np.ndarray, "n tokens"] | Float[np.ndarray, "n features"]
    """Tokens (residues), or features."""
    labels: Int[np.ndarray, " n"] | None = None
    """Class of every example."""
    targets: Float[np.ndarray, "n outputs"] | None = None
    """Values that the outputs are trained towards."""
    counts: Int[np.ndarray, " n"] | None = None
    """How many examples each one stands for; None for 1 each."""
    n_train: int
    """With all of them there is no test set, and what is measured on it is NaN."""

    def __post_init__(self) -> None:
        assert self.labels is not None or self.targets is not None
        assert 0 < self.n_train <= len(self.inputs)

    def unordered(self) -> Dataset:
        """Return the data set with each unordered pair listed once.

        It is for a network that cannot tell (a, b) from (b, a): of the two in one part, one counts for both.
        Every mean over a part stays as it was, and is computed from fewer examples.
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
    """Settings of a task.

    Its name in `TASKS` is the recipe's `task.name`.
    """

    gives: ClassVar[Literal["tokens", "features"]]
    """Kind of input that a model gets."""

    name: str
    split_known: bool = field(default=True, metadata=OMITTED_AT_DEFAULT)
    """False for a network of other code whose training examples nobody told: nothing is trained on such a
    task, and what needs the split is left out."""

    @property
    def symmetric(self) -> bool:
        """Return True if the order of an example's tokens is irrelevant."""
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
        """Loss at which a task without classes counts as learned.

        None for a task with classes.
        """
        return None

    def describe(self) -> str:
        """Return what is learned, in words that name what the settings leave unsaid."""
        return self.name

    def sizes(self) -> tuple[int, int] | None:
        """Return the numbers of training examples and of all, None if only `build` tells.

        They are used before a training starts, to tell what it needs.
        """
        n_train, n_test = (getattr(self, name, None) for name in ("n_train", "n_test"))
        is_set = isinstance(n_train, int) and isinstance(n_test, int)
        return (n_train, n_train + n_test) if is_set else None  # type: ignore[return-value, operator]

    @abstractmethod
    def build(self) -> Dataset:
        """Return all examples, in an order fixed by the settings."""
