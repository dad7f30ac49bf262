"""A trained transformer as TransformerLens' HookedTransformer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from training.runs.atomic_files import RunError
from training.runs.run_directory import RunDir
from training.schema.validation import names, require

if TYPE_CHECKING:
    from training.models.transformer.hooked_transformer import HookedTransformer


def load_hooked(run: RunDir | Path | str, arm: str, seed: int, step: int | None = None) -> HookedTransformer:
    """Return an arm's network at a checkpoint, with hooks.

    It maps (n, tokens) to (n, token, class) logits. The tokens are a and b, and `=`, which is token p, if the
    network reads it; a pair's logits are those at the last token. Pruned weights are zero, and so are
    positions and biases that the network lacks.

    Parameters
    ----------
    run : RunDir or path
        A run directory, trained here or adopted.
    arm : str
        The arm's name.
    seed : int
        The arm's seed.
    step : int, optional
        A step with a checkpoint; by default the last one.

    Returns
    -------
    HookedTransformer
        In the precision of the checkpoint, on the CPU.

    Raises
    ------
    ConfigError
        If the run has no such arm, seed or step, or the installed transformer-lens no HookedTransformer.
    RunError
        If there is no run, its files are damaged, or the arm is no transformer.
    """
    import torch

    from training.inspection.run import open_run
    from training.models.transformer.hooked_transformer import with_weights

    run = run if isinstance(run, RunDir) else RunDir.open(run)
    arms = {files.arm for files in run.arms()}
    require(arm in arms, "arm", f"one of {names(arms)}", arm)
    seeds = [files.seed for files in run.arms() if files.arm == arm]
    require(seed in seeds, "seed", f"one of {', '.join(map(str, seeds))}", seed)
    files = run.arm(arm, seed)
    stacked, steps = files.checkpoints(), files.steps()
    if "blocks.0.attn.W_Q" not in stacked:
        raise RunError(f"{files.path}: expected the weights of a transformer, got {names(stacked)}")
    row = -1
    if step is not None:
        require(step in steps, "step", f"one with a checkpoint ({steps[0]} to {steps[-1]})", step)
        row = int(np.flatnonzero(steps == step)[0])
    model = open_run(run).recipe.setting(arm).model
    weights = {name: torch.from_numpy(w[row].copy()) for name, w in stacked.items()}
    return with_weights(weights, getattr(model, "attention_rate", 1.0))
