"""What the weights of each network mean: the maps that its neurons see and write.

Shapes: p residues, d = d_emb or d_model, m = d_mlp; leading axes (checkpoints) pass through. Weights go by
TransformerLens' names, with or without the path before the last dot (`blocks.0.mlp.W_in`).
"""

from collections.abc import Mapping, Sequence

import numpy as np
from einops import rearrange
from jaxtyping import Float, Shaped

GRAPH_WEIGHTS = ("W_E", "W_in", "W_out", "W_U")
"""The weights that lie between layers of units which follow one another, input to output."""
MODEL_WEIGHTS = {
    "embed_mlp": GRAPH_WEIGHTS,
    "embedded_mlp": GRAPH_WEIGHTS[:-1],
    "one_hot_mlp": ("W_in", "W_out"),
    "transformer": ("W_E", "W_V", "W_O", "W_in", "W_out", "W_U"),
}
"""The weights of each model between residues and neurons, and between neurons and classes."""


def effective_maps(
    model: str, weights: Mapping[str, Float[np.ndarray, "..."]]
) -> dict[str, Float[np.ndarray, "... m p"]]:
    """What each neuron receives from every residue, and what it writes to every class.

    For `embed_mlp`: rows of (W_E W_in)ᵀ and of W_out W_U; for `one_hot_mlp`: of W_inᵀ and of W_out; for
    `embedded_mlp`, which has an embedding but writes its logits itself, of (W_E W_in)ᵀ and of W_out.

    A transformer's neurons receive residues by way of attention, and as much as its pattern says. `input` is
    what they receive of a residue to which every head attends alone, W_E (sum over heads of W_V W_O) W_in;
    with half of the attention on either input they receive half of it of both. `output` is W_out W_U, without
    the stream that passes the neurons by. Further maps are the parts of that: `head 0`, … if there are
    several; and beside them, without a token = after the inputs, `direct`, W_E W_in, which the last input
    adds to its own stream. Positions and biases add the same for every residue, and are left out.

    Parameters
    ----------
    model : str
        A key of `MODEL_WEIGHTS`.
    weights : Mapping[str, Float[np.ndarray, "..."]]
        By name, pruned entries zero; leading axes (checkpoints) alike in all.

    Returns
    -------
    dict[str, Float[np.ndarray, "... m p"]]
        `input` first, entry (i, a): the pre-activation that residue `a` adds to neuron `i`. Then `output`,
        entry (i, c): the logit that a unit activation of neuron `i` adds to class `c`. Then the further maps,
        as `input`. float64.

    Raises
    ------
    ValueError
        If the model is unknown or a weight is missing.

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470, Sec. 4 (weights of the neurons in residue space).
    .. [2] He et al., arXiv:2602.16849 (θ_m and ξ_m).
    .. [3] Nanda et al., arXiv:2301.05217, Sec. 4 (W_L = W_U W_out; its neurons are read by their activations,
       `interp.mechanism.key_frequency_rules.activation_frequency`, not by a map: `input` is ours).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> shapes = {"W_E": (5, 4), "W_in": (4, 2), "W_out": (2, 4), "W_U": (4, 5)}
    >>> weights = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    >>> {name: m.shape for name, m in effective_maps("embed_mlp", weights).items()}
    {'input': (2, 5), 'output': (2, 5)}
    """
    own = _by_kind(model, weights)
    if model == "one_hot_mlp":
        return {"input": np.swapaxes(own["W_in"], -1, -2), "output": own["W_out"]}
    W_E = residue_weights(model, weights)["W_E"]
    write = own["W_out"] @ own["W_U"] if "W_U" in own else own["W_out"]
    if model in ("embed_mlp", "embedded_mlp"):
        return {"input": np.swapaxes(W_E @ own["W_in"], -1, -2), "output": write}
    values = rearrange(W_E, "... p d -> ... 1 p d") @ own["W_V"]
    heads = np.swapaxes(values @ own["W_O"] @ rearrange(own["W_in"], "... d m -> ... 1 d m"), -1, -2)
    maps = {"input": heads.sum(axis=-3), "output": write}
    if heads.shape[-3] > 1:
        maps |= {f"head {h}": heads[..., h, :, :] for h in range(heads.shape[-3])}
    if own["W_E"].shape[-2] == W_E.shape[-2]:
        maps["direct"] = np.swapaxes(W_E @ own["W_in"], -1, -2)
    return maps


