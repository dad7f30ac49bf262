"""Networks as TransformerLens' HookedRootModule.

Import this in functions alone: TransformerLens takes seconds. Hook points, in the order of the forward pass:

    hook_W_E, hook_W_in, …          a weight itself, so that a hook edits it; `layers.hook_W` of `layers.W`
    hook_embed                      (pair, 2, d) rows of the embedding, if there is one
    hook_parts                      (pair, 2, m) what a, and what b, adds to every neuron
    blocks.0.mlp.hook_pre           (pair, m) neurons before, and
    blocks.0.mlp.hook_post          (pair, m) after their activation function
    blocks.0.hook_mlp_out           (pair, d) what the unembedding reads, if there is one
    hook_logits                     (pair, class)

An MLP on features has `blocks.i.mlp.hook_pre` and `hook_post` of every hidden layer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformer_lens import HookedRootModule, HookedTransformer
from transformer_lens.hook_points import HookPoint

from training.models.hooked.examples import WithExamples
from training.models.network import Forward, Weights
from training.schema.validation import names, require

Function = Callable[[Tensor], Tensor]
Hooks = Sequence[tuple[Any, Callable[..., Any]]]
"""Hook points' names, or functions that choose names, and what is called there."""


def require_logits(return_type: str | None) -> None:
    """Raise a `ConfigError` if a loss is asked for."""
    expected = "logits; network.loss(logits, part) is the loss on train or test"
    require(return_type in ("logits", None), "return_type", expected, return_type)


class CheckedHooks(WithExamples, HookedRootModule):
    """Module with hooks whose names are checked, and with the examples of its task."""

    def hooks(self, fwd_hooks: Hooks = (), bwd_hooks: Hooks = (), *options: Any, **named: Any) -> Any:
        """Return a context with temporary hooks.

        Raises
        ------
        ConfigError
            If there is no hook point of a name; the message lists those there are.
        """
        for name, _ in (*fwd_hooks, *bwd_hooks):
            self._require_point(name)
        return HookedRootModule.hooks(self, list(fwd_hooks), list(bwd_hooks), *options, **named)

    def add_hook(self, name: Any, *options: Any, **named: Any) -> None:
        """Add a hook that stays.

        Raises
        ------
        ConfigError
            If there is no hook point of this name; the message lists those there are.
        """
        self._require_point(name)
        HookedRootModule.add_hook(self, name, *options, **named)

    def _require_point(self, name: Any) -> None:
        known = callable(name) or name in self.hook_dict
        require(known, "hook", f"one of {names(self.hook_dict)}", name)


class HookedPairTransformer(CheckedHooks, HookedTransformer):
    """HookedTransformer with the examples of its task."""

    def forward(  # type: ignore[override]
        self, input: Any, return_type: str | None = "logits", **options: Any
    ) -> Any:
        """Return (pair, position, class) logits of (pair, position) tokens.

        Raises
        ------
        ConfigError
            If a loss is asked for: TransformerLens' is that of a language model.
        """
        require_logits(return_type)
        return HookedTransformer.forward(self, input, return_type=return_type, **options)  # type: ignore[arg-type]

    @property
    def inputs(self) -> Tensor:
        """Tokens of every example: its pair, and `=` if the network reads it."""
        equals = [torch.full_like(self.pairs[:, :1], self.cfg.d_vocab - 1)] * (self.cfg.n_ctx - 2)
        return torch.cat([self.pairs, *equals], dim=1)


