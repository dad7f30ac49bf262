"""Networks of other code: the papers' own files, recorded configs, and readings that compute the task."""

import argparse
import json

import numpy as np
import pytest
import torch
from builders import drawn, out_before_in, run_analysis
from safetensors.torch import save_file

from training.adopt.command import main
from training.inspection import load_hooked, open_run
from training.models.transformer.architecture import Transformer
from training.models.transformer.hooked_transformer import hooked_transformer, pair_logits

P = 7
NANDA = Transformer(d_model=12, n_heads=3, d_head=5, d_mlp=9, equals=True, positions=True, biases=True)
N = 21
"""Number of neurons: three frequencies, seven phases each."""


def cosines(sign=1, turns=1):
    """Return (residue, neuron) cosines of every frequency, at seven phases."""
    k, phase = np.repeat([1, 2, 3], 7), np.tile(2 * np.pi * np.arange(7) / 7, 3)
    return torch.tensor(np.cos(2 * np.pi / P * sign * np.outer(np.arange(P), k) + turns * phase))


def padded(w, *shape):
    """Return a matrix in the corner of a zero matrix."""
    out = torch.zeros(shape, dtype=torch.float64)
    out[: w.shape[0], : w.shape[1]] = w
    return out


def adder():
    """Return an embed_mlp that computes a + b mod 7 on all pairs; W_in and W_out are square."""
    eye = torch.eye(P, dtype=torch.float64)
    W_in, W_out = padded(cosines(), N, N), padded(cosines(turns=2).T, N, N)
    turn, back = (torch.linalg.qr(drawn({"W": (N, N)}, seed, torch.float64)["W"])[0] for seed in (0, 1))
    W_E, W_U = padded(eye, P, N), padded(eye, N, P)
    return {"W_E": W_E @ turn, "W_in": turn.T @ W_in, "W_out": W_out @ back, "W_U": back.T @ W_U}


def transformer_adder(equals, sub=False):
    """Return a transformer with uniform attention that computes a + b, or a - b, mod 7.

    Half of its residual stream holds the last token, the other half the sum of both tokens.
    """
    eye = torch.eye(P, dtype=torch.float64)
    at_a, at_b = cosines(), cosines(sign=-1 if sub else 1)
    zero, half = torch.zeros(1, 2 * P, dtype=torch.float64), torch.cat([torch.zeros_like(eye), eye], 1)
    return {
        "embed.W_E": torch.cat([half, zero]) if equals else half,
        "blocks.0.attn.W_Q": torch.zeros(1, 2 * P, P, dtype=torch.float64),
        "blocks.0.attn.W_K": torch.zeros(1, 2 * P, P, dtype=torch.float64),
        "blocks.0.attn.W_V": torch.cat([torch.zeros_like(eye), eye])[None],
        "blocks.0.attn.W_O": padded(eye * (3 if equals else 2), P, 2 * P)[None],
        "blocks.0.mlp.W_in": torch.cat([at_a, at_b - at_a]),
        "blocks.0.mlp.W_out": 100 * padded(cosines(turns=2).T, N, 2 * P),
        "unembed.W_U": padded(eye, 2 * P, P),
    }


def minegishi_mlp(state, masks):
    """Return a state dict with names, orientation and buffers of Minegishi et al.'s MLP."""
    theirs = {"embed.W_E": "W_E", "inproj.W": "W_in", "outproj.W": "W_out"}
    out = {name: state[ours].T for name, ours in theirs.items()} | {"unembed.W_U": state["W_U"]}
    for name, ours in (theirs | {"unembed.W_U": "W_U"}).items():
        buffer = f"{name.rpartition('.')[0]}.weight_mask"
        out[buffer] = masks[ours] if ours == "W_U" else masks[ours].T
    return out


def bits(shapes, seed=3, density=0.4):
    generator = torch.Generator().manual_seed(seed)
    return {
        name: (torch.rand(shape, generator=generator) < density).float() for name, shape in shapes.items()
    }