def residue_weights(
    model: str, weights: Mapping[str, Float[np.ndarray, "..."]]
) -> dict[str, Float[np.ndarray, "... p _"]]:
    """The first and the last matrix, a row per residue each: embedding and unembedding where there are such.

    Parameters
    ----------
    model : str
        A key of `MODEL_WEIGHTS`.
    weights : Mapping[str, Float[np.ndarray, "..."]]
        As in `effective_maps`.

    Returns
    -------
    dict[str, Float[np.ndarray, "... p _"]]
        `W_E` (`W_in` of a `one_hot_mlp`), row a of which is all that the network is told of residue a; rows
        of tokens that are none (=) are left out. Then `W_U` (`W_out` of networks without one) transposed,
        row c of which is all that class c is told. float64.

    Raises
    ------
    ValueError
        As `effective_maps`.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 4.1 (periodicity of the embedding's rows).

    Examples
    --------
    >>> shapes = {"W_E": (6, 4), "W_V": (1, 4, 3), "W_O": (1, 3, 4), "W_in": (4, 2), "W_out": (2, 4)}
    >>> weights = {name: np.ones(shape) for name, shape in (shapes | {"W_U": (4, 5)}).items()}
    >>> {name: W.shape for name, W in residue_weights("transformer", weights).items()}
    {'W_E': (5, 4), 'W_U': (5, 4)}
    """
    own = _by_kind(model, weights)
    first, *_, last = MODEL_WEIGHTS[model]
    return {first: own[first][..., : own[last].shape[-1], :], last: np.swapaxes(own[last], -1, -2)}


def layer_matrices(layers: Mapping[str, Shaped[np.ndarray, "..."]]) -> dict[str, Shaped[np.ndarray, "_ _"]]:
    """A network's weights, or its mask, as matrices (units in, units out).

    Attention is taken apart by heads (`blocks.0.attn.W_Q head 0`) if there are several. Biases are left out,
    and so are the rows of tokens that are no residues (=).

    Parameters
    ----------
    layers : Mapping[str, Shaped[np.ndarray, "..."]]
        By name; attention's with the head first.

    Returns
    -------
    dict[str, Shaped[np.ndarray, "_ _"]]
        In the same order.

    References
    ----------
    .. [1] Nanda and Bloom, TransformerLens (names and shapes of a transformer's weights).

    Examples
    --------
    >>> shapes = {"embed.W_E": (6, 4), "attn.W_Q": (2, 4, 3), "attn.b_Q": (2, 3), "unembed.W_U": (4, 5)}
    >>> matrices = layer_matrices({name: np.ones(shape) for name, shape in shapes.items()})
    >>> {name: matrix.shape for name, matrix in matrices.items()}
    {'embed.W_E': (5, 4), 'attn.W_Q head 0': (4, 3), 'attn.W_Q head 1': (4, 3), 'unembed.W_U': (4, 5)}
    """
    matrices: dict[str, np.ndarray] = {}
    for name, layer in layers.items():
        kind = name.rpartition(".")[2]
        if kind.startswith("b_"):
            continue
        if layer.ndim == 3 and len(layer) > 1:
            matrices |= {f"{name} head {h}": head for h, head in enumerate(layer)}
        elif layer.ndim == 3:
            matrices[name] = layer[0]
        else:
            residues = layers["unembed.W_U"].shape[1] if name == "embed.W_E" else None
            matrices[name] = layer[:residues]
    return matrices


def graph_layer_names(names: Sequence[str]) -> tuple[str, ...]:
    """Which of a network's matrices make its graph: those that lead from layer to layer of units.

    All of a network without attention. Of a transformer, W_E, W_in, W_out and W_U: its nodes are residues,
    the residual stream before the neurons, the neurons, the stream after them, classes. Attention, which
    moves the stream between tokens, and the stream's way around the neurons are no edges; nor are positions.

    Parameters
    ----------
    names : Sequence[str]
        As of `layer_matrices`.

    Returns
    -------
    tuple[str, ...]
        From input to output.

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470, Sec. 5 (graph of an MLP's weights; of a transformer's it says
       nothing).

    Examples
    --------
    >>> graph_layer_names(["embed.W_E", "blocks.0.attn.W_Q", "blocks.0.mlp.W_in", "unembed.W_U"])
    ('embed.W_E', 'blocks.0.mlp.W_in', 'unembed.W_U')
    >>> graph_layer_names(["W_0", "W_1"])
    ('W_0', 'W_1')
    """
    if not any(".attn." in name for name in names):
        return tuple(names)
    return tuple(name for name in names if name.rpartition(".")[2] in GRAPH_WEIGHTS)


def _by_kind(
    model: str, weights: Mapping[str, Float[np.ndarray, "..."]]
) -> dict[str, Float[np.ndarray, "..."]]:
    """The weights that the model's maps are made of, by the last part of their names, float64."""
    if model not in MODEL_WEIGHTS:
        raise ValueError(f"model: expected one of {', '.join(sorted(MODEL_WEIGHTS))}, got {model!r}")
    given = {name.rpartition(".")[2]: W for name, W in weights.items()}
    if missing := [name for name in MODEL_WEIGHTS[model] if name not in given]:
        raise ValueError(
            f"weights: expected {', '.join(MODEL_WEIGHTS[model])}, and {', '.join(missing)} is missing"
        )
    return {name: given[name].astype(np.float64) for name in MODEL_WEIGHTS[model]}
