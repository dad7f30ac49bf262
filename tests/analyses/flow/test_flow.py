"""Tests of `analyses.flow`: flows, parts of the difference, refusals."""

import json
import shutil

import numpy as np
import pytest
from builders import run_analysis, saved_tables
from safetensors.numpy import load_file, save_file

from analyses.flow.schema import ANALYSIS, DEVIATIONS, INVARIANTS, NETWORKS, NEURONS
from analyses.tables.origin import read_origin
from training.runs.run_directory import RunDir

P = 11


def tables_of(run, out, *arguments):
    printed = run_analysis("flow", run, "--out", str(out), *arguments)
    assert printed.code == 0, printed.err
    return saved_tables(out, ANALYSIS) | {"printed": printed}


@pytest.fixture(scope="module")
def tables(square_run, tmp_path_factory):
    return tables_of(square_run, tmp_path_factory.mktemp("flow"))


def of(table, contrast, step=None, seed=0):
    rows = table[(table["contrast"] == contrast) & (table["seed"] == seed)].set_index("step")
    return rows if step is None else rows.loc[step]


def waves(run, seed, place):
    """Return u and v of every neuron at its frequency, by sums."""
    weights = RunDir(run).arm("dense", seed).checkpoints()
    wave = np.exp(-2j * np.pi * np.outer(np.arange(P), np.arange(1, P // 2 + 1)) / P) * 2 / P
    k = np.abs(weights["W_in"][0].T.astype(float) @ wave).argmax(axis=1)
    u, v = (weights[name][place].astype(float) for name in ("W_in", "W_out"))
    return [(x @ wave)[np.arange(len(k)), k] for x in (u.T, v)]


def euler(u, v, lrs, parts=100):
    """Return the decoupled flow, by many small steps per update."""
    for lr in np.repeat(lrs, parts) / parts:
        u, v = u + lr * 2 * np.conj(u) * v / P, v + lr * u * u / P
    return u, v


def test_the_flow_runs_for_the_sum_of_the_learning_rates(tables, square_run):
    lrs = np.minimum(np.arange(100) / 10, 1) * 0.1  # warm-up over 10 steps
    u, v = euler(*waves(square_run, 1, 0), lrs)
    neurons = tables[NEURONS].query("seed == 1 and step == 100")
    np.testing.assert_allclose(neurons["flow_input_amplitude"], np.abs(u), rtol=1e-5)
    np.testing.assert_allclose(neurons["flow_output_amplitude"], np.abs(v), rtol=1e-5)
    np.testing.assert_allclose(neurons["flow_D"], np.angle(u * u * np.conj(v)), atol=1e-4)


def test_differences_are_medians_and_maxima_over_neurons(tables, square_run):
    u, v = waves(square_run, 0, 2)
    neurons = tables[NEURONS].query("seed == 0 and step == 100")
    np.testing.assert_allclose(neurons["input_amplitude"], np.abs(u), rtol=1e-9)
    np.testing.assert_allclose(neurons["D"], np.angle(u * u * np.conj(v)), atol=1e-9)
    row = of(tables[DEVIATIONS], "flow", 100)
    error = np.abs(neurons["input_amplitude"] - neurons["flow_input_amplitude"])
    assert row["input_amplitude_median"] == pytest.approx(error.median())
    assert row["input_amplitude_max"] == pytest.approx(error.max())
    start = (
        tables[DEVIATIONS].query("step == 0").drop(columns=["arm", "arm_role", "seed", "step", "contrast"])
    )
    assert start.to_numpy().max() < 1e-12


def test_differences_by_softmax_and_steps_add_up_to_the_total(tables):
    total, *parts = (of(tables[DEVIATIONS], name) for name in ("flow", "softmax", "steps"))
    for name in ("input_amplitude_max", "output_amplitude_max", "D_max"):
        assert (total[name] <= sum(part[name] for part in parts) + 1e-12).all()
    assert total["D_max"].iloc[-1] > 1e-4


def test_ten_times_smaller_steps_leave_a_tenth_of_the_steps_part(single_frequency_run, tmp_path):
    large = single_frequency_run("square", steps=100, warmup_steps=0)
    small = single_frequency_run("square", steps=1000, lr=0.01, warmup_steps=0)
    coarse = tables_of(large, tmp_path / "a")[DEVIATIONS].query("step == 100")
    fine = tables_of(small, tmp_path / "b")[DEVIATIONS].query("step == 1000")
    for name, number, ratio, rtol in (
        ("softmax", "input_amplitude_max", 1, 1e-3),
        ("softmax", "D_max", 1, 1e-3),
        ("steps", "input_amplitude_max", 10, 0.05),
        ("steps", "D_max", 10, 0.3),  # float32 weighs in
    ):
        a, b = (rows[rows["contrast"] == name][number].to_numpy() for rows in (coarse, fine))
        np.testing.assert_allclose(a / b, ratio, rtol=rtol)
    assert coarse[coarse["contrast"] == "warm_up"]["D_max"].max() < 1e-9  # there is none


def test_warm_up_shifts_the_clock(tables):
    """Warm-up delays the flow by 5.5 steps at a rate of 0.1."""
    neurons = tables[NEURONS].query("seed == 0 and step == 0")
    alpha, beta, D = (neurons[name].to_numpy() for name in ("input_amplitude", "output_amplitude", "D"))
    rate = (4 * beta + alpha**2 / beta) * np.abs(np.sin(D)) / P
    assert of(tables[DEVIATIONS], "warm_up", 50)["D_max"] == pytest.approx((0.55 * rate).max(), rel=0.05)


def test_invariants_are_constant_in_the_flow_but_not_in_training(tables):
    last = tables[INVARIANTS].query("step == 300").groupby("course")[["difference_max", "product_max"]].max()
    assert (last.loc["flow"] < 2e-7).all() and (last.loc["trained"] > 1e-5).all()


def test_a_flow_that_blows_up_has_a_blow_up_step_and_ends_there(single_frequency_run, tmp_path):
    run = single_frequency_run("square", steps=800, init_scale=0.1, warmup_steps=0)
    tables = tables_of(run, tmp_path)
    out, err = tables["printed"].out, tables["printed"].err
    assert "arning" not in err and max(map(len, out.splitlines())) <= 100
    network = tables[NETWORKS].set_index("seed").loc[0]
    assert network["blowup_step"] == pytest.approx(network["blowup_time"] / 0.1)
    rows = of(tables[DEVIATIONS], "flow")
    assert 300 < network["blowup_step"] < 800
    ended = rows["D_max"].isna()
    assert (rows.index[ended] > network["blowup_step"]).all() and ended.any()
    assert (rows.index[~ended] <= network["blowup_step"]).all()
    assert f"{network['blowup_step']:,.0f}" in out and "2 of 2 networks reach this by step 800" in out
    assert json.loads((tmp_path / "analyses" / "flow.json").read_text())["networks"][0]["seed"] == 0


def test_the_conclusion_names_the_larger_part(tables):
    largest = tables[DEVIATIONS].groupby("contrast")["D_median"].max()
    softmax, steps = largest["softmax"], largest["steps"]
    label = "softmax not uniform" if softmax > steps else "finite steps, float32"
    text = " ".join(tables["printed"].out.split())
    assert f"larger part in D is {label} ({max(softmax, steps):.1e} rad)" in text


def test_until_limits_the_steps(square_run, tmp_path):
    assert tables_of(square_run, tmp_path, "--until", "120")[DEVIATIONS]["step"].max() == 100
    assert read_origin(tmp_path / "analyses" / "flow.parquet").arguments == {"until": 120}
    printed = run_analysis("flow", square_run, "--out", str(tmp_path), "--until", "49")
    assert (printed.code, printed.err) == (2, "error: --until: expected a step from 50, got 49\n")


def test_networks_that_train_otherwise_are_refused(tiny_run, relu_run, single_frequency_run, tmp_path):
    by_adamw = single_frequency_run("square", steps=50, name="adamw")
    decayed = single_frequency_run("square", steps=50, weight_decay=0.1)
    for run, expected in (
        (tiny_run, "expected a one_hot_mlp.square network, got embed_mlp"),
        (relu_run, "expected a one_hot_mlp.square network, got one_hot_mlp.relu"),
        (by_adamw, "expected gradient descent without weight decay, got adamw"),
        (decayed, "got sgd with weight decay 0.1"),
    ):
        printed = run_analysis("flow", run, "--out", str(tmp_path))
        (line,) = printed.err.splitlines()
        assert printed.code == 1 and expected in line and "--arms chooses other networks" in line
    assert not list(tmp_path.iterdir())


def test_a_pruned_network_is_refused(square_run, trained_run, tmp_path):
    config = RunDir(square_run).config()
    content = {key: config[key] for key in ("task", "model", "optimizer", "measure")}
    arms = {"dense": {"max_steps": 50}, "random": {"method": "random", "max_steps": 50}}
    run = trained_run(content | {"name": "pruned", "seeds": [0], "arms": arms}).path
    printed = run_analysis("flow", run, "--out", str(tmp_path), "--arms", "random")
    assert printed.code == 1 and "expected a dense network, got a pruned one" in printed.err
    assert run_analysis("flow", run, "--out", str(tmp_path), "--arms", "dense").code == 0


def test_a_single_checkpoint_is_refused(square_run, tmp_path):
    run = shutil.copytree(square_run, tmp_path / "run")
    (run / "provenance.json").unlink()  # weights from elsewhere need no DONE
    for path in run.glob("arms/dense/*/checkpoints.safetensors"):
        save_file({name: stacked[:1] for name, stacked in load_file(path).items()}, path)
        (path.parent / "DONE").unlink()
    printed = run_analysis("flow", run)
    (line,) = printed.err.splitlines()
    assert printed.code == 1 and "expected at least two checkpoints, got one" in line
