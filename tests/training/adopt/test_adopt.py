"""Adoption of weights from other code as a run."""

import json
import os
import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from builders import drawn, error_line, heavy_imports_of_help, out_before_in, run_analysis

from training.adopt.command import main
from training.inspection.hooked_network import load_hooked
from training.models.mlp.network import forward as mlp_forward
from training.models.transformer.architecture import Transformer
from training.models.transformer.hooked_transformer import pair_logits
from training.models.transformer.network import forward
from training.runs.replaced_arms import replaced_arms
from training.runs.run_directory import RunDir
from training.tasks.parity import ParityTask

P = 7
PAIRS = torch.cartesian_prod(torch.arange(P), torch.arange(P))
EMBED = {"W_E": (P, 4), "W_in": (4, 3), "W_out": (3, 4), "W_U": (4, P)}
NANDA = Transformer(d_model=12, n_heads=3, d_head=5, d_mlp=9, equals=True, positions=True, biases=True)


def assert_holds(files, steps, states):
    """Assert that a network has exactly given weights at given steps."""
    assert files.steps().tolist() == steps
    stacked = files.checkpoints()
    assert stacked.keys() == states[0].keys()
    for name, w in stacked.items():
        np.testing.assert_array_equal(w, np.stack([np.asarray(state[name]) for state in states]))


# --- round trips -------------------------------------------------------------------------------------


@pytest.fixture(params=["pt", "safetensors"])
def exported(request, finished):
    """Return a trained dense arm as a file per checkpoint."""
    files = finished.arm("dense", 0)
    stacked, steps = files.checkpoints(), files.steps()
    states = [{name: torch.from_numpy(w[i].copy()) for name, w in stacked.items()} for i in range(len(steps))]
    named = {f"step{step}.{request.param}": state for step, state in zip(steps, states, strict=True)}
    return dict(sorted(named.items()))  # step100 before step20, as a shell lists them


def test_a_trained_network_is_adopted_exactly_with_its_curves(exported, adopt, adopted, finished):
    trained = finished.arm("dense", 0)
    assert adopt(exported, "--frac-train", 0.9, "--set", "task.pairs=ordered") == 0
    steps, stacked = trained.steps(), trained.checkpoints()
    assert_holds(adopted, steps.tolist(), [{n: w[i] for n, w in stacked.items()} for i in range(len(steps))])
    metrics = trained.metrics()
    expected = metrics[metrics["step"].isin(steps)].reset_index(drop=True)
    pd.testing.assert_frame_equal(adopted.metrics(), expected, rtol=1e-5, atol=1e-6)


def test_analyses_read_adopted_weights(exported, adopt, tmp_path, finished):
    assert adopt(exported) == 0
    assert not (tmp_path / "run" / "provenance.json").exists()
    for name in ("fourier", "snapshots"):
        assert run_analysis(name, tmp_path / "run").code == 0
    refused = run_analysis("masks", tmp_path / "run")
    assert refused.code == 1 and "--mask FILE or --set pruning.sparsity=0.6" in error_line(refused.err)
    table = pd.read_parquet(tmp_path / "run" / "analyses" / "fourier.parquet")
    assert sorted(set(table["step"])) == finished.arm("dense", 0).steps().tolist()


