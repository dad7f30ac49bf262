"""Weights of each model as maps between residues and neurons.

Shapes: p residues, d = d_emb or d_model, m = d_mlp; leading axes (checkpoints) are allowed everywhere.
Weights have TransformerLens' names, with or without the path before the last dot (`blocks.0.mlp.W_in`).
"""

from collections.abc import Mapping, Sequence

import numpy as np
from einops import rearrange
from jaxtyping import Float, Shaped

from interp.mechanism.matrix_orientation import check_orientation

GRAPH_WEIGHTS = ("W_E", "W_in", "W_out", "W_U")
"""Names of the weights between successive layers of units, from input to output."""
MODEL_WEIGHTS = {
    "embed_mlp": GRAPH_WEIGHTS,
    "embedded_mlp": GRAPH_WEIGHTS[:-1],
    "one_hot_mlp": ("W_in", "W_out"),
    "transformer": ("W_E", "W_V", "W_O", "W_in", "W_out", "W_U"),
}
"""By model: names of the weights from residues to neurons, and from neurons to classes."""


def effective_maps(
    model: str, weights: Mapping[str, Float[np.ndarray, "..."]]
) -> dict[str, Float[np.ndarray, "... m p"]]:
    """Input and output map of every neuron.

    The input map says what a neuron receives from every residue, the output map what it adds to every class.
    They are (W_E W_in)ᵀ and W_out W_U for `embed_mlp`; W_inᵀ and W_out for `one_hot_mlp`; (W_E W_in)ᵀ and
    W_out for `embedded_mlp`, which has an embedding but no unembedding.

    A transformer's neurons receive residues through attention, weighted by the attention pattern. `input` is
    what they receive from a residue on which every head puts all of its attention: W_E (sum over heads of
    W_V W_O) W_in. With half of the attention on each input they receive half of the map of both. `output` is
    W_out W_U, without the residual stream around the neurons. Further maps: `head 0`, … are the terms of
    `input` if there are several heads; `direct` is W_E W_in, which the last input adds to its own residual
    stream, in models without a token = after the inputs. Positions and biases contribute equally to every
    residue, and are left out.

    Parameters
    ----------
    model : str
        A key of `MODEL_WEIGHTS`.
    weights : Mapping[str, Float[np.ndarray, "..."]]
        By name, pruned entries zero; all with equal leading axes (checkpoints).

    Returns
    -------
    dict[str, Float[np.ndarray, "... m p"]]
        `input` first; entry (i, a) is the pre-activation that residue `a` adds to neuron `i`. Then `output`;
        entry (i, c) is the logit that a unit activation of neuron `i` adds to class `c`. Then the further
        maps, with the axes of `input`. float64.

    Raises
    ------
    ValueError
        If the model is unknown, a weight is missing, or shapes contradict: then the message names the weight
        that looks transposed.

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470, Sec. 4 (weights of the neurons in residue space).
    .. [2] He et al., arXiv:2602.16849 (θ_m and ξ_m).
    .. [3] Nanda et al., arXiv:2301.05217, Sec. 4 (W_L = W_U W_out). The paper measures neurons by their
       activations (`interp.spectra.pair_spectrum.activation_frequency`); the `input` map is ours.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> shapes = {"W_E": (5, 4), "W_in": (4, 2), "W_out": (2, 4), "W_U": (4, 5)}
    >>> weights = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    >>> {name: m.shape for name, m in effective_maps("embed_mlp", weights).items()}
    {'input': (2, 5), 'output': (2, 5)}
    """
    W = _weights_by_name(model, weights)
    if model == "one_hot_mlp":
        return {"input": np.swapaxes(W["W_in"], -1, -2), "output": W["W_out"]}
    W_E, last = residue_weights(model, weights).values()
    output = W["W_out"] @ np.swapaxes(last, -1, -2) if "W_U" in W else W["W_out"]
    if model in ("embed_mlp", "embedded_mlp"):
        return {"input": np.swapaxes(W_E @ W["W_in"], -1, -2), "output": output}
    values = rearrange(W_E, "... p d -> ... 1 p d") @ W["W_V"]
    heads = np.swapaxes(values @ W["W_O"] @ rearrange(W["W_in"], "... d m -> ... 1 d m"), -1, -2)
    maps = {"input": heads.sum(axis=-3), "output": output}
    if heads.shape[-3] > 1:
        maps |= {f"head {h}": heads[..., h, :, :] for h in range(heads.shape[-3])}
    if W["W_E"].shape[-2] == W_E.shape[-2]:
        maps["direct"] = np.swapaxes(W_E @ W["W_in"], -1, -2)
    return maps


