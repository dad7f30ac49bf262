"""Content of a weight file, and the configs in it or next to it.

A file is safetensors by its suffix; any other is one that `torch.save` wrote. Nothing in it is run: besides
torch's own `weights_only` types, numbers and arrays of NumPy are read, and objects of config classes become
plain tables of their fields.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from training.runs.atomic_files import RunError, check_archive, reading

CONFIG_KEYS = ("config", "cfg", "model_config", "hparams", "hyper_parameters", "args")
"""Names of a config in a file that holds more than weights."""
CONFIG_CLASS = re.compile(r"(config|cfg|args|namespace|hparams|params)$", re.IGNORECASE)
"""End of the class names whose objects are read as tables of their fields."""
MAX_CLASSES = 20
"""Number of such classes in one file."""
MAX_CONFIG_BYTES = 1_000_000
"""Size up to which a JSON file next to the weights is a config."""


class _Fields:
    """Stand-in for a foreign config object: its fields, and no code."""

    def __init__(self, *_: Any, **fields: Any):
        self.__dict__.update(fields)


@dataclass(frozen=True)
class ForeignConfig:
    """Settings of the network that other code recorded, and where."""

    place: str
    fields: Mapping[str, Any]


def file_content(path: Path) -> tuple[Any, list[ForeignConfig]]:
    """Return a file's content, and the configs in it and next to it.

    Configs next to it are `NAME.json`, for `NAME.pt`, and `config.json`.

    Raises
    ------
    RunError
        If the file is missing or damaged, or would have to run code.
    """
    if not path.is_file():
        problem = "it is a folder" if path.is_dir() else "it does not exist"
        raise RunError(f"{path}: expected a file, and {problem}")
    with reading(path):
        content, configs = _safetensors(path) if path.suffix == ".safetensors" else (_pickled(path), [])
    for json_path in (path.with_suffix(".json"), path.with_name("config.json")):
        if json_path.is_file() and json_path.stat().st_size <= MAX_CONFIG_BYTES:
            with reading(json_path):
                configs += _configs(str(json_path), json.loads(json_path.read_text()))
    return content, configs + configs_in(str(path), content)


def configs_in(place: str, content: Any) -> list[ForeignConfig]:
    """Return the configs that a table holds: its tables of settings, and itself."""
    if not isinstance(content, Mapping):
        return []
    plain = {
        key: value
        for key, value in content.items()
        if isinstance(key, str) and isinstance(value, str | int | float | np.generic)
    }
    return [ForeignConfig(place, plain)] * bool(plain) + [
        config for key in CONFIG_KEYS for config in _configs(f"{place}: {key}", content.get(key))
    ]


def _configs(place: str, fields: Any) -> list[ForeignConfig]:
    """Return a table of fields as a config, and its part `model` as another."""
    if isinstance(fields, _Fields):
        fields = vars(fields)
    if not isinstance(fields, Mapping):
        return []
    model = fields.get("model")
    inner = [ForeignConfig(f"{place}.model", model)] if isinstance(model, Mapping) else []
    return [ForeignConfig(place, fields), *inner]


def _safetensors(path: Path) -> tuple[Any, list[ForeignConfig]]:
    from safetensors import safe_open
    from safetensors.torch import load_file

    with safe_open(path, framework="pt") as tensors:
        metadata: dict[str, Any] = dict(tensors.metadata() or {})
    for key in CONFIG_KEYS:
        try:
            metadata[key] = json.loads(metadata[key])
        except (KeyError, ValueError):
            continue
    place = f"{path}: metadata"
    return load_file(path), _configs(place, metadata) + configs_in(place, metadata)


def _pickled(path: Path) -> Any:
    """Return what `torch.save` wrote."""
    with path.open("rb") as file:
        is_archive = file.read(2) == b"PK"
    if is_archive:
        check_archive(path)
    classes: list[tuple[Any, str]] = []
    while True:
        try:
            with (
                warnings.catch_warnings(action="ignore"),  # about files that make it raise in the end
                torch.serialization.safe_globals(_numpy_types() + classes),
            ):
                return torch.load(path, map_location="cpu", weights_only=True)
        except (OSError, MemoryError):
            raise
        except Exception as error:  # bytes of anything make it raise anything
            refused = re.search(r"GLOBAL ([\w.]+)", str(error))
            if refused is None:
                raise ValueError("not what torch.save writes") from None
            name = refused[1]
        if not CONFIG_CLASS.search(name) or len(classes) == MAX_CLASSES or name in (n for _, n in classes):
            break
        classes.append((type("Fields", (_Fields,), {}), name))
    raise RunError(
        f"{path}: holds {name}, which could run code and is not read: save the state dicts, and the "
        "network's settings as plain numbers and texts in a table 'config'"
    )


def _numpy_types() -> list[Any]:
    """Return NumPy's scalars, arrays and plain dtypes by their names in files."""
    multiarray = np.array(0).__reduce__()[0].__module__
    reconstruct, scalar = np.array(0).__reduce__()[0], np.float64(0).__reduce__()[0]
    modules = {multiarray, "numpy.core.multiarray", "numpy._core.multiarray"}
    functions = [(reconstruct, f"{module}._reconstruct") for module in sorted(modules)]
    functions += [(scalar, f"{module}.scalar") for module in sorted(modules)]
    dtypes = [type(np.dtype(code)) for code in "?bBhHiIlLqQefdFDU"]
    return [*functions, (np.ndarray, "numpy.ndarray"), (np.dtype, "numpy.dtype"), *dict.fromkeys(dtypes)]