@pytest.mark.parametrize(
    "model",
    [
        NANDA,
        Transformer(d_model=12, d_head=5, d_mlp=9),
        Transformer(d_model=8, d_head=8, d_mlp=8, equals=True),
    ],
    ids=["nanda", "minegishi", "all widths alike"],
)
def test_a_hooked_transformer_is_adopted_exactly(model, adopt, adopted, tmp_path):
    states = [drawn(model.shapes(P, P), seed) for seed in (0, 1)]
    origin = RunDir(tmp_path / "origin")
    origin.write_config({})
    stacked = {name: np.stack([state[name] for state in states]) for name in states[0]}
    origin.arm("dense", 0).write_checkpoints(np.array([0, 50]), stacked)
    networks = [load_hooked(origin, "dense", 0, step) for step in (0, 50)]
    files = {f"network_{step}.pth": n.state_dict() for step, n in zip((0, 50), networks, strict=True)}
    assert adopt(files, model="transformer") == 0
    assert_holds(adopted, [0, 50], states)
    sizes = json.loads((tmp_path / "run" / "config.json").read_text())["model"]
    assert sizes == {name: getattr(model, name) for name in sizes}
    again = load_hooked(tmp_path / "run", "dense", 0)
    torch.testing.assert_close(pair_logits(again, PAIRS), pair_logits(networks[1], PAIRS), rtol=0, atol=0)


def test_names_of_a_hooked_transformers_attributes_are_accepted(adopt, adopted):
    (state,) = [drawn(NANDA.shapes(P, P))]
    short = {
        name.rpartition(".")[2]: w[None] if name.startswith("blocks") else w for name, w in state.items()
    }
    assert adopt({"weights.pt": short}, "--steps", 40, model="transformer") == 0
    assert_holds(adopted, [40], [state])


def out_before_in_logits(state, p):
    """Return the class logits of every pair at =, token by token."""
    w = {name.rpartition(".")[2]: tensor for name, tensor in state.items()}
    rows = []
    for a in range(p):
        for b in range(p):
            x = [w["W_E"][:, token] + w["W_pos"][place] for place, token in enumerate((a, b, p))]
            heads = []
            for W_Q, W_K, W_V in zip(w["W_Q"], w["W_K"], w["W_V"], strict=True):
                scores = torch.stack([(W_Q @ x[2]) @ (W_K @ other) for other in x]) / len(W_Q) ** 0.5
                heads.append(sum(s * (W_V @ other) for s, other in zip(scores.softmax(0), x, strict=True)))
            mid = x[2] + w["W_O"] @ torch.cat(heads)
            out = mid + w["W_out"] @ torch.relu(w["W_in"] @ mid + w["b_in"]) + w["b_out"]
            rows.append(out @ w["W_U"])
    return torch.stack(rows)[:, :p]


def test_weights_stored_out_before_in_compute_equal_logits(adopt, adopted, capsys):
    state = out_before_in(P)
    content = {"state_dicts": [state, state], "epochs": [0, 100], "train_losses": [2.0], "config": {"p": P}}
    assert adopt({"full_run_data.pth": content}, model="transformer") == 0
    notes = capsys.readouterr().err
    assert "out before in" in notes and f"{P} logits remain" in notes
    weights = {name: torch.from_numpy(w[1]) for name, w in adopted.checkpoints().items()}
    assert weights["embed.W_E"].dtype == torch.float64
    torch.testing.assert_close(forward(weights, PAIRS), out_before_in_logits(state, P), rtol=0, atol=1e-10)


def test_positions_and_biases_are_absent_where_they_are_zero_at_every_step(adopt, adopted):
    zero, other = (drawn(NANDA.shapes(P, P), seed) for seed in (0, 1))
    optional = ["pos_embed.W_pos", *(name for name in zero if ".b_" in name)]
    zero |= {name: torch.zeros_like(zero[name]) for name in optional}
    assert adopt({"a0.pt": zero}, model="transformer") == 0
    assert adopted.checkpoints().keys() == zero.keys() - set(optional)
    later = zero | {"unembed.b_U": other["unembed.b_U"]}
    assert adopt({"a0.pt": zero, "a1.pt": later}, "--seed", 1, model="transformer") == 1  # another network
    assert (
        adopt({"a0.pt": zero, "a1.pt": later}, "--force", "--out", f"{adopted.path}_b", model="transformer")
        == 0
    )
    biased = RunDir(f"{adopted.path}_b").arm("dense", 0).checkpoints()
    assert biased.keys() == zero.keys() - {"pos_embed.W_pos"}
    np.testing.assert_array_equal(
        biased["unembed.b_U"], np.stack([zero["unembed.b_U"], other["unembed.b_U"]])
    )


