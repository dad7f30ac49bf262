"""Stages of a network trained for the test, against loops over its pairs."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from analyses.stages.command import main
from training.config.build_recipe import recipe_from_dict
from training.runs.run_directory import RunDir

P = 7
CONTENT = {
    "name": "ordered",
    "seeds": [0, 1],
    "task": {"p": P, "pairs": "ordered", "frac_train": 0.75},
    "model": {"name": "one_hot_mlp", "d_mlp": 24, "init_scale": 0.1},
    "optimizer": {"lr": 5e-3, "weight_decay": 0.5},
    "measure": {"early_checkpoint_every": 20},
    "arms": {"dense": {"min_steps": 400, "max_steps": 400}},
}


@pytest.fixture(scope="module")
def run(trained_run):
    run = trained_run(CONTENT)
    assert main(["--run", str(run.path), "--no-plot"]) == 0
    return run


def tables(run, out=None):
    folder = RunDir(out or run.path)
    found = {s: pd.read_parquet(folder.analysis(f"stages{s}", ".parquet")) for s in ("", "_classes", "_ends")}
    return {suffix: table[table["seed"] == 0] for suffix, table in found.items()}


@pytest.fixture(scope="module")
def found(run):
    return tables(run)


@pytest.fixture(scope="module")
def pairs():
    """The training pairs."""
    data = recipe_from_dict(CONTENT).task.build()
    return {tuple(pair) for pair in data.inputs[: data.n_train].tolist()}


def kind(x, y, pairs):
    """The class of a pair, by looking."""
    own, other = (x, y) in pairs, (y, x) in pairs
    return {(1, 1): "common", (1, 0): "rare", (0, 1): "test_sym", (0, 0): "test_true"}[own, other]


def test_classes_and_parts_match_the_loop_over_pairs(run, found, pairs):
    files = run.arm("dense", 0)
    weights = {name: w.astype(np.float64) for name, w in files.checkpoints().items()}
    for t in (0, 3, len(files.steps()) - 1):
        W_in, W_out = weights["W_in"][t], weights["W_out"][t]
        right, probability = {}, {}
        for x, y in np.ndindex(P, P):
            logits = np.maximum(W_in[x] + W_in[y], 0) @ W_out
            share = np.exp(logits - logits.max())
            share /= share.sum()
            right[x, y], probability[x, y] = logits.argmax() == (x + y) % P, share[(x + y) % P]
        rows, row = (found[name][found[name]["step"] == files.steps()[t]] for name in ("_classes", ""))
        rows = rows.set_index("class")
        for name, of_class in rows.iterrows():
            own = [pair for pair in right if kind(*pair, pairs) == name]
            assert of_class["n_pairs"] == len(own) > 0
            assert of_class["accuracy"] == pytest.approx(np.mean([right[pair] for pair in own]))
            assert of_class["probability"] == pytest.approx(np.mean([probability[pair] for pair in own]))
        row = row.iloc[0]
        loss = -np.mean([np.log(probability[pair]) for pair in right if pair not in pairs])
        assert row["train_acc"] == pytest.approx(np.mean([right[pair] for pair in pairs]))
        assert row["test_loss"] == pytest.approx(loss)
        assert row["l2"] == pytest.approx(np.sqrt((W_in**2).sum() + (W_out**2).sum()))


def test_checkpoints_say_what_the_training_measured(run, found):
    metrics = run.arm("dense", 0).metrics().set_index("step")
    for row in found[""].itertuples():
        assert (row.train_acc, row.test_acc) == tuple(metrics.loc[row.step, ["train_acc", "test_acc"]])
        assert row.train_loss == pytest.approx(metrics.loc[row.step, "train_loss"], rel=1e-4)


def test_ends_are_those_of_the_curves(run, found, pairs):
    metrics = run.arm("dense", 0).metrics()
    end, wide = (
        found["_ends"].iloc[0],
        found["_classes"].pivot(index="step", columns="class", values="accuracy"),
    )
    assert end["stage_1_end"] == metrics.loc[metrics["train_acc"] >= 0.95, "step"].iloc[0]
    for name in ("common", "rare"):
        assert end[name] == wide.index[wide[name] >= 0.95][0]
    assert end["norm_peak_step"] == found[""].loc[found[""]["l2"].idxmax(), "step"]
    kinds = [kind(x, y, pairs) for x, y in np.ndindex(P, P)]
    assert end["plateau"] == kinds.count("test_sym") / (P**2 - len(pairs))


def test_a_symmetric_network_knows_the_other_order_of_rare_pairs(found):
    wide = found["_classes"].pivot(index="step", columns="class", values=["accuracy", "probability"])
    for measure in ("accuracy", "probability"):
        np.testing.assert_allclose(wide[measure]["rare"], wide[measure]["test_sym"], rtol=1e-12)


def test_without_curves_the_checkpoints_are_the_curves(run, found, tmp_path):
    folder = tmp_path / "arms" / "dense" / "seed_0"
    folder.mkdir(parents=True)
    shutil.copy(run.arm("dense", 0).path / "checkpoints.safetensors", folder)
    model = CONTENT["model"] | {"d_mlp": 24}
    (tmp_path / "config.json").write_text(json.dumps({"task": CONTENT["task"], "model": model}))
    assert main(["--run", str(tmp_path), "--no-plot"]) == 0
    end, table = tables(None, tmp_path)["_ends"].iloc[0], found[""]
    assert end["stage_1_end"] == table.loc[table["train_acc"] >= 0.95, "step"].iloc[0]
    assert end["common"] == found["_ends"].iloc[0]["common"]


def test_the_text_fits_a_terminal(run, tmp_path, capsys):
    assert main(["--run", str(run.path), "--out", str(tmp_path), "--no-plot"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 100


def test_pairs_without_an_order_and_runs_without_a_test_set_are_refused(tiny_run, run, tmp_path, capsys):
    assert main(["--run", str(tiny_run), "--no-plot"]) == 1
    assert "expected a task of ordered pairs with a test set" in capsys.readouterr().err
    other = shutil.copytree(run.path, tmp_path / "all")
    (other / "provenance.json").unlink()
    config = json.loads((other / "config.json").read_text())
    config["task"]["frac_train"] = 1.0
    (other / "config.json").write_text(json.dumps(config))
    assert main(["--run", str(other), "--no-plot"]) == 1
    assert "and this one trains on all pairs" in capsys.readouterr().err