def residue_weights(
    model: str, weights: Mapping[str, Float[np.ndarray, "..."]]
) -> dict[str, Float[np.ndarray, "... p _"]]:
    """First and last weight matrix of a model, a row per residue.

    These are embedding and unembedding in models that have both.

    Parameters
    ----------
    model : str
        A key of `MODEL_WEIGHTS`.
    weights : Mapping[str, Float[np.ndarray, "..."]]
        As in `effective_maps`.

    Returns
    -------
    dict[str, Float[np.ndarray, "... p _"]]
        First `W_E` (`W_in` of a `one_hot_mlp`), whose row a is all that the network receives of residue a;
        rows of other tokens (=) are left out. Then `W_U` transposed (`W_out` of models without `W_U`), whose
        row c is all that class c receives; a logit of = is left out. float64.

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
    W = _weights_by_name(model, weights)
    first, *_, last = MODEL_WEIGHTS[model]
    p = _n_residues({name.rpartition(".")[2]: w for name, w in weights.items()}, first, last)
    return {first: W[first][..., :p, :], last: np.swapaxes(W[last], -1, -2)[..., :p, :]}


def layer_matrices(layers: Mapping[str, Shaped[np.ndarray, "..."]]) -> dict[str, Shaped[np.ndarray, "_ _"]]:
    """Weights or mask of a network as matrices (units in, units out).

    Attention weights are split into heads (`blocks.0.attn.W_Q head 0`) if there are several. Biases, and the
    rows and logits of tokens that are not residues (=), are left out.

    Parameters
    ----------
    layers : Mapping[str, Shaped[np.ndarray, "..."]]
        By name; attention weights with the head as first axis.

    Returns
    -------
    dict[str, Shaped[np.ndarray, "_ _"]]
        By name, in the order of `layers`.

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
            matrices[name] = layer
    if "embed.W_E" in matrices:
        p = _n_residues({name.rpartition(".")[2]: layer for name, layer in layers.items()}, "W_E", "W_U")
        matrices["embed.W_E"] = matrices["embed.W_E"][:p]
        matrices["unembed.W_U"] = matrices["unembed.W_U"][:, :p]
    return matrices


def _n_residues(by_name: Mapping[str, Shaped[np.ndarray, "..."]], first: str, last: str) -> int:
    """Number of tokens without =, which has the third position.

    Without positions, = is a token that is no class.
    """
    n_tokens = by_name[first].shape[-2]
    if "W_pos" in by_name:
        return n_tokens - (by_name["W_pos"].shape[-2] == 3)
    return min(n_tokens, by_name[last].shape[-1])


def graph_layer_names(names: Sequence[str]) -> tuple[str, ...]:
    """Names of the matrices that form a network's graph.

    These are the matrices between successive layers of units: all matrices of a network without attention,
    and W_E, W_in, W_out and W_U of a transformer, whose nodes are residues, the residual stream before the
    neurons, the neurons, the stream after the neurons, and classes. Attention (which moves the stream between
    tokens), the residual stream around the neurons, and positions are not edges.

    Parameters
    ----------
    names : Sequence[str]
        Names as from `layer_matrices`.

    Returns
    -------
    tuple[str, ...]
        From input to output.

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470, Sec. 5 (graph of an MLP's weights; a transformer's is ours).

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


def _weights_by_name(
    model: str, weights: Mapping[str, Float[np.ndarray, "..."]]
) -> dict[str, Float[np.ndarray, "..."]]:
    """Weights of the model's maps by the last part of their names, float64."""
    if model not in MODEL_WEIGHTS:
        raise ValueError(f"model: expected one of {', '.join(sorted(MODEL_WEIGHTS))}, got {model!r}")
    by_name = {name.rpartition(".")[2]: W for name, W in weights.items()}
    if missing := [name for name in MODEL_WEIGHTS[model] if name not in by_name]:
        raise ValueError(
            f"weights: expected {', '.join(MODEL_WEIGHTS[model])}, and {', '.join(missing)} is missing"
        )
    chosen = {name: by_name[name] for name in MODEL_WEIGHTS[model]}
    check_orientation(model, chosen)
    return {name: W.astype(np.float64) for name, W in chosen.items()}