def test_an_mlp_of_another_task_is_adopted(adopt, adopted):
    state = drawn({"W_0": (11, 30), "W_1": (30, 20), "W_2": (20, 2)})
    bits = {"n_bits": 10, "n_train": 50, "n_test": 20}
    settings = [word for name, value in bits.items() for word in ("--set", f"task.{name}={value}")]
    assert adopt({"w.pt": state}, "--task", "parity", *settings, "--metrics", model="mlp", p=None) == 0
    assert_holds(adopted, [0], [state])
    data = ParityTask(**bits).build()
    right = mlp_forward(state, torch.from_numpy(data.inputs).float()).argmax(1).numpy() == data.labels
    accuracies = adopted.metrics().loc[0, ["train_acc", "test_acc"]]
    assert accuracies.tolist() == pytest.approx([right[:50].mean(), right[50:].mean()])
    assert 0 < accuracies["train_acc"] < 1


# --- steps -------------------------------------------------------------------------------------------


STATES = [drawn(EMBED, seed) for seed in range(3)]


@pytest.mark.parametrize(
    ("files", "more", "steps"),
    [
        ({"w.pt": STATES}, ["--steps", 0, 10, 200], [0, 10, 200]),
        ({"w.pt": dict(zip((0, 10, 200), STATES, strict=True))}, [], [0, 10, 200]),
        (
            {"w.pt": {"checkpoints": STATES, "checkpoint_epochs": torch.tensor([0, 10, 200])}},
            [],
            [0, 10, 200],
        ),
        ({f"{i}.pt": {"model": state, "epoch": 3} for i, state in enumerate(STATES)}, [], [0, 1, 2]),
        (
            {f"p7_{i}.pt": state for i, state in zip("abc", STATES, strict=True)},
            ["--steps", 3, 4, 5],
            [3, 4, 5],
        ),
        ({"c2000.pt": STATES[2], "c3.pt": STATES[0], "c40.pt": STATES[1]}, [], [3, 40, 2000]),
    ],
    ids=["a list", "a table by step", "a table with steps", "numbered models", "--steps", "sorted by number"],
)
def test_checkpoints_and_their_steps_are_read(files, more, steps, adopt, adopted):
    assert adopt(files, *more) == 0
    assert_holds(adopted, steps, STATES)


def test_other_precisions_become_float32(adopt, adopted):
    halves = {name: w.bfloat16() for name, w in STATES[0].items()}
    assert adopt({"w.pt": halves}) == 0
    assert_holds(adopted, [0], [{name: w.float() for name, w in halves.items()}])
    assert adopted.checkpoints()["W_E"].dtype == np.float32


# --- mistakes ----------------------------------------------------------------------------------------


def spoilt(**changes):
    """Return a state dict after changes; None leaves a weight out."""
    return {name: w for name, w in (STATES[0] | changes).items() if w is not None}


def two_layers():
    state = drawn(NANDA.shapes(P, P))
    return {"w.pt": state | {"blocks.1.attn.W_Q": state["blocks.0.attn.W_Q"]}}


def stacked_layers():
    state = {name.rpartition(".")[2]: w for name, w in drawn(NANDA.shapes(P, P)).items()}
    return {"w.pt": state | {"W_Q": torch.stack([state["W_Q"]] * 2)}}


