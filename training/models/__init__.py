"""The networks, found by name in MODELS: written plainly, and with a fast exact gradient for stacked arms."""

from training.models import embed_mlp, hooked_transformer, mlp, transformer
from training.models.base import Model as Model

MODELS: dict[str, Model] = {
    "embed_mlp": Model(embed_mlp.EmbedMLPNetwork, embed_mlp.forward, embed_mlp.AsWritten),
    "mlp": Model(mlp.MLPNetwork, mlp.forward, mlp.as_written),
    "transformer": Model(
        transformer.TransformerNetwork,
        transformer.forward,
        hooked_transformer.AtLastPosition,
        transformer.flow,
    ),
}