class HookedNetwork(CheckedHooks):
    """Network from its plain forward pass, with hooks on weights and logits.

    Parameters
    ----------
    weights : dict
        By name; a name with dots is that of a weight in modules.
    forward : callable
        Outputs from weights by name and inputs.
    """

    def __init__(self, weights: Weights, forward: Forward):
        super().__init__()
        self.weight_names, self.plain_forward = tuple(weights), forward
        for name, weight in weights.items():
            owner, attribute = self._owner(name)
            owner.register_parameter(attribute, nn.Parameter(weight.clone()))
            owner.add_module(f"hook_{attribute}", HookPoint())
        self.add_points()
        self.hook_logits = HookPoint()
        self.setup()

    def add_points(self) -> None:
        """Add hook points beside those of weights and logits; by default none."""

    def weight(self, name: str) -> Tensor:
        """Return a weight as its hook leaves it."""
        owner, attribute = self._owner(name)
        return getattr(owner, f"hook_{attribute}")(getattr(owner, attribute))

    def forward(self, inputs: Tensor, return_type: str | None = "logits") -> Tensor:
        """Return (example, output) of these inputs.

        Raises
        ------
        ConfigError
            If a loss is asked for.
        """
        require_logits(return_type)
        return self.hook_logits(self.outputs(inputs))

    def outputs(self, inputs: Tensor) -> Tensor:
        """Return the outputs before their hook."""
        return self.plain_forward({name: self.weight(name) for name in self.weight_names}, inputs)

    def _owner(self, name: str) -> tuple[nn.Module, str]:
        """Return the module that has a weight, made if it is not there, and the attribute's name."""
        owner: nn.Module = self
        *folders, attribute = name.split(".")
        for folder in folders:
            if not hasattr(owner, folder):
                owner.add_module(folder, nn.Module())
            owner = getattr(owner, folder)
        return owner, attribute


class HookedLayers(HookedNetwork):
    """Network with hidden layers of neurons.

    Parameters
    ----------
    weights : dict
        By name, in the order of the layers.
    forward : callable
        Its plain forward pass.
    activation : callable
        Of the neurons.
    n_layers : int
        Number of hidden layers.
    """

    def __init__(self, weights: Weights, forward: Forward, activation: Function, n_layers: int = 1):
        self.n_layers = n_layers
        super().__init__(weights, forward)
        self.activation = activation

    def add_points(self) -> None:
        """Add TransformerLens' hook points of neurons."""
        self.blocks = nn.ModuleList(nn.Module() for _ in range(self.n_layers))
        for block in self.blocks:
            block.mlp = nn.Module()
            block.mlp.hook_pre, block.mlp.hook_post = HookPoint(), HookPoint()

    def neurons(self, layer: int, pre: Tensor) -> Tensor:
        """Return the activations of a layer's neurons from their inputs."""
        mlp: Any = self.blocks[layer].mlp
        return mlp.hook_post(self.activation(mlp.hook_pre(pre)))


class HookedMLP(HookedLayers):
    """Network on features, layer by layer, without biases."""

    def outputs(self, inputs: Tensor) -> Tensor:
        """Return (example, output) before their hook."""
        *hidden, last = self.weight_names
        for layer, name in enumerate(hidden):
            inputs = self.neurons(layer, inputs @ self.weight(name))
        return inputs @ self.weight(last)


class HookedPairMLP(HookedLayers):
    """Network whose neurons add what each of two residues gives them."""

    def add_points(self) -> None:
        """Add hook points of embeddings, of each residue's part and of the unembedding's input."""
        super().add_points()
        if "W_E" in self.weight_names:
            self.hook_embed = HookPoint()
        self.hook_parts = HookPoint()
        if "W_U" in self.weight_names:
            self.blocks[0].hook_mlp_out = HookPoint()

    def outputs(self, inputs: Tensor) -> Tensor:
        """Return (pair, class) logits of (pair, 2) residues, before their hook."""
        if "W_E" in self.weight_names:
            parts = self.hook_embed(self.weight("W_E")[inputs]) @ self.weight("W_in")
        else:
            parts = self.weight("W_in")[inputs]
        hidden = self.neurons(0, self.hook_parts(parts).sum(1))
        out = hidden @ self.weight("W_out")
        if "W_U" in self.weight_names:
            block: Any = self.blocks[0]
            out = block.hook_mlp_out(out) @ self.weight("W_U")
        return out
