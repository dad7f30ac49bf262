"""Regression on the squared coordinate along a hidden direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from training.schema.validation import require, require_positive
from training.tasks.dataset import Dataset, Task


@dataclass(frozen=True, kw_only=True)
class PolynomialTask(Task):
    """Regression of y = (x·β)²/2 by squared error.

    x ~ N(0, 1/d) in every coordinate and β ~ N(0, 1). x·β has a variance near 1, so y has a mean and a
    variance near 1/2: predicting the mean costs 1/2.

    Notes
    -----
    y is quadratic in the length of x. Networks here have no biases, so multiplying x by c > 0 multiplies
    their output by c: the best function of that kind, E|x|³/E|x|² · y/|x|, still has a loss of .009 (|β|²/d)²
    at d = 40 and .05 (|β|²/d)² at d = 5. A threshold below that is out of a network's reach.

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470 (polynomial regression: d = 40, 100 examples each to train and
       to test).
    .. [2] Kumar et al., arXiv:2310.06110 (the task itself).
    """

    gives = "features"

    name: Literal["polynomial"] = "polynomial"
    d: int = 40
    """Number of features."""
    n_train: int = 100
    n_test: int = 100
    data_seed: int = 0
    """Seed of β, then of the examples: a larger d, n_train or n_test draws all of them anew."""
    loss_threshold: float = 0.05
    """The loss at which the training set counts as memorized and the test set as generalized: by default a
    tenth of what predicting the mean costs."""

    def __post_init__(self) -> None:
        for name in ("d", "n_train", "n_test"):
            require(getattr(self, name) >= 1, name, "a whole number from 1", getattr(self, name))
        require(self.data_seed >= 0, "data_seed", "a whole number from 0", self.data_seed)
        require_positive("loss_threshold", self.loss_threshold)

    @property
    def n_inputs(self) -> int:
        """One per coordinate of x."""
        return self.d

    @property
    def n_outputs(self) -> int:
        """The value y."""
        return 1

    def build(self) -> Dataset:
        """Draw β, then every example."""
        rng = np.random.default_rng(self.data_seed)
        beta = rng.standard_normal(self.d)
        inputs = rng.standard_normal((self.n_train + self.n_test, self.d)) / np.sqrt(self.d)
        targets = (inputs @ beta) ** 2 / 2
        return Dataset(inputs=inputs, targets=targets[:, None], n_train=self.n_train)