# --- the papers' own files ---------------------------------------------------------------------------


def test_minegishis_mlp_is_adopted_with_its_masks(adopt, adopted, capsys):
    state = {name: w.float() for name, w in adder().items()}
    masks = bits({name: w.shape for name, w in state.items()})
    assert adopt({"w.pth": {"model": minegishi_mlp(state, masks), "epoch": 40}}) == 0
    assert "weights are kept, the others are zero" in capsys.readouterr().err
    assert adopted.steps().tolist() == [40]
    weights, mask = adopted.checkpoints(), adopted.mask()
    assert mask.keys() == weights.keys() == state.keys()
    for name, w in weights.items():
        np.testing.assert_array_equal(mask[name], masks[name].numpy() == 1)
        np.testing.assert_array_equal(w[0], state[name] * masks[name])
        assert not np.signbit(w[0][~mask[name]]).any()
    assert run_analysis("masks", adopted.path.parents[2]).code == 0


def test_masks_of_ones_leave_a_dense_network(adopt, adopted):
    state = adder()
    ones = {name: torch.ones_like(w) for name, w in state.items()}
    assert adopt({"w.pth": minegishi_mlp(state, ones)}) == 0
    assert adopted.mask() is None
    np.testing.assert_array_equal(adopted.checkpoints("W_in")["W_in"][0], state["W_in"])


def test_minegishis_transformer_is_adopted_with_its_masks(adopt, adopted):
    state = {n: w.float() for n, w in out_before_in(P, n_heads=1, d_head=12).items() if ".b_" not in n}
    state = {n: w for n, w in state.items() if "pos" not in n and "mask" not in n}
    state |= {name: state[name][:, :P] for name in ("embed.W_E", "unembed.W_U")}
    buffers = {"embed.W_E": "embed.weight_mask", "unembed.W_U": "unembed.weight_mask"}
    buffers |= {f"blocks.0.attn.W_{kind}": f"blocks.0.attn.weight_mask{kind}" for kind in "QKVO"}
    buffers |= {f"blocks.0.mlp.W_{kind}": f"blocks.0.mlp.weight_mask_{kind}" for kind in ("in", "out")}
    masks = bits({name: w.shape for name, w in state.items()})
    theirs = state | {buffers[name]: mask for name, mask in masks.items()}
    assert (
        adopt({"w.pth": theirs | {"blocks.0.attn.mask": torch.ones(2, 2).tril()}}, model="transformer") == 0
    )
    # The same network with zeros in place of masks has the same weights; its zeros are the mask's.
    product_only = {name: torch.where(masks[name] == 1, w, 0.0) for name, w in state.items()}
    out = f"{adopted.path.parents[2]}_product"
    assert adopt({"v.pth": product_only}, "--out", out, model="transformer") == 0
    expected = open_run(out)["dense", 0].weights()
    mask = adopted.mask()
    for name, w in adopted.checkpoints().items():
        np.testing.assert_array_equal(w, expected[name])
        np.testing.assert_array_equal(mask[name], w[0] != 0)


@pytest.mark.parametrize("embedding", [False, True])
def test_hes_network_is_adopted(embedding, adopt, adopted, tmp_path):
    state = {"mlp.W_in": cosines().T, "mlp.W_out": cosines(turns=2), "mlp.basis": torch.ones(P, P)}
    if embedding:
        state |= {"embed.W_E": torch.eye(P, dtype=torch.float64), "mlp.W_in": cosines().T}
    file = {"model": state, "epoch": 4800, "train_loss": 0.1}
    assert adopt({"w.pth": file}, "--json", model="one_hot_mlp") == 0
    assert adopted.steps().tolist() == [4800]
    weights = adopted.checkpoints()
    np.testing.assert_array_equal(weights["W_in"][0], cosines())
    np.testing.assert_array_equal(weights["W_out"][0], cosines(turns=2).T)
    model = json.loads((tmp_path / "run" / "config.json").read_text())["model"]
    assert model["name"] == ("embedded_mlp" if embedding else "one_hot_mlp") and model["d_mlp"] == N


