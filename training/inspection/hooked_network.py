"""Trained networks as torch modules with hook points."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from training.models.weight_names import shapes_of
from training.runs.atomic_files import RunError
from training.schema.validation import names, require

if TYPE_CHECKING:
    import torch

    from training.inspection.run import Run
    from training.models.base import Model
    from training.runs.arm_directory import ArmDir
    from training.runs.run_directory import RunDir


def load_hooked(
    run: Run | RunDir | Path | str,
    arm: str,
    seed: int,
    step: int | None = None,
    dtype: torch.dtype | str = "float64",
) -> Any:
    """Return an arm's network at a checkpoint, with hooks.

    A transformer is TransformerLens' HookedTransformer, from (n, tokens) to (n, token, class) logits. The
    tokens are a and b, and `=`, which is token p, if the network reads it; a pair's logits are those at the
    last token. Positions and biases that the network lacks are zero. Every other network is a
    HookedRootModule, from (n, 2) residues, or features, to (n, class); `training.models.hooked.modules` lists
    its hook points.

    Pruned weights are zero and stay so under any optimizer of torch. A network has its task's `inputs`,
    `pairs`, `labels`, indices `train` and `test`, and `loss(logits, part)`. Of a tangent it is the network at
    θ, not its linearization. Global random generators are left alone. The first call in a process imports
    TransformerLens, about 3.6 s of processor time, which its hook points need too (docs/transformer-lens.md).

    Parameters
    ----------
    run : Run, RunDir or path
        A run directory, trained here or adopted.
    arm : str
        The arm's name.
    seed : int
        The arm's seed.
    step : int, optional
        A step with a checkpoint; by default the last one. The others are not read.
    dtype : torch.dtype or str
        Precision of the weights, and so of all that is computed.

    Returns
    -------
    HookedTransformer or HookedRootModule
        On the CPU.

    Raises
    ------
    ConfigError
        If the run has no such arm, seed or step, or the installed transformer-lens no HookedTransformer.
    RunError
        If there is no run, or its files are damaged.

    Examples
    --------
    A network without the neurons of frequency 5:

    >>> network = load_hooked("runs/modadd_fast", "dense", 0)  # doctest: +SKIP
    >>> def silence(neurons, hook):
    ...     neurons[:, frequency == 5] = 0
    >>> hooks = [("blocks.0.mlp.hook_post", silence)]
    >>> network.loss(network.run_with_hooks(network.inputs, fwd_hooks=hooks), "test")  # doctest: +SKIP
    """
    saved = _SavedNetwork(run, arm, seed)
    row = len(saved.steps) - 1
    if step is not None:
        known = f"one with a checkpoint ({saved.steps[0]} to {saved.steps[-1]})"
        require(step in saved.steps, "step", known, step)
        row = int(np.flatnonzero(saved.steps == step)[0])
    return saved.network(saved.files.checkpoints(row=row), dtype)


def hooked_checkpoints(
    run: Run | RunDir | Path | str,
    arm: str,
    seed: int,
    dtype: torch.dtype | str = "float64",
) -> Iterator[tuple[int, Any]]:
    """Yield every checkpoint of an arm's network, (step, network with hooks); the file is read once.

    The networks are those of `load_hooked`, and share nothing.

    Raises
    ------
    ConfigError, RunError
        As `load_hooked` does.
    """
    saved = _SavedNetwork(run, arm, seed)
    stacked = saved.files.checkpoints()
    for row, step in enumerate(saved.steps.tolist()):
        yield step, saved.network({name: w[row] for name, w in stacked.items()}, dtype)


class _SavedNetwork:
    """Files of one network, and what its modules are made with."""

    def __init__(self, run: Any, arm: str, seed: int):
        from training.inspection.run import open_run

        opened = open_run(run)
        networks = [(files.arm, files.seed) for files in opened.files.arms()]
        arms, seeds = {a for a, _ in networks}, [s for a, s in networks if a == arm]
        require(arm in arms, "arm", f"one of {names(arms)}", arm)
        require(seed in seeds, "seed", f"one of {', '.join(map(str, seeds))}", seed)
        if arm in opened.unknown_arms:
            raise RunError(f"{opened.path}: {arm}: {opened.unknown_arms[arm]}; --plugin names its module")
        self.files: ArmDir = opened.files.arm(arm, seed)
        self.setting = opened.recipe.setting(arm)
        self.scores_choose = opened.recipe.arms[arm].trains_scores
        self.steps, self.mask = self.files.steps(), self.files.mask()

    def network(self, arrays: Mapping[str, np.ndarray], dtype: torch.dtype | str) -> Any:
        """Return the module of these weights."""
        import torch

        from training.models.hooked.pruned_weights import keep_pruned_zero

        model, fits = self._model(arrays)
        precision = getattr(torch, dtype, None) if isinstance(dtype, str) else dtype
        is_real = isinstance(precision, torch.dtype) and precision.is_floating_point
        require(is_real, "dtype", "a floating-point type of torch, as float64 or float32", str(dtype))
        ordered = {name: arrays[name] for name in model.shapes(*fits)} if fits else arrays
        weights = {name: torch.from_numpy(w.copy()).to(precision) for name, w in ordered.items()}
        network: Any = model.hooked_network(weights)
        if self.mask is not None:
            keep_pruned_zero(network, {n: torch.from_numpy(m) for n, m in self._kept(arrays).items()})
        if hasattr(network, "with_task"):
            unfit = "the run's config does not tell the task of these weights"
            network.with_task(self.setting.task if fits else unfit)
        return network

    def _model(self, arrays: Mapping[str, np.ndarray]) -> tuple[Model, tuple[int, int] | None]:
        """Return the model of these weights, and the task's sizes if they are those of the recipe."""
        from training.models.transformer.architecture import Transformer
        from training.models.transformer.weight_names import W_Q

        task, model = self.setting.task, self.setting.model
        sizes = task.n_inputs, task.n_outputs
        shapes = shapes_of(arrays)
        if self.setting.shapes() == shapes:
            return model, sizes
        if W_Q in arrays:  # of other code, whose config tells no sizes
            return Transformer(
                **Transformer.sizes_of(shapes), attention_rate=getattr(model, "attention_rate", 1.0)
            ), None
        raise RunError(
            f"{self.files.path}: expected the weights of the run's {model.name}, "
            f"{names(self.setting.shapes())}, in its shapes, got {names(arrays)}"
        )

    def _kept(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the mask of these weights; trained scores choose anew at every step."""
        assert self.mask is not None
        path = self.files.path / "mask.safetensors"
        for name, is_kept in self.mask.items():
            if name not in arrays or arrays[name].shape != is_kept.shape:
                raise RunError(f"{path}: {name}: does not fit the weights' names and shapes")
            if not self.scores_choose and arrays[name][~is_kept].any():
                raise RunError(f"{path}: {name}: expected pruned weights of zero; restore it from a copy")
        if self.scores_choose:
            return {name: arrays[name] != 0 for name in self.mask}
        return self.mask
