"""Names of the transformer's weights, as in TransformerLens' HookedTransformer."""

W_E, W_POS, W_U, B_U = "embed.W_E", "pos_embed.W_pos", "unembed.W_U", "unembed.b_U"
W_Q, W_K, W_V, W_O, B_Q, B_K, B_V, B_O = (f"blocks.0.attn.{kind}_{of}" for kind in "Wb" for of in "QKVO")
W_IN, W_OUT, B_IN, B_OUT = (f"blocks.0.mlp.{kind}_{of}" for kind in "Wb" for of in ("in", "out"))
