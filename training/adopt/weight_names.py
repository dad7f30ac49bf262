"""Names, orientation and sizes of other code's weights, made this project's.

Names are those of `Model.shapes`, or their last part alone (W_Q for blocks.0.attn.W_Q); a network's sizes are
read from its shapes. Weights may come
- as HookedTransformer's state dict, or its attributes with their leading axis of one layer;
- as Nanda et al.'s first code, Zhong et al.'s and Minegishi et al.'s store a transformer: out before in, and
  known by W_O's two axes, (d_model, head · d_head);
- with a logit for `=`, which is no class: its column is left out;
- as Minegishi et al. store their MLP and He et al. theirs, out before in and known by its names;
- with masks as buffers, as Minegishi et al. store them: pruned weights become zero.
Positions and biases that are zero at every step are taken as absent. Weights do not say what function they
belong to: that neurons are ReLU, that attention is a causal softmax of scores over √d_head, and that logits
are read at the last token, is assumed unless a config says otherwise.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from einops import rearrange

from training.adopt.foreign_masks import apply_mask, common_mask, is_mask, masks_by_weight
from training.adopt.state_dicts import Checkpoint
from training.models.base import Model
from training.models.mlp.architecture import MLP
from training.models.transformer.architecture import Transformer
from training.models.transformer.weight_names import (
    B_U,
    BIASES,
    W_E,
    W_IN,
    W_K,
    W_O,
    W_OUT,
    W_POS,
    W_Q,
    W_U,
    W_V,
)
from training.models.weight_names import Shape, is_prunable, shapes_of
from training.runs.atomic_files import RunError
from training.schema.validation import names
from training.tasks.dataset import Task

PAPER_NAMES = {
    "embed_mlp": {"embed.W_E": "W_E", "inproj.W": "W_in", "outproj.W": "W_out", "unembed.W_U": "W_U"},
    "one_hot_mlp": {"mlp.W_in": "W_in", "mlp.W_out": "W_out"},
    "embedded_mlp": {"embed.W_E": "W_E", "mlp.W_in": "W_in", "mlp.W_out": "W_out"},
}
"""By model: names in the published code of Minegishi et al. and of He et al."""
OUT_BEFORE_IN = ("embed.W_E", "inproj.W", "outproj.W", "mlp.W_in", "mlp.W_out")
"""Those of them that are stored (out, in)."""
BUFFERS = ("mask", "IGNORE", "basis")
"""Last parts of the names of constants: attention's, and He et al.'s Fourier basis."""
UNSUPPORTED = {
    r"(^|\.)blocks\.[1-9]": "one layer",
    r"(^|\.)ln\w*\.": "no LayerNorm",
    r"(^|\.)W_gate$": "no gate in the MLP",
}
"""By pattern of a weight's name: what this project's networks have instead."""

Weights = dict[str, np.ndarray]


@dataclass(frozen=True)
class RenamedWeights:
    """Network by this project's names."""

    model: Model
    """In the weights' sizes."""
    weights: Weights
    """Stacked over checkpoints, (T, ...) each; pruned ones are zero."""
    mask: Weights | None
    """True = kept; None for a dense network."""


def renamed_weights(model: Model, task: Task, checkpoints: Sequence[Checkpoint]) -> RenamedWeights:
    """Return weights by this project's names, their mask, and the model in their sizes.

    What is left out, or transposed, is printed on stderr.

    Parameters
    ----------
    model : Model
        In any sizes. It `infers_sizes`.
    task : Task
        For the numbers of tokens and classes.

    Raises
    ------
    RunError
        If names or shapes do not fit the model and the task, a value is not finite, or masks change.
    """
    n_axes = _n_axes(model, len(checkpoints[0].weights))
    states, masks = [], []
    for checkpoint in checkpoints:
        state, mask = _by_our_names(checkpoint, model.name, n_axes)
        states.append(apply_mask(state, mask))
        masks.append({name: mask.get(name, np.ones(w.shape, bool)) for name, w in state.items()})
    transposed_back = isinstance(model, Transformer) and states[0][W_O].ndim == 2
    if transposed_back:
        n_axes[W_O] = 2
    for checkpoint, state in zip(checkpoints, states, strict=True):
        for name, w in state.items():
            if w.ndim != n_axes[name]:
                raise RunError(f"{checkpoint}: {name}: expected {n_axes[name]} axes, got shape {w.shape}")
    if transposed_back:
        print("matrices are stored out before in: transposed", file=sys.stderr)
        for part in (states, masks):
            part[:] = [
                state | _transposed(checkpoint, state)
                for checkpoint, state in zip(checkpoints, part, strict=True)
            ]
    if isinstance(model, Transformer):
        if _has_logit_of_equals(states, task.n_outputs):
            print(
                f"the logit of =, which is no class, is left out: {task.n_outputs} logits remain",
                file=sys.stderr,
            )
            states, masks = (_without_equals(part, task.n_outputs) for part in (states, masks))
        states = _with_equal_names(states, task.n_outputs)
    model = replace(model, **model.sizes_of({name: w.shape for name, w in states[0].items()}))
    shapes = model.shapes(task.n_inputs, task.n_outputs)
    for checkpoint, state in zip(checkpoints, states, strict=True):
        _check(checkpoint, state, shapes, task)
    stacked = {name: np.stack([state[name] for state in states]) for name in shapes}
    return RenamedWeights(model, stacked, common_mask(checkpoints, masks, shapes))


