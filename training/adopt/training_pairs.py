"""Training pairs that other code recorded, as flat indices a·p + b.

A file of text, JSON, NumPy or torch holds pairs, a row each, or flat indices.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from training.adopt.weight_files import file_content
from training.config.recipe import Recipe
from training.runs.atomic_files import RunError, reading
from training.schema.validation import require, to_dict

DRAWN_BY = ("frac_train", "pair_split", "split", "split_seed", "n_train")
"""Fields of a task that say how its training examples are drawn."""
TOLD_BY = ("frac_train", "n_train", "train_indices", "split_known")
"""Fields of a task that make the split known if the user gives one of them."""
KEY = "train_indices"
"""Name of the indices in a file of torch or JSON that holds other things too, as TransformerLens' demo."""
READERS = {
    ".json": lambda path: json.loads(path.read_text()),
    ".npy": lambda path: np.load(path, allow_pickle=False),
    ".txt": lambda path: _numbers_of(path.read_text()),
    ".csv": lambda path: _numbers_of(path.read_text()),
}
"""Function that reads a file, by its suffix; other files are those that torch.save writes."""


def is_told(task: Mapping[str, Any]) -> bool:
    """Return True if the fields that the user gave of a task tell its split."""
    return any(name in task for name in TOLD_BY)


def flat_indices(place: str, content: Any, p: int) -> tuple[int, ...]:
    """Return flat indices a·p + b of pairs, or of flat indices themselves.

    Parameters
    ----------
    place : str
        File or argument that they came from, named in errors.
    content : array-like
        Flat indices, (n,), or pairs (a, b), (n, 2).

    Raises
    ------
    ConfigError
        If these are no whole numbers, one lies outside the p² pairs, or one is there twice.
    """
    indices = content.numpy() if isinstance(content, Tensor) else content
    try:
        indices = np.asarray(indices)
    except ValueError:
        indices = np.array("rows of unequal length")
    is_whole = indices.dtype.kind in "iu" or (
        indices.dtype.kind == "f" and bool((indices == np.floor(indices)).all())
    )
    is_list = indices.ndim == 1 or (indices.ndim == 2 and indices.shape[1] == 2)
    expected = "whole numbers: a flat index a·p + b in each place, or a pair a, b in each row"
    got = f"{indices.dtype} of shape {indices.shape}"
    require(is_whole and is_list and indices.size > 0, place, expected, got)
    largest = p - 1 if indices.ndim == 2 else p**2 - 1
    outside = indices[(indices < 0) | (indices > largest)]
    kind = "residues" if indices.ndim == 2 else "flat indices a·p + b"
    require(not outside.size, place, f"{kind} from 0 to {largest}", int(outside[:1].sum()))
    flat = (indices @ [p, 1] if indices.ndim == 2 else indices).astype(np.int64)
    values, counts = np.unique(flat, return_counts=True)
    twice = values[counts > 1]
    if twice.size:
        a, b = divmod(int(twice[0]), p)
        require(False, place, "every training pair once", f"({a}, {b}) twice")
    return tuple(flat.tolist())


def read_indices(path: Path, p: int) -> tuple[int, ...]:
    """Return the flat indices in a file.

    Raises
    ------
    ConfigError
        If they are no pairs of residues, or one is there twice.
    RunError
        If the file is missing or damaged, or would have to run code.
    """
    reader = READERS.get(path.suffix)
    if reader is None:
        content, _ = file_content(path)
    elif not path.is_file():
        raise RunError(f"{path}: expected a file of training pairs, and there is none")
    else:
        with reading(path):
            content = reader(path)
    if isinstance(content, Mapping):
        if KEY not in content:
            raise RunError(f"{path}: expected a list of indices, or a table with {KEY}, got a table without")
        content = content[KEY]
    return flat_indices(str(path), content, p)


def _numbers_of(text: str) -> list[Any]:
    """Return the numbers of every line; flat indices may share lines.

    A line of words, as a CSV file's header, is left out.
    """
    lines = [line.partition("#")[0].replace(",", " ").split() for line in text.splitlines()]
    rows = [words for words in lines if words and not all(word.isidentifier() for word in words)]
    if all(len(words) == 2 for words in rows):
        return [[int(word) for word in words] for words in rows]
    return [int(word) for words in rows for word in words]


def resolved_config(recipe: Recipe, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return task, model and further given tables, resolved.

    A split that is unknown, or given by indices, has no fields of a drawn one.
    """
    config = {table: to_dict(getattr(recipe, table)) for table in given}
    if not recipe.task.split_known or "train_indices" in config["task"]:
        config["task"] = {name: value for name, value in config["task"].items() if name not in DRAWN_BY}
    return config


def print_split(recipe: Recipe, metrics_file: str | None) -> None:
    """Print on stderr what the training pairs are taken for."""
    task = recipe.task
    if not task.split_known:
        left_out = "losses and accuracies of training and test pairs"
        times = "" if metrics_file else ", t_mem and t_gen"
        print(
            f"the split is unknown: {left_out}{times} are left out; --train-indices FILE or --frac-train "
            "tells it, --metrics-file FILE brings curves",
            file=sys.stderr,
        )
    elif not getattr(task, "train_indices", ()):
        print(
            "the split is the one that this project draws: other code's training pairs are others, unless "
            "--train-indices names them",
            file=sys.stderr,
        )