def test_a_mask_that_does_not_fit_is_refused(adopt, tmp_path, capsys):
    state = adder()
    ones = {name: torch.ones_like(w) for name, w in state.items()}
    masked = minegishi_mlp(state, ones)
    other = masked | {"inproj.weight_mask": 1 - ones["W_in"]}
    wrong = {
        "another shape": ({"w.pt": masked | {"inproj.weight_mask": torch.ones(2, 2)}}, "inproj.weight_mask"),
        "other values": ({"w.pt": masked | {"inproj.weight_mask": 0.5 * ones["W_in"]}}, "zeros and ones"),
        "no weight": ({"w.pt": masked | {"head.weight_mask": torch.ones(2)}}, "head.weight_mask"),
        "another at a later step": ({"a1.pt": masked, "a2.pt": other}, "another; adopt the checkpoints"),
    }
    for files, message in wrong.values():
        assert adopt(files) == 1
        assert message in capsys.readouterr().err
        assert not (tmp_path / "run").exists()


# --- recorded configs --------------------------------------------------------------------------------


def test_a_pizza_network_is_adopted_with_its_attention_rate(adopt, adopted, tmp_path):
    state = drawn(NANDA.shapes(P, P), dtype=torch.float64)
    (tmp_path / "pizza.json").write_text(json.dumps({"attn_coeff": 0, "act_fn": "ReLU", "n_layers": 1}))
    assert adopt({"pizza.pt": state}, model="transformer") == 0
    network = open_run(tmp_path / "run")["dense", 0]
    assert network.setting.model == Transformer(**vars(NANDA) | {"attention_rate": 0.0})
    pairs = torch.cartesian_prod(torch.arange(P), torch.arange(P))
    hooked = pair_logits(load_hooked(tmp_path / "run", "dense", 0), pairs)
    logits = network.setting.model.pair_activations(state_arrays(state)).logits.reshape(-1, P)
    np.testing.assert_allclose(hooked.detach(), logits, atol=1e-9)
    plain = NANDA.pair_activations(state_arrays(state)).logits.reshape(-1, P)
    assert np.abs(plain - logits).max() > 1
    rate = ("--set", "model.attention_rate=1.0")
    assert adopt({"pizza.pt": state}, "--out", tmp_path / "other", *rate, model="transformer") == 2


def state_arrays(state):
    return {name: w.numpy() for name, w in state.items()}


FIELDS = {
    "normalization_type": "LNPre",
    "act_fn": "gelu",
    "attention_dir": "bidirectional",
    "use_attn_scale": False,
    "positional_embedding_type": "shortformer",
    "n_layers": 2,
    "attn_only": np.bool_(True),
    "attn_scale": np.float64(1.0),
    "attn_coeff": 1.5,
    "diff_vocab": 1,
}


@pytest.mark.parametrize(("field", "value"), FIELDS.items(), ids=FIELDS)
@pytest.mark.parametrize("place", ["inside", "around", "beside", "safetensors", "object"])
def test_what_the_model_does_not_compute_is_refused(field, value, place, adopt, tmp_path, capsys):
    state, config = drawn(NANDA.shapes(P, P)), {"d_model": np.int64(12), field: value}
    plain = {name: v.item() if isinstance(v, np.generic) else v for name, v in config.items()}
    files = {"w.pt": {"model": state, "config": config}}
    if place == "around":
        files = {"w.pt": {"model": state} | config}
    elif place == "beside":
        (tmp_path / "config.json").write_text(json.dumps({"model": plain}))
        files = {"w.pt": state}
    elif place == "safetensors":
        path = tmp_path / "w.safetensors"
        save_file(state, path, metadata={"config": json.dumps(plain)})
        arguments = ["--model", "transformer", "--p", str(P), "--out", str(tmp_path / "run")]
        assert main([str(path), *arguments]) == 1
    elif place == "object":
        files = {"w.pt": {"model": state, "cfg": argparse.Namespace(**config)}}
    if place != "safetensors":
        assert adopt(files, model="transformer") == 1
    error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(error) == 1 and f".{field}: expected " in error[0] and str(tmp_path) in error[0]
    assert not (tmp_path / "run").exists()


