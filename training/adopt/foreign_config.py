"""Check of a recorded config against what this project's networks compute."""

from __future__ import annotations

import dataclasses
import math
import reprlib
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from training.adopt.weight_files import ForeignConfig
from training.config.recipe import Recipe
from training.models.base import Model
from training.models.one_hot_mlp.architecture import OneHotMLP
from training.models.transformer.architecture import Transformer
from training.runs.atomic_files import RunError
from training.schema.validation import ConfigError, build, require

ACTIVATION_FIELDS = ("act_fn", "act_type", "act_name", "activation", "activation_fn", "nonlinearity")
ACTIVATIONS = {"quad": "square", "quadratic": "square", "absolute": "abs", "cubic": "cube"}
"""Other names of this project's activations."""
RATE_FIELDS = ("attn_coeff", "attention_rate")
"""Names of Zhong et al.'s attention rate."""
COMMON = {"normalization_type": ("none",), "use_ln": ("false",)}
TRANSFORMER = {
    "attention_dir": ("causal", "casual"),  # the second is how Zhong et al. spell it
    "positional_embedding_type": ("standard",),
    "use_attn_scale": ("true",),
    "n_layers": ("1",),
    "num_layers": ("1",),
    "attn_scores_soft_cap": ("-1", "0", "none"),
    "output_logits_soft_cap": ("-1", "0", "none"),
    "num_experts": ("none",),
    **dict.fromkeys(
        [
            "attn_only",
            "gated_mlp",
            "parallel_attn_mlp",
            "post_embedding_ln",
            "scale_attn_by_inverse_layer_idx",
            "use_local_attn",
            "use_normalization_before_and_after",
            "use_qk_norm",
            "diff_vocab",
        ],
        ("false",),
    ),
}
"""By field of a foreign config: values that this project's networks have, in small letters."""
SAME = {"0": "false", "1": "true"}
"""Numbers that stand for a truth value."""


def model_fields(model: Model, configs: Sequence[ForeignConfig]) -> dict[str, tuple[Any, str]]:
    """Return the settings of a model that configs determine, each with its place.

    Settings are the attention rate of a transformer and the activation of He et al.'s network.

    Raises
    ------
    RunError
        If a config names what such a model does not compute, as LayerNorm or bidirectional attention. One
        line that names the field.
    """
    settings: dict[str, tuple[Any, str]] = {}
    for config in configs:
        supported = COMMON | (TRANSFORMER if isinstance(model, Transformer) else {})
        for field, values in supported.items():
            if field in config.fields and _text(config.fields[field], values) not in values:
                _refuse(config, field, values[0])
        for field in ACTIVATION_FIELDS:
            if field in config.fields and (activation := _activation(model, config, field)):
                _add(settings, "activation", activation, f"{config.place}.{field}")
        for field in RATE_FIELDS:
            if field in config.fields and isinstance(model, Transformer):
                _add(settings, "attention_rate", _rate(config, field), f"{config.place}.{field}")
    return settings


def check_attention_scale(model: Model, configs: Sequence[ForeignConfig]) -> None:
    """Raise a `RunError` unless scores are divided by √d_head, if configs say by what."""
    for config in configs:
        scale = _plain(config.fields.get("attn_scale"))
        if not isinstance(model, Transformer) or scale is None or scale == -1:  # TransformerLens' default
            continue
        is_number = isinstance(scale, int | float)
        if not is_number or not math.isclose(scale, math.sqrt(model.d_head), rel_tol=1e-3):
            _refuse(config, "attn_scale", f"√d_head, {math.sqrt(model.d_head):.4g}")


def _add(settings: dict[str, tuple[Any, str]], name: str, value: Any, place: str) -> None:
    """Add a setting; all configs have to agree on it."""
    first, where = settings.setdefault(name, (value, place))
    if first != value:
        raise RunError(f"{place}: expected {first!r}, as {where} says, got {value!r}")


def _activation(model: Model, config: ForeignConfig, field: str) -> str | None:
    """Return the activation to set; None for a model without a choice."""
    name = _text(config.fields[field])
    name = ACTIVATIONS.get(name, name)
    if not isinstance(model, OneHotMLP):
        if name != "relu":
            _refuse(config, field, "relu")
        return None
    return name  # the model refuses one that it does not have


def _rate(config: ForeignConfig, field: str) -> float:
    value = _plain(config.fields[field])
    if not isinstance(value, int | float) or not 0 <= value <= 1:
        _refuse(config, field, "a number from 0 to 1")
    return float(value)


def _plain(value: Any) -> Any:
    """Return NumPy's and torch's single numbers as Python's."""
    if isinstance(value, np.generic) or (hasattr(value, "numel") and value.numel() == 1):
        return value.item()
    return value


def _text(value: Any, expected: Sequence[str] = ()) -> str:
    """Return a value in small letters, a whole number without its point."""
    value = _plain(value)
    is_whole = isinstance(value, float) and value.is_integer()
    text = str(int(value) if is_whole else value).lower()
    return SAME.get(text, text) if {"true", "false"} & set(expected) else text


def _refuse(config: ForeignConfig, field: str, expected: str) -> NoReturn:
    got = reprlib.repr(_plain(config.fields[field]))
    raise RunError(f"{config.place}.{field}: expected {expected}, which is all that can be, got {got}")


def check_sizes(sizes: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Check the model's fields that the user gave against the weights' sizes."""
    for field, value in sizes.items():
        given_value = given.get(field, value)
        expected = f"{value!r}, as the weights have it"
        require(given_value == value, f"model.{field}", expected, given_value)


def with_recorded_fields(
    given: dict[str, Any], recipe: Recipe, recorded: Mapping[str, tuple[Any, str]]
) -> Recipe:
    """Return a recipe whose model has the fields that a config recorded, and add them to `given`."""
    for field, (value, place) in recorded.items():
        given_value = given["model"].get(field, value)
        require(given_value == value, f"model.{field}", f"{value!r}, as {place} says", given_value)
        try:
            recipe = dataclasses.replace(
                recipe, model=build(type(recipe.model), given["model"] | {field: value})
            )
        except ConfigError as error:
            raise RunError(f"{place}: {error}") from None
        given["model"][field] = value
    return recipe
