"""Weights of one checkpoint for other code: safetensors, config and a card."""

from __future__ import annotations

import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from training.inspection.outcomes import number_or_none
from training.inspection.run import Run, open_run
from training.inspection.trained_network import Network
from training.runs import atomic_files
from training.runs.handover.verified_run import RESTORE
from training.runs.handover.weights_card import card
from training.runs.record_hashes import other_content
from training.runs.run_directory import RunDir
from training.schema.validation import ConfigError, names, require, to_dict


def write_weights_folder(
    run: Run | RunDir | Path | str, arm: str, seed: int, step: int | None, to: Path | str
) -> list[Path]:
    """Write weights, config and card to a new folder, and return the files.

    Raises
    ------
    ConfigError
        If the run has no such arm, seed or checkpoint, or the folder exists.
    RunError
        If the network's files are damaged.
    """
    opened, target = open_run(run), Path(to)
    network = _network(opened, arm, seed)
    steps = network.steps.tolist()
    if step is None:
        step = steps[-1]
    require(step in steps, "--step", f"one with a checkpoint ({names(map(str, steps))})", step)
    if target.exists():
        raise ConfigError(f"--to: expected a new folder, and {target} exists; choose another name")
    _check_hashes(network)
    row = steps.index(step)
    weights = {name: np.ascontiguousarray(w[row]) for name, w in network.weights().items()}
    mask = network.mask
    config = _config(opened, network, step)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as temporary:
        folder = Path(temporary) / target.name
        _write_tensors(folder / "model.safetensors", weights)
        if mask is not None:
            _write_tensors(
                folder / "mask.safetensors", {name: m.astype(np.uint8) for name, m in mask.items()}
            )
        atomic_files.write_json(folder / "config.json", config)
        atomic_files.write_bytes(folder / "README.md", card(config, network.setting).encode())
        folder.rename(target)
    atomic_files.flush_folder(target.parent)
    return sorted(target.iterdir())


def _network(run: Run, arm: str, seed: int) -> Network:
    """Return a finished network, refused by the option that names it."""
    arms = {network.arm for network in run}
    require(arm in arms, "--weights", f"one of the finished arms {names(arms)}", arm)
    seeds = sorted({network.seed for network in run if network.arm == arm})
    require(seed in seeds, "--seed", f"one of {names(map(str, seeds))}", seed)
    return run[arm, seed]


def _check_hashes(network: Network) -> None:
    """Raise a `RunError` about a file that is not the recorded one."""
    present = network.files.file_hashes()
    for name, digest in ((network.files.done() or {}).get("files") or {}).items():
        if name in present and present[name] != digest:
            raise other_content(network.files.path / name, digest, present[name], RESTORE)


def _config(run: Run, network: Network, step: int) -> dict[str, Any]:
    """Return the content of config.json: settings, origin and metrics of a network."""
    done = network.files.done() or {}
    settings = network.setting
    return {
        "made_by": f"grokking-tickets {version('grokking-tickets')}",
        "run": run.path.resolve().name,
        "arm": network.arm,
        "seed": network.seed,
        "step": step,
        "steps": done.get("steps", int(network.steps[-1])),
        "trained_here": run.trained_here,
        "role": network.role,
        "task": to_dict(settings.task),
        "model": to_dict(settings.model),
        "optimizer": to_dict(settings.optimizer),
        "source": done.get("source"),
        "density": None if network.mask is None else network.mask.density,
        "t_mem": network.t_mem,
        "t_gen": network.t_gen,
        "metrics": _metrics(network, step),
        "weights": {name: list(shape) for name, shape in settings.shapes().items()},
        "config": done.get("config"),
        **{name: done.get(name) for name in ("hash", "code", "platform", "files")},
    }


def _metrics(network: Network, step: int) -> dict[str, float | None]:
    """Return the losses and accuracies that were measured at a step."""
    metrics = network.metrics
    if metrics is None:
        return {}
    row = metrics[metrics["step"] == step]
    columns = [name for name in ("train_loss", "test_loss", "train_acc", "test_acc") if name in metrics]
    return {name: number_or_none(float(row[name].iloc[0])) for name in columns} if len(row) else {}


def _write_tensors(path: Path, tensors: dict[str, np.ndarray]) -> None:
    from safetensors.numpy import save

    atomic_files.write_bytes(path, save(tensors))
