"""The transformer as TransformerLens' own HookedTransformer.

TransformerLens is imported when a network is built: that takes seconds, once in a process.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Mapping
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from training.models.transformer.architecture import Transformer
from training.models.transformer.weight_names import n_residues
from training.models.weight_names import shapes_of
from training.schema.validation import require

if TYPE_CHECKING:
    from training.models.hooked.modules import HookedPairTransformer


def hooked_transformer(
    model: Transformer,
    p: int,
    weights: Mapping[str, Tensor] | None = None,
    seed: int = 0,
    device: str | torch.device | None = None,
) -> HookedPairTransformer:
    """Return the network as a HookedTransformer.

    It maps (pair, 2 or 3) tokens to (pair, position, class) logits.

    Parameters
    ----------
    model : Transformer
        Positions or biases that it lacks are zero and not trained. An attention rate below 1 is a permanent
        hook on the pattern.
    p : int
        Number of residues.
    weights : mapping, optional
        By the names of `model.shapes(p, p)`; by default TransformerLens draws its own.
    seed : int
        Of that draw. Global generators are left as they were.
    device : str or torch.device, optional
        By default that of the weights, or the CPU without them.

    Raises
    ------
    ConfigError
        If the installed transformer-lens has no HookedTransformer.
    """
    if device is None:
        device = "cpu" if weights is None else next(iter(weights.values())).device
    installed = version("transformer-lens")
    expected = ">=3.9,<4: version 4 removed HookedTransformer"
    require(installed.split(".")[0] == "3", "transformer-lens", expected, installed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "HookedTransformer is deprecated", DeprecationWarning)
        from transformer_lens import HookedTransformerConfig

        from training.models.hooked.modules import HookedPairTransformer

        config = HookedTransformerConfig(
            n_layers=1,
            d_model=model.d_model,
            n_heads=model.n_heads,
            d_head=model.d_head,
            d_mlp=model.d_mlp,
            d_vocab=p + model.equals,
            d_vocab_out=p + model.equals_logit,
            n_ctx=2 + model.equals,
            act_fn="relu",
            normalization_type=None,
            device=str(device),
            dtype=torch.float32 if weights is None else next(iter(weights.values())).dtype,
            init_weights=weights is None,
        )
        with _seeded(None if weights is not None else seed):
            network = HookedPairTransformer(config)
    if model.attention_rate != 1:
        network.add_perma_hook("blocks.0.attn.hook_pattern", partial(_mixed_pattern, model.attention_rate))
    for name, parameter in network.named_parameters():
        if name not in model.shapes(p, p):
            parameter.requires_grad_(False).zero_()
    if weights is not None:
        network.load_state_dict(dict(weights), strict=False)
    return network


@contextlib.contextmanager
def _seeded(seed: int | None) -> Iterator[None]:
    """Seed torch's generator within a block, and restore it after; None leaves it alone."""
    if seed is None:
        yield
        return
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def _mixed_pattern(attention_rate: float, pattern: Tensor, hook: Any) -> Tensor:
    """Return α·pattern + (1 − α) at causal positions."""
    return attention_rate * pattern + (1 - attention_rate) * torch.ones_like(pattern).tril()


def with_weights(weights: Mapping[str, Tensor], attention_rate: float = 1.0) -> HookedPairTransformer:
    """Return the network of these weights.

    Its sizes are inferred from their shapes.
    """
    shapes = shapes_of(weights)
    model = Transformer(**Transformer.sizes_of(shapes), attention_rate=attention_rate)
    return hooked_transformer(model, n_residues(shapes), weights)


def pair_logits(network: HookedPairTransformer, pairs: Tensor) -> Tensor:
    """Return (pair, class) logits at the last position.

    `pairs` are (pair, 2) residues; `=` is appended if it is a token.
    """
    equals = [torch.full_like(pairs[:, :1], network.cfg.d_vocab - 1)] * (network.cfg.n_ctx - 2)
    return network(torch.cat([pairs, *equals], dim=1))[:, -1]


class AtLastPosition(nn.Module):
    """Network with these weights as TransformerLens computes it."""

    def __init__(self, weights: Mapping[str, Tensor], attention_rate: float = 1.0):
        super().__init__()
        self.network = with_weights(weights, attention_rate)

    def forward(self, pairs: Tensor) -> Tensor:
        """Return (pair, class) logits at the last position."""
        return pair_logits(self.network, pairs)
