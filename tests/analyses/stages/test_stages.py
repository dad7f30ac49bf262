"""Stages of a network trained for the test, compared with loops over its pairs."""

import json
import shutil

import numpy as np
import pytest
from builders import AnalysedRun, run_analysis

from analyses.stages.schema import CLASSES, CURVES, ENDS
from analyses.stages.summary import summarise
from training.config.build_recipe import recipe_from_dict

P = 7
CONTENT = {
    "name": "ordered",
    "seeds": [0, 1],
    "task": {"p": P, "pairs": "ordered", "frac_train": 0.75},
    "model": {"name": "one_hot_mlp", "d_mlp": 24, "init_scale": 0.1},
    "optimizer": {"lr": 5e-3, "weight_decay": 0.5},
    "measure": {"checkpoints": [{"every": 20}]},
    "arms": {"dense": {"min_steps": 400, "max_steps": 400}},
}


@pytest.fixture(scope="module")
def run(trained_run):
    return trained_run(CONTENT)


@pytest.fixture(scope="module")
def staged(run):
    """Return the run with its analyses."""
    return AnalysedRun(run.path)


def first_seed(analysed, table):
    return analysed.table(table).query("seed == 0")


@pytest.fixture(scope="module")
def tables(staged):
    """Return the tables of the first network."""
    return {table: first_seed(staged, table) for table in (CURVES, CLASSES, ENDS)}


@pytest.fixture(scope="module")
def pairs():
    """Return the training pairs."""
    data = recipe_from_dict(CONTENT).task.build()
    return {tuple(pair) for pair in data.inputs[: data.n_train].tolist()}


def class_of(x, y, pairs):
    """Return the class of a pair by looking up both orders."""
    this, other = (x, y) in pairs, (y, x) in pairs
    return {(1, 1): "common", (1, 0): "rare", (0, 1): "test_sym", (0, 0): "test_true"}[this, other]


def test_classes_and_parts_match_the_loop_over_pairs(run, tables, pairs):
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
        rows, row = (tables[table][tables[table]["step"] == files.steps()[t]] for table in (CLASSES, CURVES))
        for name, of_class in rows.set_index("class").iterrows():
            members = [pair for pair in right if class_of(*pair, pairs) == name]
            assert of_class["n_pairs"] == len(members) > 0
            assert of_class["accuracy"] == pytest.approx(np.mean([right[pair] for pair in members]))
            assert of_class["probability"] == pytest.approx(np.mean([probability[p] for p in members]))
        row = row.iloc[0]
        loss = -np.mean([np.log(probability[pair]) for pair in right if pair not in pairs])
        assert row["train_acc"] == pytest.approx(np.mean([right[pair] for pair in pairs]))
        assert row["test_loss"] == pytest.approx(loss)
        assert row["l2"] == pytest.approx(np.sqrt((W_in**2).sum() + (W_out**2).sum()))


def test_checkpoints_agree_with_the_recorded_metrics(run, tables):
    metrics = run.arm("dense", 0).metrics().set_index("step")
    for row in tables[CURVES].itertuples():
        assert (row.train_acc, row.test_acc) == tuple(metrics.loc[row.step, ["train_acc", "test_acc"]])
        assert row.train_loss == pytest.approx(metrics.loc[row.step, "train_loss"], rel=1e-4)


def test_stages_end_where_the_curves_do(run, tables, pairs):
    metrics, curves = run.arm("dense", 0).metrics(), tables[CURVES]
    end = tables[ENDS].iloc[0]
    accuracy = tables[CLASSES].pivot(index="step", columns="class", values="accuracy")
    assert end["stage_1_end"] == metrics.loc[metrics["train_acc"] >= 0.95, "step"].iloc[0]
    for name in ("common", "rare"):
        assert end[name] == accuracy.index[accuracy[name] >= 0.95][0]
    assert end["norm_peak_step"] == curves.loc[curves["l2"].idxmax(), "step"]
    classes = [class_of(x, y, pairs) for x, y in np.ndindex(P, P)]
    assert end["plateau"] == classes.count("test_sym") / (P**2 - len(pairs))


def test_a_symmetric_network_is_right_on_the_other_order_of_rare_pairs(tables):
    wide = tables[CLASSES].pivot(index="step", columns="class", values=["accuracy", "probability"])
    for measure in ("accuracy", "probability"):
        np.testing.assert_allclose(wide[measure]["rare"], wide[measure]["test_sym"], rtol=1e-12)


def test_without_metrics_the_checkpoints_serve_as_curves(run, tables, tmp_path):
    folder = tmp_path / "arms" / "dense" / "seed_0"
    folder.mkdir(parents=True)
    shutil.copy(run.arm("dense", 0).path / "checkpoints.safetensors", folder)
    (tmp_path / "config.json").write_text(json.dumps({name: CONTENT[name] for name in ("task", "model")}))
    end, curves = AnalysedRun(tmp_path).table(ENDS).iloc[0], tables[CURVES]
    assert end["stage_1_end"] == curves.loc[curves["train_acc"] >= 0.95, "step"].iloc[0]
    assert end["common"] == tables[ENDS].iloc[0]["common"]


def test_printed_conclusions_count_networks_that_reached_a_stage(staged):
    out = staged.analyse("stages").out
    assert max(map(len, out.splitlines())) <= 100
    ends = staged.table(ENDS)
    for reached, beginning in ((400.0, "2 of 2 networks. In"), (np.nan, "0 of 2 networks. In")):
        summary, printed = summarise({ENDS: ends.assign(stage_2_end=reached)})
        assert beginning in printed[0].conclusion and len(summary["networks"]) == 2
    on_test_true = ends["seed"].map({0: 0.96, 1: 0.5})
    assert summarise({ENDS: ends.assign(test_true=on_test_true)})[1][1].conclusion.endswith(
        "in 1 of 2 networks."
    )


def test_pairs_without_an_order_and_runs_without_a_test_set_are_refused(tiny_run, run, tmp_path):
    unordered = run_analysis("stages", tiny_run)
    assert unordered.code == 1
    assert "expected a task of ordered pairs, got unordered pairs" in unordered.err
    other = shutil.copytree(run.path, tmp_path / "all")
    (other / "provenance.json").unlink()
    config = json.loads((other / "config.json").read_text())
    config["task"]["frac_train"] = 1.0
    (other / "config.json").write_text(json.dumps(config))
    without_test_set = run_analysis("stages", other)
    assert without_test_set.code == 1 and "got one that trains on all pairs" in without_test_set.err
