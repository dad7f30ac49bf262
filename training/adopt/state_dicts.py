"""State dicts and their steps, read from other code's files.

A file is safetensors by its suffix; any other is one that `torch.save` wrote, read without running code. It
holds a state dict (weights by name); or several, as a list, as a table by step, or in a table under one of
the names below, which may hold other things too.
"""

from __future__ import annotations

import itertools
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from training.runs.atomic_files import RunError, check_archive, reading
from training.schema.validation import ConfigError, require

SEQUENCES = {"state_dicts": "epochs", "checkpoints": "checkpoint_epochs"}
"""By name of several state dicts: name of their steps. Nanda et al.'s runs, TransformerLens' demo."""
SINGLES = ("state_dict", "model_state_dict", "model")
"""Names of a single state dict in a table that holds other things too."""
SUPPORTED = {
    "act_fn": "relu",
    "act_type": "relu",
    "normalization_type": "none",
    "use_ln": "false",
}
"""Fields of a file's own config, and the value that this project's networks have, in small letters."""


@dataclass(frozen=True)
class Checkpoint:
    """Weights of a network at a step."""

    step: int
    file: Path
    weights: dict[str, np.ndarray]
    """float64 stays, other precisions become float32."""

    def __str__(self) -> str:
        return f"{self.file}, step {self.step}"


def read_checkpoints(files: Sequence[str], steps: Sequence[int] | None = None) -> list[Checkpoint]:
    """Return the state dicts of all files, by step.

    Parameters
    ----------
    steps : sequence of int, optional
        One per state dict, in the order of the files. By default the files' own; for files of one state dict
        each, the last number in each name, and the files are sorted by it; 0 for a single state dict.

    Raises
    ------
    ConfigError
        If the steps are not known, do not increase, or are not as many as the state dicts.
    RunError
        If a file is missing, damaged, would have to run code, or holds no state dicts.
    """
    states: list[tuple[Path, int | None, Any]] = []
    for path in map(Path, files):
        states += [(path, step, state) for step, state in _unpacked(path, _content(path))]
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
    return _checkpoints([(place, step, state) for step, state in _unpacked(place, weights)], steps)


def _checkpoints(
    states: Sequence[tuple[Path, int | None, Any]], steps: Sequence[int] | None
) -> list[Checkpoint]:
    """Return state dicts as checkpoints, once their steps are known to increase."""
    numbered = _numbered(states, steps)
    for (_, before, _), (path, step, _) in itertools.pairwise(numbered):
        require(step > before, f"{path}: step", f"one after {before}", step)
    require(numbered[0][1] >= 0, "step", "a whole number from 0", numbered[0][1])
    return [Checkpoint(step, path, _arrays(path, state)) for path, step, state in numbered]


def _numbered(
    states: Sequence[tuple[Path, int | None, Any]], steps: Sequence[int] | None
) -> list[tuple[Path, int, Any]]:
    """Return state dicts with steps: given, in the files, or in their names."""
    if steps is None and len(states) == 1:
        steps = [states[0][1] or 0]
    if steps is not None:
        expected = f"as many steps as state dicts, {len(states)}"
        require(len(steps) == len(states), "--steps", expected, len(steps))
        return [(path, step, state) for (path, _, state), step in zip(states, steps, strict=True)]
    with_steps = [(path, step, state) for path, step, state in states if step is not None]
    if len(with_steps) == len(states):
        return with_steps
    numbers = [re.findall(r"\d+", path.stem) for path, _, _ in states]
    if len({path for path, _, _ in states}) < len(states) or not all(numbers):
        raise ConfigError(f"--steps: expected {len(states)} steps: the files and their names do not say them")
    by_name = [(path, int(n[-1]), state) for (path, _, state), n in zip(states, numbers, strict=True)]
    return sorted(by_name, key=lambda numbered: numbered[1])


def _content(path: Path) -> Any:
    if not path.is_file():
        raise RunError(
            f"{path}: expected a file, and it {'is a folder' if path.is_dir() else 'does not exist'}"
        )
    with reading(path):
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        with path.open("rb") as file:
            archive = file.read(2) == b"PK"
        if archive:
            check_archive(path)
        try:
            with warnings.catch_warnings(action="ignore"):  # about files that make it raise in the end
                return torch.load(path, map_location="cpu", weights_only=True)
        except (OSError, MemoryError):
            raise
        except Exception as error:  # bytes of anything make it raise anything
            refused = re.search(r"GLOBAL ([\w.]+)", str(error))
            if refused is None:
                raise ValueError("not what torch.save writes") from None
    raise RunError(
        f"{path}: holds {refused[1]}, which could run code and is not read: save the state dicts alone"
    )


def _unpacked(path: Path, content: Any) -> list[tuple[int | None, Any]]:
    """Return the state dicts of a file, with the steps that it names."""
    if isinstance(content, list | tuple):
        require(len(content) > 0, str(path), "one state dict or more", "none")
        return [(None, state) for state in content]
    if not isinstance(content, Mapping):
        return [(None, content)]
    _check_config(path, content.get("config"))
    for key, key_of_steps in SEQUENCES.items():
        if key in content:
            states = _unpacked(path, content[key])
            if key_of_steps not in content:
                return states
            with reading(path):
                steps = [int(step) for step in content[key_of_steps]]
            require(len(steps) == len(states), f"{path}: {key_of_steps}", f"{len(states)} steps", len(steps))
            return [(step, state) for step, (_, state) in zip(steps, states, strict=True)]
    for key in SINGLES:
        if isinstance(content.get(key), Mapping):
            return [(None, content[key])]
    if content and all(isinstance(key, int) for key in content):
        return list(content.items())
    return [(None, content)]


def _check_config(path: Path, config: Any) -> None:
    if not isinstance(config, Mapping):
        return
    for name, supported in SUPPORTED.items():
        if name in config and str(config[name]).lower() != supported:
            raise RunError(
                f"{path}: config.{name}: expected {supported}, which is all that can be, got {config[name]!r}"
            )


def _arrays(path: Path, state: Any) -> dict[str, np.ndarray]:
    if not isinstance(state, Mapping) or not state:
        raise RunError(f"{path}: expected state dicts, tables of weights by name, got {type(state).__name__}")
    arrays = {}
    for name, tensor in state.items():
        if isinstance(tensor, np.ndarray):
            tensor = torch.from_numpy(np.array(tensor))
        if not isinstance(tensor, Tensor):
            raise RunError(f"{path}: {name}: expected a tensor, got {type(tensor).__name__}")
        if tensor.is_floating_point():
            tensor = tensor if tensor.dtype == torch.float64 else tensor.float()
        arrays[str(name)] = tensor.detach().numpy()
    return arrays
