"""The gate: what analyses need, and who is left out."""

import json
from itertools import chain

import numpy as np
import pandas as pd
import pytest
from builders import error_line, run_analysis

from analyses import ANALYSES, measure
from analyses.loading.needs import NEEDS, admitted, lacks
from analyses.loading.pairs import is_of_all_pairs, sum_signs
from analyses.tables.schema import Analysis, Column, Table
from training.config.build_recipe import recipe_from_dict
from training.inspection import open_run
from training.schema.validation import ConfigError
from training.tasks.modular import OPERATIONS, ModularTask

P = 7
TABLE = Table(
    analysis="x",
    meaning="Values.",
    key=(),
    columns=(
        Column("a", float, "A value."),
        Column("b", float, "A value.", missing="-", needs=("addition",)),
    ),
)


@pytest.fixture(scope="module")
def operations(trained_run):
    """Return a run with an arm per operation, of networks that add their inputs."""
    content = {"name": "operations", "seeds": [0, 1], "task": {"name": "add", "p": P, "pairs": "ordered"}}
    content |= {"model": {"name": "one_hot_mlp", "d_mlp": 12}, "pruning": {"require_generalised": False}}
    content |= {"measure": {"checkpoints": [{"every": 20}]}}
    content["arms"] = {
        name: {"max_steps": 40, "task": {"name": name, "p": P, "pairs": "ordered"}}
        for name in ("add", "mul", "x2_plus_y2")
    } | {"sub": {"max_steps": 40, "task": {"name": "sub", "p": P, "pairs": "unordered"}}}
    return trained_run(content)


def test_every_declared_need_is_known():
    for analysis in ANALYSES.values():
        declared = [analysis.needs, *(table.needs for table in analysis)]
        declared += [column.needs for table in analysis for column in table.columns]
        assert set(chain(*declared)) <= NEEDS.keys()
        for table in analysis:
            assert all(column.missing for column in table.columns if column.needs)


def test_an_unknown_need_is_refused(operations):
    with pytest.raises(ConfigError, match=r"^needs: expected some of"):
        lacks(open_run(operations)["add", 0], "magic")


@pytest.mark.parametrize("name", ["phases", "logits", "lottery"])
def test_other_operations_are_left_out_by_name(name, operations, tmp_path):
    done = run_analysis(name, operations.path, "--out", str(tmp_path))
    assert done.code == 0, done.err
    for arm in ("mul", "sub", "x2_plus_y2"):
        line = f"{arm} seed 0, {arm} seed 1: left out: expected labels a + b mod p, got {arm}"
        assert done.err.splitlines().count(line) == 1
    assert set(pd.read_parquet(tmp_path / "analyses" / f"{name}.parquet")["arm"]) - {"equal"} <= {"add"}
    left_out = json.loads((tmp_path / "analyses" / f"{name}.json").read_text())["left_out"]
    assert [(row["arm"], row["seed"]) for row in left_out] == [
        (arm, seed) for arm in ("mul", "x2_plus_y2", "sub") for seed in (0, 1)
    ]
    assert {row["columns"] for row in left_out} == {"all"}


@pytest.mark.parametrize("name", ["phases", "logits", "lottery"])
def test_a_run_without_any_such_network_is_one_line(name, operations, tmp_path):
    done = run_analysis(name, operations.path, "--arms", "mul", "--out", str(tmp_path))
    (line,) = done.err.splitlines()
    assert done.code == 1 and line == error_line(done.err)
    assert (
        f"no network that {name} can read: mul seed 0, mul seed 1: expected labels a + b mod p, got mul"
        in line
    )
    assert not list(tmp_path.glob("*/*"))


def test_columns_are_left_out_by_name(operations, tmp_path):
    done = run_analysis("stages", operations.path, "--out", str(tmp_path))
    assert done.code == 0, done.err
    assert "mul seed 0, mul seed 1: mean_abs_sin, mean_cos left out: expected labels a + b" in done.err
    assert "sub seed 0, sub seed 1: left out: expected a task of ordered pairs, got unordered" in done.err
    values = pd.read_parquet(tmp_path / "analyses" / "stages.parquet").groupby("arm")["mean_cos"].count()
    assert values["mul"] == values["x2_plus_y2"] == 0 < values["add"]


def test_python_measures_the_others(operations):
    measured = measure(open_run(operations), "phases", arms=["add", "mul"])
    assert set(measured.table["arm"]) == {"add"} and len(measured.summary["left_out"]) == 2


def test_the_gate_returns_networks_and_reasons(operations, capsys):
    run = open_run(operations)
    analysis = Analysis(name="x", answers="?", takes="-", cost="-", tables=(TABLE,), needs=("ordered pairs",))
    ready, left_out = admitted(analysis, list(run))
    assert {network.arm for network in ready} == {"add", "mul", "x2_plus_y2"}
    assert {entry.network for entry in left_out if not entry.columns} == {"sub seed 0", "sub seed 1"}
    assert {entry.arm for entry in left_out if entry.columns == ("b",)} == {"mul", "x2_plus_y2"}
    assert len(capsys.readouterr().err.splitlines()) == 3


def test_sums_are_known_by_their_labels():
    """Oracle: the labels of all pairs, one by one."""
    for name in OPERATIONS:
        for pairs in ("ordered", "unordered"):
            for model in ("embed_mlp", "transformer"):
                content = {"name": "x", "arms": {"dense": {}}, "model": {"name": model}}
                content["task"] = {"name": name, "p": P, "pairs": pairs}
                try:
                    setting = recipe_from_dict(content).setting("dense")
                except ConfigError:
                    continue  # a network that adds cannot learn it
                expected = {("add", pairs): (1, 1), ("sub", "ordered"): (1, -1)}
                if model == "transformer":
                    expected["sub", "unordered"] = (-1, 1)
                assert sum_signs(setting) == expected.get((name, pairs)), (name, pairs, model)


def test_all_pairs_are_counted():
    for pairs in ("ordered", "unordered"):
        assert is_of_all_pairs(ModularTask(p=P, pairs=pairs))
        assert not is_of_all_pairs(ModularTask(p=P, pairs=pairs, name="div"))


def test_an_unknown_split_leaves_out_what_is_over_training_pairs(operations, tmp_path):
    """The adopted network's loss over all pairs stays; that of invented test pairs was far too low."""
    from training.adopt import adopt_weights

    trained = open_run(operations)["add", 0]
    weights = {name: w[-1] for name, w in trained.weights().items()}
    path = tmp_path / "adopted"
    adopt_weights(weights, path, model="one_hot_mlp", p=P, overrides={"task.pairs": "ordered"})
    done = run_analysis("progress", path)
    assert done.code == 0, done.err
    assert "dense seed 0: train_loss, test_loss, excluded, excluded_own, memorised, " in done.err
    (row,) = pd.read_parquet(path / "analyses" / "progress.parquet").to_dict("records")
    assert np.isnan([row[name] for name in ("train_loss", "test_loss", "excluded", "excluded_own")]).all()
    theirs = measure(open_run(operations), "progress", arms=["add"], jobs=1).table
    (expected,) = theirs.query("seed == 0 and step == 40").to_dict("records")
    for name in ("all_loss", "restricted_sum2", "trig_loss"):
        assert row[name] == pytest.approx(expected[name])
    assert "expected known training pairs, got adopted weights" in error_line(
        run_analysis("stages", path).err
    )
    assert run_analysis("fourier", path).code == run_analysis("phases", path).code == 0
