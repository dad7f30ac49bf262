"""Examples of a task, as a module's attributes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from training.runs.atomic_files import RunError
from training.schema.validation import require
from training.tasks.dataset import Dataset, Task
from training.tasks.losses import plain_loss


class TrainingIndices(Tensor):
    """Indices of the training examples; a call sets the training mode, as `torch.nn.Module.train` does."""

    # What is indexed by it is a plain tensor.
    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]
    set_mode: Callable[[bool], nn.Module]

    def __call__(self, mode: bool = True) -> nn.Module:
        """Set the module's training mode."""
        return self.set_mode(mode)


class WithExamples(nn.Module):
    """Module that has the examples of its network's task.

    They are built at the first use, on the device of the weights.
    """

    _task: Task | str = "its task is not known"

    def with_task(self, task: Task | str) -> None:
        """Set the task; a text says why there is none."""
        self._task = task
        self.__dict__.pop("_data", None)

    @functools.cached_property
    def _data(self) -> Dataset:
        if isinstance(self._task, str):
            raise RunError(f"expected a network whose examples are known: {self._task}")
        return self._task.build()

    @property
    def inputs(self) -> Tensor:
        """What the network reads, for every example: `network(network.inputs)` has all outputs."""
        inputs = self._tensor(self._data.inputs)
        return inputs.to(next(self.parameters()).dtype) if inputs.is_floating_point() else inputs

    @property
    def pairs(self) -> Tensor:
        """Residues of every example, (example, 2), those of training first.

        Raises
        ------
        RunError
            If the examples are features.
        """
        inputs = self._tensor(self._data.inputs)
        if inputs.is_floating_point():
            raise RunError("expected a network that reads pairs of residues, got features; use inputs")
        return inputs

    @property
    def labels(self) -> Tensor:
        """Class of every example, (example,).

        Raises
        ------
        RunError
            If the task has targets in place of classes.
        """
        if self._data.labels is None:
            raise RunError("expected a task with classes, got one with targets; use loss")
        return self._tensor(self._data.labels)

    @property
    def train(self) -> Any:
        """Indices of the training examples; `train()` still sets the training mode.

        Without a known split it does that alone.
        """
        set_mode = functools.partial(nn.Module.train, self)
        if isinstance(self._task, str) or not self._task.split_known:
            return set_mode
        indices = self._tensor(np.arange(self._data.n_train)).as_subclass(TrainingIndices)
        indices.set_mode = set_mode
        return indices

    def eval(self) -> Any:
        """Set the evaluation mode."""
        return nn.Module.train(self, False)

    @property
    def test(self) -> Tensor:
        """Indices of the test examples.

        Raises
        ------
        RunError
            If the split is not known.
        """
        part = self._part("test")
        return self._tensor(np.arange(part.start, part.stop))

    def loss(self, logits: Tensor, part: str | None = "train") -> Tensor:
        """Return the mean loss over the training set, the test set or all examples.

        Parameters
        ----------
        logits : Tensor
            Of all examples, in the order of `inputs`, or of this part alone; (example, class), or
            (example, position, class), of which the last position counts.
        part : {"train", "test", None}
            None takes all examples.

        Raises
        ------
        ConfigError
            If there is no such part, or `logits` are not those of all examples or of the part.
        RunError
            If the split is not known.
        """
        rows = self._part(part)
        n_all, n_part = len(self._data.inputs), rows.stop - rows.start
        expected = f"{n_all} rows, one per example, or {n_part}, those of {part or 'all'}"
        require(len(logits) in (n_all, n_part), "logits", expected, len(logits))
        if logits.ndim == 3:
            logits = logits[:, -1]
        chosen = logits[rows] if len(logits) == n_all else logits
        return plain_loss(self._data, rows, logits.device, logits.dtype)(chosen)

    def _part(self, part: str | None) -> slice:
        """Return the rows of a part."""
        require(part in ("train", "test", None), "part", "train, test or None", part)
        n_train, n = self._data.n_train, len(self._data.inputs)
        if part is None:
            return slice(0, n)
        assert isinstance(self._task, Task)
        if not self._task.split_known:
            raise RunError("expected a network whose training examples are known; part=None takes all")
        return slice(0, n_train) if part == "train" else slice(n_train, n)

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.as_tensor(array).to(next(self.parameters()).device)
