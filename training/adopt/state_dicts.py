"""State dicts and their steps, read from other code's files.

A file holds a state dict (weights by name); or several, as a list, as a table by step, or in a table under
one of the names below, which may hold other things too.
"""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from training.adopt.weight_files import ForeignConfig, configs_in, file_content
from training.runs.atomic_files import RunError, reading
from training.schema.validation import ConfigError, require

SEQUENCES = {"state_dicts": "epochs", "checkpoints": "checkpoint_epochs"}
"""By name of several state dicts: name of their steps. Nanda et al.'s runs, TransformerLens' demo."""
SINGLES = ("state_dict", "model_state_dict", "model")
"""Names of a single state dict in a table that holds other things too."""
STEPS = ("epoch", "step")
"""Names of a single state dict's step in such a table."""
MAX_STEP = 2**53
"""Largest step, the last whole number that all of a table's formats hold."""


@dataclass(frozen=True)
class Checkpoint:
    """Weights of a network at a step."""

    step: int
    file: Path
    weights: dict[str, np.ndarray]
    """float64 stays, other precisions become float32."""
    configs: tuple[ForeignConfig, ...] = ()
    """Settings recorded in the file or next to it."""

    def __str__(self) -> str:
        return f"{self.file}, step {self.step}"


@dataclass(frozen=True)
class _State:
    """State dict as read."""

    file: Path
    state: Any
    step: int | None = None
    """As the file numbers its state dicts."""
    recorded: int | None = None
    """As the file records with a single state dict; the file's name is believed before it."""
    configs: tuple[ForeignConfig, ...] = ()


def read_checkpoints(files: Sequence[str], steps: Sequence[int] | None = None) -> list[Checkpoint]:
    """Return the state dicts of all files, by step.

    Parameters
    ----------
    steps : sequence of int, optional
        One per state dict, in the order of the files. By default the files' own; for files of one state dict
        each, the last number in each name, and the files are sorted by it. A single state dict in a file
        whose name has no number has the step recorded with it, or 0.

    Raises
    ------
    ConfigError
        If the steps are not known, do not increase, or are not as many as the state dicts.
    RunError
        If a file is missing, damaged, would have to run code, or holds no state dicts.
    """
    states: list[_State] = []
    for path in map(Path, files):
        content, configs = file_content(path)
        states += _unpacked(path, content, tuple(configs))
    return _checkpoints(states, steps)


def checkpoints_of(weights: Any, steps: Sequence[int] | None = None) -> list[Checkpoint]:
    """Return state dicts in memory, by step.

    Parameters
    ----------
    weights : mapping or sequence
        A state dict of arrays or tensors; several, as a list, or as a mapping by step.
    steps : sequence of int, optional
        One per state dict; by default those of the mapping, or 0 for a single state dict.

    Raises
    ------
    ConfigError
        If the steps are not known, do not increase, or are not as many as the state dicts.
    RunError
        If these are no state dicts.
    """
    place = Path("weights")
    return _checkpoints(_unpacked(place, weights, tuple(configs_in(str(place), weights))), steps)


def _checkpoints(states: Sequence[_State], steps: Sequence[int] | None) -> list[Checkpoint]:
    """Return state dicts as checkpoints, once their steps are known to increase."""
    numbered = _numbered(states, steps)
    for step, _ in numbered:
        require(0 <= step <= MAX_STEP, "step", f"a whole number from 0 to {MAX_STEP}", step)
    for (before, _), (step, state) in itertools.pairwise(numbered):
        require(step > before, f"{state.file}: step", f"one after {before}", step)
    return [Checkpoint(step, s.file, _arrays(s.file, s.state), s.configs) for step, s in numbered]


