import json
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from builders import begin_run, drawn_starts
from safetensors.numpy import load_file

from training import MODELS as REGISTRY
from training import export_weights
from training.config.arm_config import arm_record
from training.config.build_recipe import recipe_from_dict
from training.inspection.run import open_run
from training.runs.handover.weights_card import loading_code

MODELS = {
    "embed_mlp": {"name": "embed_mlp", "d_emb": 6, "d_mlp": 5},
    **{
        activation: {"name": "one_hot_mlp", "activation": activation, "d_mlp": 5, "init_scale": 0.5}
        for activation in ("relu", "square", "abs", "cube", "fourth", "exp", "softplus")
    },
    "embedded_mlp": {"name": "embedded_mlp", "d_emb": 4, "d_mlp": 5},
    "transformer": {"name": "transformer", "d_model": 8, "d_head": 4, "n_heads": 2, "d_mlp": 6},
    "nanda": {
        "name": "transformer",
        "d_model": 8,
        "d_head": 4,
        "n_heads": 2,
        "d_mlp": 6,
        "equals": True,
        "positions": True,
        "biases": True,
        "equals_logit": True,
    },
    "pizza": {"name": "transformer", "d_model": 8, "d_head": 4, "d_mlp": 6, "attention_rate": 0.25},
    "mlp": {"name": "mlp", "widths": [6, 5]},
}


def test_every_model_prints_its_forward_pass():
    assert {model["name"] for model in MODELS.values()} == set(REGISTRY)


def setting_of(model):
    """Return the setting of a network, on residues or on features."""
    task = {"name": "polynomial", "d": 3} if model["name"] == "mlp" else {"name": "add", "p": 7}
    recipe = recipe_from_dict({"name": "x", "task": task, "model": model, "arms": {"dense": {}}})
    return recipe.setting("dense"), recipe


@pytest.mark.parametrize("name", MODELS)
def test_the_printed_forward_pass_is_the_network(name, tmp_path, monkeypatch, capsys):
    from safetensors.torch import save_file

    setting, _ = setting_of(MODELS[name])
    shapes = setting.shapes()
    weights = drawn_starts(setting.model, shapes, 1)[0]
    weights = {
        n: w if n.rpartition(".")[2][0] == "W" else torch.randn(w.shape).double() for n, w in weights.items()
    }
    save_file(weights, tmp_path / "model.safetensors")
    monkeypatch.chdir(tmp_path)
    shown = {}
    exec(loading_code(setting), shown)
    inputs = shown.get("pairs", np.random.default_rng(0).standard_normal((9, 3)))
    settings = re.search(r"outputs = forward\(weights, \w+(.*)\)\n", loading_code(setting))[1]
    computed = eval(f"forward(weights, inputs{settings})", shown | {"inputs": inputs})
    expected = setting.model.implementation().forward(weights, torch.from_numpy(inputs))
    np.testing.assert_allclose(computed, expected.numpy(), rtol=1e-10, atol=1e-12)
    assert capsys.readouterr().out.startswith(("class of (2, 1): ", "outputs of zeros: "))


def test_a_card_and_its_weights_need_no_package(tiny_run, tmp_path):
    files = export_weights(tiny_run, "grokked_ticket", 1, 200, to=tmp_path / "weights")
    assert [path.name for path in files] == [
        "README.md",
        "config.json",
        "mask.safetensors",
        "model.safetensors",
    ]
    network = open_run(tiny_run)["grokked_ticket", 1]
    weights = load_file(tmp_path / "weights" / "model.safetensors")
    row = network.steps.tolist().index(200)
    assert all((weights[name] == w[row]).all() for name, w in network.weights().items())
    mask = load_file(tmp_path / "weights" / "mask.safetensors")
    assert all((mask[name] == is_kept).all() for name, is_kept in network.mask.items())
    card = (tmp_path / "weights" / "README.md").read_text()
    (code,) = re.findall(r"^```python\n(.*?)^```$", card, flags=re.DOTALL | re.MULTILINE)
    code += 'import sys\nassert not {"training", "interp", "torch"} & set(sys.modules)\n'
    done = subprocess.run(
        [sys.executable, "-I", "-c", code],
        cwd=tmp_path / "weights",
        capture_output=True,
        text=True,
        check=True,
    )
    logits = network.setting.model.pair_activations(
        {name: w[row] for name, w in network.weights().items()}
    ).logits
    assert done.stdout == f"class of (2, 1): {logits[2, 1].argmax()}\n"


def test_config_and_card_say_what_the_network_is(tiny_run, tmp_path):
    export_weights(tiny_run, "grokked_ticket", 0, to=tmp_path / "weights")
    config = json.loads((tmp_path / "weights" / "config.json").read_text())
    assert config["step"] == 1000 and config["density"] == pytest.approx(0.75, abs=0.01)
    assert config["model"]["d_mlp"] == 6 and config["task"]["p"] == 11
    assert config["t_gen"] == 300 and config["metrics"]["train_acc"] == 1
    assert config["config"]["arm"] == "grokked_ticket" and len(config["files"]) == 3
    card = (tmp_path / "weights" / "README.md").read_text()
    for text in (
        "license: mit",
        "# tiny: grokked_ticket, seed 0, step 1,000",
        "(a + b) mod 11",
        "relu((W_E[a] + W_E[b]) W_in) W_out W_U",
        "taken from dense at step 8,000; t_mem 100, t_gen 300.",
        "| test_acc | 1 |",
        "## License",
    ):
        assert text in card, text


def test_a_damaged_network_is_not_written(tiny_copy, tmp_path):
    path = tiny_copy / "arms" / "dense" / "seed_0" / "metrics.parquet"
    path.write_bytes(path.read_bytes()[:-9] + b"x" + path.read_bytes()[-8:])
    with pytest.raises(ValueError, match=r"metrics.parquet: damaged"):
        export_weights(tiny_copy, "dense", 0, to=tmp_path / "weights")
    assert not (tmp_path / "weights").exists()


def test_a_model_of_a_plugin_has_its_weights_and_says_what_is_missing(tmp_path):
    from dataclasses import dataclass

    from training.models.embed_mlp.architecture import EmbedMLP

    @dataclass(frozen=True, kw_only=True)
    class Mine(EmbedMLP):
        """A network of mine."""

        name: str = "mine"

    REGISTRY["mine"] = Mine
    try:
        setting, recipe = setting_of({"name": "mine", "d_emb": 4, "d_mlp": 3})
        run = begin_run(tmp_path / "run", recipe)
        files = run.arm("dense", 0)
        files.write_checkpoints(
            np.array([0]), {n: np.ones((1, *shape), np.float32) for n, shape in setting.shapes().items()}
        )
        files.write_metrics(
            {name: np.zeros(1) for name in ("train_loss", "test_loss", "train_acc", "test_acc")}
            | {"step": np.array([0])}
        )
        files.finish(arm_record(recipe, "dense", 0) | {"steps": 0, "source": None})
        export_weights(run, "dense", 0, to=tmp_path / "weights")
    finally:
        del REGISTRY["mine"]
    card = (tmp_path / "weights" / "README.md").read_text()
    assert "A network of mine. Forward pass: as its plug-in computes it, which this file lacks." in card