NAN = torch.tensor(np.where(np.arange(12).reshape(4, 3) == 5, np.nan, 1.0))
AS = {"model": "transformer"}
REFUSED = {
    "missing and unexpected": (
        {"w.pt": spoilt(W_in=None, W_hidden=torch.ones(4, 3))},
        {},
        "w.pt, step 0: missing W_in; unexpected W_hidden; expected W_E, W_U, W_in, W_out",
    ),
    "a shape": (
        {"w.pt": spoilt(W_out=torch.ones(4, 3))},
        {},
        "step 0: shapes do not fit 7 inputs and 7 classes and each other: W_out: expected (3, 4), got (4, 3)",
    ),
    "a number of axes": ({"w.pt": spoilt(W_U=torch.ones(7))}, {}, "W_U: expected 2 axes, got shape (7,)"),
    "a shape that changes": (
        {"w.pt": {0: STATES[0], 5: drawn(EMBED | {"W_in": (4, 2), "W_out": (2, 4)})}},
        {},
        "step 5: shapes do not fit 7 inputs and 7 classes and each other: W_in: expected (4, 3), got (4, 2)",
    ),
    "another p": ({"w.pt": STATES[0]}, {"p": 9}, "W_E: expected (9, 4), got (7, 4)"),
    "an even p": ({"w.pt": STATES[0]}, {"p": 8}, "task.p: expected an odd number from 3, got 8"),
    "no p": (
        {"w.pt": STATES[0]},
        {"p": None},
        "--p: expected the number of residues, for embed_mlp, got None",
    ),
    "integers": (
        {"w.pt": spoilt(W_U=torch.ones(4, 7).int())},
        {},
        "W_U: expected floating-point numbers, got int32",
    ),
    "not a number": (
        {"w.pt": [STATES[0], spoilt(W_in=NAN)]},
        {"more": ["--steps", 0, 30]},
        "step 30: W_in: has values",
    ),
    "the same step": (
        {"a3.pt": STATES[0], "b3.pt": STATES[1]},
        {},
        "b3.pt: step: expected one after 3, got 3",
    ),
    "steps that fall": (
        {"w.pt": {"state_dicts": STATES, "epochs": [0, 200, 100]}},
        {},
        "w.pt: step: expected one after 200, got 100",
    ),
    "too few steps": (
        {"w.pt": STATES},
        {"more": ["--steps", 1, 2]},
        "--steps: expected as many steps as state dicts, 3",
    ),
    "too few epochs": (
        {"w.pt": {"state_dicts": STATES, "epochs": [1]}},
        {},
        "w.pt: epochs: expected 3 steps, got 1",
    ),
    "epochs that are none": ({"w.pt": {"state_dicts": STATES, "epochs": 3}}, {}, "w.pt: damaged"),
    "no steps": (
        {"w.pt": STATES},
        {},
        "--steps: expected 3 steps: the files and their names do not say them",
    ),
    "a negative step": (
        {"w.pt": STATES[0]},
        {"more": ["--steps", -1]},
        "step: expected a whole number from 0 to 9007199254740992, got -1",
    ),
    "nothing": ({"w.pt": []}, {}, "w.pt: expected one state dict or more, got 'none'"),
    "one tensor": (
        {"w.pt": torch.ones(3)},
        {},
        "w.pt: expected state dicts, tables of weights by name, got Tensor",
    ),
    "other contents": ({"w.pt": {"loss": [1.0]}}, {}, "w.pt: loss: expected a tensor, got list"),
    "two layers": (two_layers(), AS, "blocks.1.attn.W_Q: expected one layer, which is all that can be"),
    "stacked layers": (stacked_layers(), AS, "W_Q: expected one layer, got shape (2, 3, 12, 5)"),
    "LayerNorm": (
        {"w.pt": drawn(NANDA.shapes(P, P) | {"blocks.0.ln1.w": (12,)})},
        AS,
        "blocks.0.ln1.w: expected no LayerNorm",
    ),
    "another activation": (
        {"w.pt": {"model": out_before_in(P), "config": {"act_type": "GeLU"}}},
        AS,
        "w.pt: config.act_type: expected relu, which is all that can be, got 'GeLU'",
    ),
    "heads that do not fit": (
        {"w.pt": out_before_in(P) | {"blocks.0.attn.W_O": torch.ones(12, 16)}},
        AS,
        "blocks.0.attn.W_O: expected (d_model, heads · d_head) of 3 heads, got (12, 16)",
    ),
    "tokens for two places": (
        {"w.pt": drawn(NANDA.shapes(P, P) | {"embed.W_E": (2 * P, 12)})},
        AS,
        "embed.W_E: expected (8, 12), got (14, 12)",
    ),
    "a model that reads features": (
        {"w.pt": STATES[0]},
        {"model": "mlp"},
        "model.name: expected a model that reads tokens",
    ),
    "a field of the model": (
        {"w.pt": STATES[0]},
        {"more": ["--set", "model.d_mlp=4"]},
        "model.d_mlp: expected 3, as the weights have it, got 4",
    ),
    "another table": (
        {"w.pt": STATES[0]},
        {"more": ["--set", "arms.a.sparsity=1"]},
        "--set: expected fields of",
    ),
    "a field of no task": ({"w.pt": STATES[0]}, {"more": ["--set", "task.q=4"]}, "task.q: unknown field"),
    "no table": (
        {"w.pt": STATES[0]},
        {"more": ["--set", "task=4"]},
        "--set task: expected a table of fields, got 4",
    ),
}