def _n_axes(model: Model, n_weights: int) -> dict[str, int]:
    """Return the number of axes of every weight that such a model may have."""
    if isinstance(model, MLP):
        model = replace(model, widths=(1,) * max(1, n_weights - 1))
    if isinstance(model, Transformer):
        model = replace(model, positions=True, biases=True)
    return {name: len(shape) for name, shape in model.shapes(1, 1).items()}


def _by_our_names(checkpoint: Checkpoint, model: str, n_axes: Mapping[str, int]) -> tuple[Weights, Weights]:
    """Return a checkpoint's weights and masks by our names.

    Constants and the axis of one layer are dropped.
    """
    paper_names = PAPER_NAMES.get(model, {})
    by_last_part = {_last_part(name): name for name in n_axes} | paper_names
    weights: Weights = {}
    masks: Weights = {}
    unexpected = []
    foreign_masks = masks_by_weight(checkpoint)
    for foreign_name, w in checkpoint.weights.items():
        name = by_last_part.get(foreign_name, foreign_name)
        if name not in n_axes or name in weights:
            if _last_part(foreign_name) not in BUFFERS and not is_mask(foreign_name):
                unexpected.append(foreign_name)
            continue
        if not np.issubdtype(w.dtype, np.floating):
            raise RunError(f"{checkpoint}: {foreign_name}: expected floating-point numbers, got {w.dtype}")
        if 0 in w.shape:
            raise RunError(f"{checkpoint}: {foreign_name}: expected one entry or more, got shape {w.shape}")
        mask = foreign_masks.pop(foreign_name, None)
        if name.startswith("blocks.") and w.ndim == n_axes[name] + 1:
            if len(w) != 1:
                raise RunError(f"{checkpoint}: {foreign_name}: expected one layer, got shape {w.shape}")
            w, mask = w[0], None if mask is None else mask[0]
        is_turned = foreign_name in paper_names and foreign_name in OUT_BEFORE_IN
        weights[name] = w.T if is_turned else w
        if mask is not None and is_prunable(name):
            masks[name] = mask.T if is_turned else mask
    _check_names(checkpoint, weights, unexpected + [f"mask of {name}" for name in foreign_masks], n_axes)
    return weights, masks


def _check_names(
    checkpoint: Checkpoint, weights: Weights, unexpected: Sequence[str], n_axes: Mapping[str, int]
) -> None:
    """Raise a `RunError` about weights that are missing or unexpected."""
    for foreign_name in unexpected:
        for pattern, supported in UNSUPPORTED.items():
            if re.search(pattern, foreign_name):
                raise RunError(
                    f"{checkpoint}: {foreign_name}: expected {supported}, which is all that can be"
                )
    needed = [name for name in n_axes if is_prunable(name) and name != W_POS]
    missing = [name for name in needed if name not in weights]
    groups = {"missing": missing, "unexpected": unexpected}
    wrong = [f"{problem} {names(group)}" for problem, group in groups.items() if group]
    if wrong:
        raise RunError(f"{checkpoint}: {'; '.join(wrong)}; expected {names(needed)}")


def _last_part(name: str) -> str:
    return name.rpartition(".")[2]


def _transposed(checkpoint: Checkpoint, weights: Weights) -> Weights:
    """Return every matrix (in, out) after its head, as HookedTransformer stores it."""
    n_heads = len(weights[W_Q])
    if weights[W_O].shape[1] % n_heads:
        expected = f"(d_model, heads · d_head) of {n_heads} heads"
        raise RunError(f"{checkpoint}: {W_O}: expected {expected}, got {weights[W_O].shape}")
    transposed = {name: weights[name].swapaxes(-1, -2) for name in (W_E, W_Q, W_K, W_V, W_IN, W_OUT)}
    return transposed | {W_O: rearrange(weights[W_O], "d (h k) -> h k d", h=n_heads)}


def _has_logit_of_equals(states: Sequence[Weights], p: int) -> bool:
    """Return True if every state has a token and a logit more than residues."""
    return all(state[name].shape[axis] == p + 1 for state in states for name, axis in ((W_E, 0), (W_U, 1)))


def _without_equals(states: Sequence[Weights], p: int) -> list[Weights]:
    """Return the weights without the logit of `=`."""
    return [state | {name: state[name][..., :p] for name in (W_U, B_U) if name in state} for state in states]


def _with_equal_names(states: Sequence[Weights], p: int) -> list[Weights]:
    """Return weights with positions and biases, each in all checkpoints or in none."""
    sizes = Transformer.sizes_of(shapes_of(states[0])) | {"positions": True, "biases": True}
    shapes: Mapping[str, Shape] = Transformer(**sizes).shapes(p, p)
    complete = [dict(state) for state in states]
    for group in ([W_POS], BIASES):
        is_present = any(state[name].any() for state in states for name in group if name in state)
        for state, name in ((state, name) for state in complete for name in group):
            if is_present:
                state.setdefault(name, np.zeros(shapes[name], dtype=state[W_E].dtype))
            else:
                state.pop(name, None)
    return complete


def _check(checkpoint: Checkpoint, weights: Weights, shapes: Mapping[str, Shape], task: Task) -> None:
    """Raise a `RunError` about unfit shapes or values that are not finite."""
    wrong = [
        f"{name}: expected {shape}, got {weights[name].shape}"
        for name, shape in shapes.items()
        if weights[name].shape != shape
    ]
    if wrong:
        sizes = f"{task.n_inputs} inputs and {task.n_outputs} classes"
        problem = f"shapes do not fit {sizes} and each other: {'; '.join(wrong)}"
        raise RunError(f"{checkpoint}: {problem}; check --p and --model")
    for name in shapes:
        if not np.isfinite(weights[name]).all():
            raise RunError(f"{checkpoint}: {name}: has values that are not finite; leave this checkpoint out")