def test_a_config_of_numpy_numbers_is_read(adopt, adopted):
    state = drawn(NANDA.shapes(P, P))
    config = {"d_model": np.int64(12), "lr": np.float32(0.1), "normalization_type": None, "act_fn": "relu"}
    config |= {"use_attn_scale": np.bool_(True), "attn_scale": np.sqrt(5), "losses": np.ones(3)}
    assert adopt({"w.pt": {"model": state, "config": config}}, model="transformer") == 0
    assert adopted.steps().tolist() == [0]


def test_the_activation_of_a_config_is_the_models(adopt, tmp_path, capsys):
    state = {"mlp.W_in": cosines().T, "mlp.W_out": cosines(turns=2)}
    for name, expected in (("quad", "square"), ("relu", "relu")):
        out = tmp_path / expected
        file = {"w.pt": {"model": state, "config": {"act_type": name}}}
        assert adopt(file, "--out", out, model="one_hot_mlp") == 0
        assert open_run(out)["dense", 0].setting.model.activation == expected
    capsys.readouterr()
    file = {"w.pt": {"model": state, "config": {"act_type": "tanh"}}}
    assert adopt(file, "--out", tmp_path / "tanh", model="one_hot_mlp") == 1
    assert "config.act_type: activation: expected one of" in capsys.readouterr().err


def test_a_config_object_of_transformer_lens_is_read(adopt, adopted, capsys):
    network = hooked_transformer(NANDA, P, drawn(NANDA.shapes(P, P)))
    file = {"model": network.state_dict(), "config": network.cfg, "checkpoint_epochs": [0]}
    assert adopt({"w.pth": file}, model="transformer") == 0
    assert adopted.steps().tolist() == [0]
    network.cfg.use_attn_scale = False
    assert adopt({"w.pth": file}, "--force", model="transformer") == 1
    assert (
        "config.use_attn_scale: expected true, which is all that can be, got False" in capsys.readouterr().err
    )


def test_configs_that_disagree_are_refused(adopt, tmp_path, capsys):
    (tmp_path / "w.json").write_text('{"attn_coeff": 0.5}')
    file = {"w.pt": {"model": drawn(NANDA.shapes(P, P)), "config": {"attn_coeff": 0}}}
    assert adopt(file, model="transformer") == 1
    assert "attn_coeff: expected 0.5, as " in capsys.readouterr().err
    (tmp_path / "w.json").write_text("[" * 100_000)
    assert adopt(file, model="transformer") == 1
    assert "w.json: damaged" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


# --- what the network computes -----------------------------------------------------------------------


def result(capsys):
    captured = capsys.readouterr()
    return json.loads(captured.out), captured.err


def test_the_accuracy_on_the_task_is_printed(adopt, tmp_path, capsys):
    assert adopt({"w.pt": adder()}, "--json") == 0
    printed, notes = result(capsys)
    assert printed["accuracy"] == 1 and "note" not in notes
    split = ("--frac-train", 0.5, "--seed", 1)
    assert adopt({"w.pt": adder()}, *split, "--json", "--out", tmp_path / "other") == 0
    printed, _ = result(capsys)
    assert printed["train_acc"] == printed["test_acc"] == 1


@pytest.mark.parametrize("turned", [("W_in",), ("W_in", "W_out")])
def test_square_matrices_given_transposed_are_named(turned, adopt, adopted, capsys):
    state = adder()
    state |= {name: state[name].T.contiguous() for name in turned}
    assert adopt({"w.pt": state}, "--json") == 0
    printed, notes = result(capsys)
    assert printed["accuracy"] < 0.5
    assert f"computes the task with {' and '.join(turned)} transposed (accuracy 1)" in notes
    np.testing.assert_array_equal(adopted.checkpoints("W_in")["W_in"][0], state["W_in"])