def _numbered(states: Sequence[_State], steps: Sequence[int] | None) -> list[tuple[int, _State]]:
    """Return state dicts with steps: given, in the files, or in their names."""
    if steps is not None:
        expected = f"as many steps as state dicts, {len(states)}"
        require(len(steps) == len(states), "--steps", expected, len(steps))
        return list(zip(steps, states, strict=True))
    if all(state.step is not None for state in states):
        return [(state.step or 0, state) for state in states]
    by_name = [_number_in_name(state.file) for state in states]
    if len(states) == 1:
        (state,), (step,) = states, by_name
        if step is None:
            return [(state.recorded or 0, state)]
        print(f"step {step}, from the name {state.file.name}; --steps gives another", file=sys.stderr)
        return [(step, state)]
    if len({state.file for state in states}) < len(states) or None in by_name:
        raise ConfigError(f"--steps: expected {len(states)} steps: the files and their names do not say them")
    return sorted(zip((step or 0 for step in by_name), states, strict=True), key=lambda pair: pair[0])


def _number_in_name(path: Path) -> int | None:
    """Return the last number in a file's name.

    None without one, or for one beyond all steps.
    """
    numbers = re.findall(r"[0-9]+", path.stem)
    is_step = bool(numbers) and len(numbers[-1].lstrip("0")) <= len(str(MAX_STEP))
    return int(numbers[-1]) if is_step else None


def _unpacked(path: Path, content: Any, configs: tuple[ForeignConfig, ...]) -> list[_State]:
    """Return the state dicts of a file, with the steps that it names."""
    for key, key_of_steps in SEQUENCES.items():
        if isinstance(content, Mapping) and key in content:
            states = _listed(path, content[key], configs)
            if key_of_steps not in content:
                return states
            with reading(path):
                steps = [_whole(step) for step in content[key_of_steps]]
            require(len(steps) == len(states), f"{path}: {key_of_steps}", f"{len(states)} steps", len(steps))
            return [_State(path, s.state, step, None, configs) for step, s in zip(steps, states, strict=True)]
    for key in SINGLES:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            with reading(path):
                recorded = [_whole(content[name]) for name in STEPS if content.get(name) is not None]
            return [_State(path, content[key], None, recorded[0] if recorded else None, configs)]
    return _listed(path, content, configs)


def _listed(path: Path, content: Any, configs: tuple[ForeignConfig, ...]) -> list[_State]:
    """Return state dicts from a list, a table by step, or one alone."""
    if isinstance(content, list | tuple):
        require(len(content) > 0, str(path), "one state dict or more", "none")
        return [_State(path, state, configs=configs) for state in content]
    if isinstance(content, Mapping) and content and all(type(key) is int for key in content):
        return [_State(path, state, step, configs=configs) for step, state in content.items()]
    return [_State(path, content, configs=configs)]


def _whole(step: Any) -> int:
    """Return a step as a whole number."""
    if step != int(step):
        raise ValueError(f"expected whole numbers as steps, got {step!r}")
    return int(step)


def _arrays(path: Path, state: Any) -> dict[str, np.ndarray]:
    if not isinstance(state, Mapping) or not state:
        raise RunError(f"{path}: expected state dicts, tables of weights by name, got {type(state).__name__}")
    return {str(name): _array(f"{path}: {name}", tensor) for name, tensor in state.items()}


def _array(where: str, tensor: Any) -> np.ndarray:
    """Return a tensor's values as an array."""
    try:
        if isinstance(tensor, np.ndarray):
            tensor = torch.from_numpy(np.array(tensor))
        if not isinstance(tensor, Tensor):
            raise RunError(f"{where}: expected a tensor, got {type(tensor).__name__}")
        if kind := _unusual_kind(tensor):
            raise RunError(f"{where}: expected a dense tensor of plain numbers, got {kind}; save it as one")
        tensor = tensor.detach().resolve_conj().resolve_neg().cpu()
        if tensor.is_floating_point():
            tensor = tensor if tensor.dtype == torch.float64 else tensor.float()
        return tensor.numpy()
    except (TypeError, RuntimeError, NotImplementedError) as error:  # tensor classes of other libraries
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise RunError(f"{where}: expected a dense tensor of plain numbers: {reason}") from None


def _unusual_kind(tensor: Tensor) -> str | None:
    """Return the kind of a tensor that has no plain array.

    None for a dense one.
    """
    if tensor.is_nested:
        return "a nested one"
    if tensor.layout is not torch.strided:
        return "a sparse one"
    if tensor.is_quantized:
        return "a quantised one"
    if tensor.is_meta:
        return "one without data (meta)"
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        return "one whose values repeat in memory (expanded)"
    return None
