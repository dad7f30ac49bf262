"""Registry of the models: `MODELS`, by the recipe's `model.name`.

Importable without torch and NumPy.
"""

from __future__ import annotations

from functools import partial

from training.models.base import Model
from training.schema.registry import Registry
from training.schema.validation import check_settings_class

MODELS: Registry[type[Model]] = Registry(
    "model",
    {
        "embed_mlp": "training.models.embed_mlp.architecture:EmbedMLP",
        "embedded_mlp": "training.models.one_hot_mlp.architecture:EmbeddedMLP",
        "mlp": "training.models.mlp.architecture:MLP",
        "one_hot_mlp": "training.models.one_hot_mlp.architecture:OneHotMLP",
        "transformer": "training.models.transformer.architecture:Transformer",
    },
    check=partial(check_settings_class, base=Model),
)
