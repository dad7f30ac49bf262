"""The networks, found by name in MODELS: a plain forward, and a fast exact gradient for stacked arms."""

from training.models import embed_mlp, mlp, transformer
from training.models.base import Model as Model

MODELS: dict[str, Model] = {
    "embed_mlp": Model(embed_mlp.EmbedMLPNetwork, embed_mlp.forward),
    "mlp": Model(mlp.MLPNetwork, mlp.forward),
    "transformer": Model(transformer.TransformerNetwork, transformer.forward),
}
