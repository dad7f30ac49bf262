import numpy as np
import pytest

from interp.mechanism.effective_weights import (
    effective_maps,
    graph_layer_names,
    layer_matrices,
    residue_weights,
)

P, D, M, H, K = 5, 6, 4, 3, 2
SHAPES = {
    "embed.W_E": (P, D),
    "pos_embed.W_pos": (3, D),
    "blocks.0.attn.W_Q": (H, D, K),
    "blocks.0.attn.W_O": (H, K, D),
    "blocks.0.attn.b_Q": (H, K),
    "blocks.0.attn.W_V": (H, D, K),
    "blocks.0.mlp.W_in": (D, M),
    "blocks.0.mlp.b_in": (M,),
    "blocks.0.mlp.W_out": (M, D),
    "unembed.W_U": (D, P),
}
CHAIN = ("embed.W_E", "blocks.0.mlp.W_in", "blocks.0.mlp.W_out", "unembed.W_U")


def weights_of(n_steps=2, equals=True, heads=H):
    rng = np.random.default_rng(0)
    shapes = {name: (heads, *s[1:]) if s[0] == H and len(s) == 3 else s for name, s in SHAPES.items()}
    shapes["embed.W_E"] = (P + equals, D)
    shapes["pos_embed.W_pos"] = (2 + equals, D)
    return {name: rng.normal(size=(n_steps, *shape)) for name, shape in shapes.items()}


def test_a_transformers_maps_equal_loops_over_heads_and_residues():
    weights = weights_of()
    W = {name.rpartition(".")[2]: w for name, w in weights.items()}
    maps = effective_maps("transformer", weights)
    assert list(maps) == ["input", "output", *(f"head {h}" for h in range(H))]
    for t in range(2):
        total = np.zeros((M, P))
        for h in range(H):
            for a in range(P):
                moved = W["W_E"][t, a] @ W["W_V"][t, h] @ W["W_O"][t, h] @ W["W_in"][t]
                np.testing.assert_allclose(maps[f"head {h}"][t, :, a], moved, atol=1e-12)
                total[:, a] += moved
        np.testing.assert_allclose(maps["input"][t], total, atol=1e-12)
        np.testing.assert_allclose(maps["output"][t], W["W_out"][t] @ W["W_U"][t], atol=1e-12)


def test_the_direct_path_is_a_map_only_where_the_last_token_is_a_residue():
    weights = weights_of(equals=False, heads=1)
    maps = effective_maps("transformer", weights)
    assert list(maps) == ["input", "output", "direct"]
    direct = weights["embed.W_E"] @ weights["blocks.0.mlp.W_in"]
    np.testing.assert_allclose(maps["direct"], np.swapaxes(direct, 1, 2), atol=1e-12)


def test_relabelled_residues_move_the_columns_of_every_map():
    weights, order = weights_of(equals=False), np.random.default_rng(1).permutation(P)
    moved = weights | {"embed.W_E": weights["embed.W_E"][:, order]}
    moved["unembed.W_U"] = weights["unembed.W_U"][..., order]
    before, after = effective_maps("transformer", weights), effective_maps("transformer", moved)
    for name, W in after.items():
        np.testing.assert_allclose(W, before[name][..., order], atol=1e-12)


def test_tokens_that_are_no_residues_are_left_out():
    ends = residue_weights("transformer", weights_of())
    assert {name: W.shape for name, W in ends.items()} == {"W_E": (2, P, D), "W_U": (2, P, D)}


def test_one_hot_inputs_have_no_embedding():
    weights = {"W_in": np.arange(20.0).reshape(5, 4), "W_out": -np.arange(20.0).reshape(4, 5)}
    ends, maps = (function("one_hot_mlp", weights) for function in (residue_weights, effective_maps))
    np.testing.assert_array_equal(maps["input"], weights["W_in"].T)
    np.testing.assert_array_equal(maps["output"], weights["W_out"])
    np.testing.assert_array_equal(ends["W_in"], weights["W_in"])
    np.testing.assert_array_equal(ends["W_out"], weights["W_out"].T)


def test_an_embedding_without_an_unembedding():
    rng = np.random.default_rng(0)
    weights = {
        "W_E": rng.normal(size=(5, 3)),
        "W_in": rng.normal(size=(3, 4)),
        "W_out": rng.normal(size=(4, 5)),
    }
    ends, maps = (function("embedded_mlp", weights) for function in (residue_weights, effective_maps))
    np.testing.assert_allclose(maps["input"], (weights["W_E"] @ weights["W_in"]).T)
    np.testing.assert_array_equal(maps["output"], weights["W_out"])
    np.testing.assert_array_equal(ends["W_E"], weights["W_E"])
    np.testing.assert_array_equal(ends["W_out"], weights["W_out"].T)


@pytest.mark.parametrize(
    ("model", "lost", "message"),
    [
        ("mlp", (), "model: expected one of embed_mlp, embedded_mlp, one_hot_mlp, transformer"),
        ("transformer", "W_V", "W_V is missing"),
    ],
)
def test_models_without_maps_are_refused(model, lost, message):
    weights = {name: w for name, w in weights_of().items() if not name.endswith(tuple(lost and [lost]))}
    for function in (effective_maps, residue_weights):
        with pytest.raises(ValueError, match=message):
            function(model, weights)


def test_matrices_are_heads_and_whole_layers_without_biases_and_other_tokens():
    weights = {name: w[0] for name, w in weights_of().items()}
    matrices = layer_matrices(weights)
    kinds = ("W_Q", "W_O", "W_V")
    heads = [f"blocks.0.attn.{kind} head {h}" for kind in kinds for h in range(H)]
    assert list(matrices) == ["embed.W_E", "pos_embed.W_pos", *heads, *CHAIN[1:]]
    assert matrices["embed.W_E"].shape == (P, D)
    np.testing.assert_array_equal(matrices[heads[4]], weights["blocks.0.attn.W_O"][1])
    one = layer_matrices({name: w[0] for name, w in weights_of(heads=1).items()})
    assert one["blocks.0.attn.W_Q"].shape == (D, K)


def test_the_logit_of_equals_is_in_no_map_and_no_matrix():
    without = weights_of()
    logit = np.full((2, D, 1), 7.0)
    weights = without | {"unembed.W_U": np.concatenate([without["unembed.W_U"], logit], axis=-1)}
    for function in (effective_maps, residue_weights):
        expected = function("transformer", without)
        for name, W in function("transformer", weights).items():
            np.testing.assert_array_equal(W, expected[name])
    matrices = layer_matrices({name: w[0] for name, w in weights.items()})
    assert (matrices["embed.W_E"].shape, matrices["unembed.W_U"].shape) == ((P, D), (D, P))


def test_the_chain_of_a_transformer_leads_from_residues_to_classes():
    matrices = layer_matrices({name: w[0] for name, w in weights_of().items()})
    assert graph_layer_names(list(matrices)) == CHAIN
    shapes = [matrices[name].shape for name in CHAIN]
    assert [columns for _, columns in shapes[:-1]] == [rows for rows, _ in shapes[1:]]
    assert graph_layer_names(["W_E", "W_in", "W_out", "W_U"]) == ("W_E", "W_in", "W_out", "W_U")
