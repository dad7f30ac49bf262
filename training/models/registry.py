"""The networks by their function: written plainly, and with a fast exact gradient for stacked arms."""

from training.models import embed_mlp, hooked_transformer, mlp, one_hot_mlp, transformer
from training.models.network import Model

MODELS: dict[str, Model] = {
    "embed_mlp": Model(embed_mlp.EmbedMLPNetwork, embed_mlp.forward, embed_mlp.AsWritten),
    "mlp": Model(mlp.MLPNetwork, mlp.forward, mlp.as_written),
    **{
        f"{model}.{name}": one_hot_mlp.model(name)
        for model in ("one_hot_mlp", "embedded_mlp")
        for name in one_hot_mlp.ACTIVATIONS
    },
    "transformer": Model(
        transformer.TransformerNetwork,
        transformer.forward,
        hooked_transformer.AtLastPosition,
        flow=transformer.flow,
    ),
}