def error_of(capsys):
    """Return the only line on stderr but notes; an error."""
    lines = [line for line in capsys.readouterr().err.splitlines() if "out before in" not in line]
    assert len(lines) == 1 and lines[0].startswith("error: "), lines
    return lines[0]


@pytest.mark.parametrize(("files", "how", "message"), REFUSED.values(), ids=REFUSED)
def test_a_mistake_is_one_line_and_nothing_is_written(files, how, message, adopt, tmp_path, capsys):
    assert adopt(files, *how.get("more", []), **{k: v for k, v in how.items() if k != "more"}) in (1, 2)
    assert message in error_of(capsys)
    assert not (tmp_path / "run").exists()


class Command:
    def __reduce__(self):
        return os.system, ("echo this must not run",)


def whole_file(path):
    torch.save(STATES[0], path)
    return path.read_bytes()


def with_a_flipped_byte(content):
    place = content.index(STATES[0]["W_U"].numpy().tobytes())
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


DAMAGES = {
    "truncated": (lambda content: content[:-100], "damaged: "),
    "a flipped byte": (with_a_flipped_byte, "damaged: checksums differ"),
    "empty": (lambda content: b"", "damaged: not what torch.save writes"),
    "text": (lambda content: b"step,loss", "damaged: not what torch.save writes"),
    "a plain pickle": (lambda content: pickle.dumps(STATES[0]), "damaged: not what torch.save writes"),
    "code": (
        lambda content: pickle.dumps({"W_E": Command()}, protocol=2),
        "holds posix.system, which could run code",
    ),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_one_line_and_runs_nothing(damage, message, tmp_path, capfd):
    path = tmp_path / "w.pt"
    path.write_bytes(damage(whole_file(path)))
    assert main([str(path), "--model", "embed_mlp", "--p", "7", "--out", str(tmp_path / "run")]) == 1
    out, err = capfd.readouterr()
    assert out == "" and message in err and err.startswith(f"error: {path}: ") and err.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_path_without_a_weight_file_is_refused(tmp_path, capsys):
    for name, problem in (("", "it is a folder"), ("none.pt", "it does not exist")):
        path = tmp_path / name
        assert main([str(path), "--model", "embed_mlp", "--p", "7", "--out", str(tmp_path / "run")]) == 1
        assert error_of(capsys) == f"error: {path}: expected a file, and {problem}"
    (tmp_path / "w.safetensors").write_bytes(b"\x08")
    path = tmp_path / "w.safetensors"
    assert main([str(path), "--model", "embed_mlp", "--p", "7", "--out", str(tmp_path / "run")]) == 1
    assert "w.safetensors" in error_of(capsys)


# --- the folder --------------------------------------------------------------------------------------


def test_adopted_weights_are_replaced_only_with_force(adopt, adopted, tmp_path, capsys, files_of):
    assert adopt({"w.pt": STATES[0]}, "--frac-train", 0.5) == 0
    run, held = tmp_path / "run", files_of(tmp_path / "run")
    capsys.readouterr()
    assert adopt({"w.pt": STATES[1]}, "--frac-train", 0.5) == 1
    assert "seed_0: holds weights; --force replaces them, --arm and --seed add others" in error_of(capsys)
    assert adopt({"w.pt": STATES[1]}, "--seed", 1) == 1
    assert "was adopted with another config (task.frac_train: 0.5 → None" in error_of(capsys)
    assert files_of(run) == held
    assert adopt({"w.pt": STATES[1]}, "--seed", 1, "--frac-train", 0.5) == 0
    assert held.items() < files_of(run).items()
    assert adopt({"w.pt": STATES[2]}, "--frac-train", 0.5, "--force", "--no-metrics") == 0
    assert_holds(adopted, [0], [STATES[2]])
    assert not (adopted.path / "metrics.parquet").exists()
    (replaced,) = replaced_arms(RunDir(run))
    assert (replaced.arm, replaced.seed) == ("dense", 0)
    for path, content in held.items():
        assert (replaced.path / path.rpartition("/")[2]).read_bytes() == content


def test_a_replacement_that_fails_restores_the_old_weights(adopt, adopted, tmp_path, monkeypatch, files_of):
    assert adopt({"w.pt": STATES[0]}, "--frac-train", 0.5) == 0
    run, held = tmp_path / "run", files_of(tmp_path / "run")

    def fail(self, *_):
        raise OSError(28, "No space left on device", str(self.path / "checkpoints.safetensors"))

    monkeypatch.setattr(type(adopted), "write_checkpoints", fail)
    assert adopt({"w.pt": STATES[1]}, "--frac-train", 0.5, "--force") == 1
    assert files_of(run) == held and replaced_arms(RunDir(run)) == []
    assert not (run / "arms" / ".replaced").exists()


def test_a_run_of_this_project_and_other_folders_are_refused(adopt, copied, tmp_path, capsys, files_of):
    copied.add_provenance({"commit": "none"})
    held = files_of(copied.path)
    assert adopt({"w.pt": STATES[0]}, "--out", copied.path, "--seed", 5, "--force") == 1
    assert "holds a run that this project trained; choose another --out" in error_of(capsys)
    assert files_of(copied.path) == held
    assert adopt({"w.pt": STATES[0]}, "--out", tmp_path) == 1
    assert "holds files but no config.json, so no run; choose another --out" in error_of(capsys)
    assert adopt({"w.pt": STATES[0]}, "--out", tmp_path / "w.pt") == 1
    assert "w.pt" in error_of(capsys)


def test_curves_are_written_only_with_a_given_split(adopt, adopted, capsys):
    assert adopt({"w.pt": STATES[0]}) == 0
    assert "the split is unknown: " in capsys.readouterr().err
    assert not (adopted.path / "metrics.parquet").exists()
    task = json.loads((adopted.path.parents[2] / "config.json").read_text())["task"]
    assert task == {"name": "add", "split_known": False, "p": P, "pairs": "unordered"}
    assert adopt({"w.pt": STATES[0]}, "--metrics", "--seed", 1) == 2
    assert "--metrics: expected it together with --frac-train or --train-indices" in error_of(capsys)
    assert not adopted.path.with_name("seed_1").exists()


def test_the_result_is_json(adopt, capsys):
    assert adopt({"w.pt": STATES[0]}, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["model"] == {"name": "embed_mlp", "init_scale": 1.0, "d_emb": 4, "d_mlp": 3}
    assert (result["arm"], result["seed"], result["checkpoints"], result["last"]) == ("dense", 0, 1, 0)


def test_help_imports_nothing_heavy():
    assert heavy_imports_of_help("training.adopt.command") == []