def test_settings_that_weights_do_not_show_are_named(adopt, capsys):
    state = {"W_in": cosines() + 2.5, "W_out": cosines(turns=2).T}  # no ReLU is off: the network is linear
    assert adopt({"w.pt": state}, "--json", model="one_hot_mlp") == 0
    printed, notes = result(capsys)
    assert printed["accuracy"] < 0.5
    assert "computes the task with activation square (accuracy 1)" in notes


def test_a_pizza_network_without_a_config_is_named_by_its_loss(adopt, tmp_path, capsys):
    state = transformer_adder(False)  # attention of ½ each; with 1 each, logits twice as large
    state["blocks.0.mlp.W_out"] = state["blocks.0.mlp.W_out"] / 10  # a loss above 0
    assert adopt({"w.pt": state}, "--json", model="transformer") == 0
    printed, notes = result(capsys)
    assert printed["accuracy"] == 1 and "loss is lower with attention_rate 0" in notes
    rate = ("--set", "model.attention_rate=0.0", "--out", tmp_path / "pizza")
    assert adopt({"w.pt": state}, *rate, "--json", model="transformer") == 0
    printed, notes = result(capsys)
    assert printed["accuracy"] == 1 and "note" not in notes


@pytest.mark.parametrize(("equals", "task"), [(True, "add"), (False, "add"), (False, "sub")])
def test_pairs_are_those_on_which_the_network_computes_the_task(equals, task, adopt, tmp_path, capsys):
    state = transformer_adder(equals, sub=task == "sub")
    assert adopt({"w.pt": state}, "--task", task, "--json", model="transformer") == 0
    printed, notes = result(capsys)
    assert printed["accuracy"] == 1 and "pairs are taken as ordered (accuracy 1 on ordered" in notes
    assert open_run(tmp_path / "run")["dense", 0].setting.task.pairs == "ordered"


def test_a_network_of_unordered_pairs_gets_those(adopt, tmp_path, capsys):
    state = transformer_adder(False, sub=True)
    swap = dict(state)
    W_in = state["blocks.0.mlp.W_in"]
    at_a, at_b = W_in[:P], W_in[:P] + W_in[P:]
    swap["blocks.0.mlp.W_in"] = torch.cat([at_b, at_a - at_b])  # b - a, which is `sub` of unordered pairs
    assert adopt({"w.pt": swap}, "--task", "sub", "--json", model="transformer") == 0
    printed, notes = result(capsys)
    assert printed["accuracy"] == 1 and "pairs are taken as unordered" in notes
    ordered = ("--task", "sub", "--set", "task.pairs=ordered", "--out", tmp_path / "ordered")
    assert adopt({"w.pt": swap}, *ordered, "--json", model="transformer") == 0
    printed, notes = result(capsys)
    assert printed["accuracy"] < 0.5 and "with its tokens in the other order (accuracy 1)" in notes
    assert "pairs are taken" not in notes


@pytest.mark.parametrize("equals", [True, False])
def test_an_untrained_transformer_with_equals_gets_ordered_pairs(equals, adopt, tmp_path):
    model = Transformer(d_model=12, d_head=5, d_mlp=9, equals=equals)
    assert adopt({"w.pt": drawn(model.shapes(P, P))}, model="transformer") == 0
    expected = "ordered" if equals else "unordered"
    assert open_run(tmp_path / "run")["dense", 0].setting.task.pairs == expected


@pytest.mark.parametrize(
    ("name", "content", "steps"),
    [
        ("step_1500.pt", adder(), [1500]),
        ("step_1500.pt", {"model": adder(), "epoch": 3}, [1500]),
        ("final.pt", {"model": adder(), "epoch": 3}, [3]),
        ("final.pt", adder(), [0]),
        ("step_1500.pt", {7: adder()}, [7]),
    ],
)
def test_a_single_file_has_the_step_of_its_name(name, content, steps, adopt, adopted):
    assert adopt({name: content}) == 0
    assert adopted.steps().tolist() == steps
