"""State dicts of other code as the weights of this project's networks: names, orientation, sizes.

Names are those of `Model.shapes`, or their last part alone (W_Q for blocks.0.attn.W_Q); a network's sizes are
read off its shapes. A transformer may come
- as HookedTransformer's state dict, or its attributes with their leading axis of one layer;
- as Nanda et al.'s first code, and Zhong et al.'s, store it: out before in, and known by W_O's two axes,
  (d_model, head · d_head);
- with a logit for `=`, which is no class: its column is left out.
Positions and biases that are zero at every step are taken as absent. Weights do not say what function they
belong to: that the neurons are ReLU, attention a causal softmax of scores over √d_head, and the logits read
at the last token, is the user's word.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from einops import rearrange

from training.adopt.state_dicts import Checkpoint
from training.models.base import Model
from training.models.mlp.architecture import MLP
from training.models.transformer.architecture import Transformer
from training.models.transformer.weight_names import B_U, W_E, W_IN, W_K, W_O, W_OUT, W_POS, W_Q, W_U, W_V
from training.models.weight_names import Shape, is_prunable
from training.runs.atomic_files import RunError
from training.schema.validation import names
from training.tasks.dataset import Task

BUFFERS = ("mask", "IGNORE")
"""Last parts of the names of attention's constants."""
OTHER = {
    r"(^|\.)blocks\.[1-9]": "one layer",
    r"(^|\.)ln\w*\.": "no LayerNorm",
    r"(^|\.)W_gate$": "no gate in the MLP",
}
"""What a network would need to be ours, by names that say it is not."""

Weights = dict[str, np.ndarray]


def translated(model: Model, task: Task, checkpoints: Sequence[Checkpoint]) -> tuple[Model, Weights]:
    """The model in their sizes, and the weights stacked over checkpoints, (T, ...) each, by our names.

    What is left out of a transformer, or turned, is said on stderr.

    Parameters
    ----------
    model : Model
        In any sizes. It `infers_sizes`.
    task : Task
        For the numbers of tokens and classes.

    Raises
    ------
    RunError
        If names or shapes do not fit the model and the task, or a value is not finite.
    """
    is_transformer = isinstance(model, Transformer)
    axes = _axes(model, len(checkpoints[0].weights))
    each = [_named(checkpoint, axes) for checkpoint in checkpoints]
    turned = is_transformer and each[0][W_O].ndim == 2
    if turned:
        axes[W_O] = 2
    for checkpoint, own in zip(checkpoints, each, strict=True):
        for name, w in own.items():
            if w.ndim != axes[name]:
                raise RunError(f"{checkpoint}: {name}: expected {axes[name]} axes, got shape {w.shape}")
    if turned:
        print("matrices are stored out before in: turned", file=sys.stderr)
        each = [own | _turned(checkpoint, own) for checkpoint, own in zip(checkpoints, each, strict=True)]
    if is_transformer:
        each = _completed(_without_equals(each, task.n_outputs), task.n_outputs)
    model = replace(model, **model.sizes_of({name: w.shape for name, w in each[0].items()}))
    shapes = model.shapes(task.n_inputs, task.n_outputs)
    for checkpoint, own in zip(checkpoints, each, strict=True):
        _check(checkpoint, own, shapes, task)
    return model, {name: np.stack([own[name] for own in each]) for name in shapes}


def _axes(model: Model, n_weights: int) -> dict[str, int]:
    """Number of axes of every weight that such a model may have."""
    if isinstance(model, MLP):
        model = replace(model, widths=(1,) * max(1, n_weights - 1))
    if isinstance(model, Transformer):
        model = replace(model, positions=True, biases=True)
    return {name: len(shape) for name, shape in model.shapes(1, 1).items()}


def _named(checkpoint: Checkpoint, axes: Mapping[str, int]) -> Weights:
    """By our names, without the axis of one layer and without constants, and whole."""
    by_last = {_last(name): name for name in axes}
    own: Weights = {}
    unexpected = []
    for said, w in checkpoint.weights.items():
        name = by_last.get(said, said)
        if name not in axes or name in own:
            if _last(said) not in BUFFERS:
                unexpected.append(said)
            continue
        if not np.issubdtype(w.dtype, np.floating):
            raise RunError(f"{checkpoint}: {said}: expected floating-point numbers, got {w.dtype}")
        if name.startswith("blocks.") and w.ndim == axes[name] + 1:
            if len(w) != 1:
                raise RunError(f"{checkpoint}: {said}: expected one layer, got shape {w.shape}")
            w = w[0]
        own[name] = w
    for said in unexpected:
        for pattern, what in OTHER.items():
            if re.search(pattern, said):
                raise RunError(f"{checkpoint}: {said}: expected {what}, which is all that can be")
    needed = [name for name in axes if is_prunable(name) and name != W_POS]
    missing = [name for name in needed if name not in own]
    if missing or unexpected:
        wrong = [
            f"{what} {names(which)}"
            for what, which in (("missing", missing), ("unexpected", unexpected))
            if which
        ]
        raise RunError(f"{checkpoint}: {'; '.join(wrong)}; expected {names(needed)}")
    return own


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _turned(checkpoint: Checkpoint, own: Weights) -> Weights:
    """Every matrix (in, out) after its head, as HookedTransformer stores it."""
    n_heads = len(own[W_Q])
    if own[W_O].shape[1] % n_heads:
        expected = f"(d_model, heads · d_head) of {n_heads} heads"
        raise RunError(f"{checkpoint}: {W_O}: expected {expected}, got {own[W_O].shape}")
    turned = {name: own[name].swapaxes(-1, -2) for name in (W_E, W_Q, W_K, W_V, W_IN, W_OUT)}
    return turned | {W_O: rearrange(own[W_O], "d (h k) -> h k d", h=n_heads)}


def _without_equals(each: Sequence[Weights], p: int) -> Sequence[Weights]:
    """The logit of `=` left out, if there is one."""
    if any(own[name].shape[axis] != p + 1 for own in each for name, axis in ((W_E, 0), (W_U, 1))):
        return each
    print(f"the logit of =, which is no class, is left out: {p} logits remain", file=sys.stderr)
    return [own | {name: own[name][..., :p] for name in (W_U, B_U) if name in own} for own in each]


def _completed(each: Sequence[Weights], p: int) -> list[Weights]:
    """Positions and biases, each kind for all checkpoints or for none."""
    matrices = {name: w.shape for name, w in each[0].items()}
    full: Mapping[str, Shape] = Transformer(**Transformer.sizes_of(matrices | {W_POS: (), B_U: ()})).shapes(
        p, p
    )
    completed = [dict(own) for own in each]
    for kind in ([W_POS], [name for name in full if not is_prunable(name)]):
        present = any(own[name].any() for own in each for name in kind if name in own)
        for own, name in ((own, name) for own in completed for name in kind):
            if present:
                own.setdefault(name, np.zeros(full[name], dtype=own[W_E].dtype))
            else:
                own.pop(name, None)
    return completed


def _check(checkpoint: Checkpoint, own: Weights, shapes: Mapping[str, Shape], task: Task) -> None:
    wrong = [
        f"{name}: expected {shape}, got {own[name].shape}"
        for name, shape in shapes.items()
        if own[name].shape != shape
    ]
    if wrong:
        sizes = f"{task.n_inputs} inputs and {task.n_outputs} classes"
        raise RunError(f"{checkpoint}: shapes do not fit {sizes} and each other: {'; '.join(wrong)}")
    for name in shapes:
        if not np.isfinite(own[name]).all():
            raise RunError(f"{checkpoint}: {name}: has values that are not finite")
