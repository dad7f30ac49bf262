"""Trained networks against flows: what is compared, where a difference comes from, what is refused."""

import json

import numpy as np
import pandas as pd
import pytest

from analyses.flow.command import main
from training.runs.run_directory import RunDir

P = 11


def tables(run, out, *more):
    assert main(["--run", str(run), "--out", str(out), "--no-plot", *more]) == 0
    names = ("", "_invariants", "_neurons", "_networks")
    return {name: pd.read_parquet(out / "analyses" / f"flow{name}.parquet") for name in names}


@pytest.fixture(scope="module")
def found(square_run, tmp_path_factory):
    return tables(square_run, tmp_path_factory.mktemp("flow"))


def of(table, contrast, step=None, seed=0):
    own = table[(table["contrast"] == contrast) & (table["seed"] == seed)].set_index("step")
    return own if step is None else own.loc[step]


def waves(run, seed, place):
    """u and v of every neuron at its frequency, by sums over residues."""
    weights = RunDir(run).arm("dense", seed).checkpoints()
    wave = np.exp(-2j * np.pi * np.outer(np.arange(P), np.arange(1, P // 2 + 1)) / P) * 2 / P
    k = np.abs(weights["W_in"][0].T.astype(float) @ wave).argmax(axis=1)
    u, v = (weights[name][place].astype(float) for name in ("W_in", "W_out"))
    return [(x @ wave)[np.arange(len(k)), k] for x in (u.T, v)]


def euler(u, v, lrs, parts=100):
    """The decoupled flow of the mean loss, every update in many small steps."""
    for lr in np.repeat(lrs, parts) / parts:
        u, v = u + lr * 2 * np.conj(u) * v / P, v + lr * u * u / P
    return u, v


def test_the_flow_runs_for_the_sum_of_the_learning_rates(found, square_run):
    lrs = np.minimum(np.arange(100) / 10, 1) * 0.1  # warm-up over 10 steps
    u, v = euler(*waves(square_run, 1, 0), lrs)
    own = found["_neurons"].query("seed == 1 and step == 100")
    np.testing.assert_allclose(own["flow_input_amplitude"], np.abs(u), rtol=1e-5)
    np.testing.assert_allclose(own["flow_output_amplitude"], np.abs(v), rtol=1e-5)
    np.testing.assert_allclose(own["flow_D"], np.angle(u * u * np.conj(v)), atol=1e-4)


def test_differences_are_of_the_neurons(found, square_run):
    u, v = waves(square_run, 0, 2)
    own = found["_neurons"].query("seed == 0 and step == 100")
    np.testing.assert_allclose(own["input_amplitude"], np.abs(u), rtol=1e-9)
    np.testing.assert_allclose(own["D"], np.angle(u * u * np.conj(v)), atol=1e-9)
    row = of(found[""], "flow", 100)
    error = np.abs(own["input_amplitude"] - own["flow_input_amplitude"])
    assert row["input_amplitude_median"] == pytest.approx(error.median())
    assert row["input_amplitude_max"] == pytest.approx(error.max())
    start = found[""].query("step == 0").drop(columns=["arm", "seed", "step", "contrast"])
    assert start.to_numpy().max() < 1e-12


def test_softmax_and_steps_make_up_the_whole(found):
    whole, *parts = (of(found[""], name) for name in ("flow", "softmax", "steps"))
    for name in ("input_amplitude_max", "output_amplitude_max", "D_max"):
        assert (whole[name] <= sum(part[name] for part in parts) + 1e-12).all()
    assert whole["D_max"].iloc[-1] > 1e-4


def test_ten_times_smaller_steps_leave_the_softmax_and_a_tenth_of_the_rest(single_frequency_run, tmp_path):
    large = single_frequency_run("square", steps=100, warmup_steps=0)
    small = single_frequency_run("square", steps=1000, lr=0.01, warmup_steps=0)
    coarse = tables(large, tmp_path / "a")[""].query("step == 100")
    fine = tables(small, tmp_path / "b")[""].query("step == 1000")
    for name, number, ratio, rtol in (
        ("softmax", "input_amplitude_max", 1, 1e-3),
        ("softmax", "D_max", 1, 1e-3),
        ("steps", "input_amplitude_max", 10, 0.05),
        ("steps", "D_max", 10, 0.3),  # float32 weighs in
    ):
        a, b = (own[own["contrast"] == name][number].to_numpy() for own in (coarse, fine))
        np.testing.assert_allclose(a / b, ratio, rtol=rtol)
    assert coarse[coarse["contrast"] == "warm_up"]["D_max"].max() < 1e-9  # there is none


def test_warm_up_shifts_the_clock(found):
    """5.5 steps of 0.1: D moves at the rate of the flow."""
    own = found["_neurons"].query("seed == 0 and step == 0")
    alpha, beta, D = (own[name].to_numpy() for name in ("input_amplitude", "output_amplitude", "D"))
    rate = (4 * beta + alpha**2 / beta) * np.abs(np.sin(D)) / P
    assert of(found[""], "warm_up", 50)["D_max"] == pytest.approx((0.55 * rate).max(), rel=0.05)


def test_invariants_stay_in_the_flow_and_not_in_the_training(found):
    last = (
        found["_invariants"].query("step == 300").groupby("course")[["difference_max", "product_max"]].max()
    )
    assert (last.loc["flow"] < 2e-7).all() and (last.loc["trained"] > 1e-5).all()


def test_a_flow_that_blows_up_says_when_and_is_followed_no_further(single_frequency_run, tmp_path, capsys):
    run = single_frequency_run("square", steps=800, init_scale=0.1, warmup_steps=0)
    own = tables(run, tmp_path)
    out, err = capsys.readouterr()
    assert "arning" not in err and max(map(len, out.splitlines())) <= 100
    network = own["_networks"].set_index("seed").loc[0]
    assert network["blowup_step"] == pytest.approx(network["blowup_time"] / 0.1)
    rows = of(own[""], "flow")
    assert 300 < network["blowup_step"] < 800
    ended = rows["D_max"].isna()
    assert (rows.index[ended] > network["blowup_step"]).all() and ended.any()
    assert (rows.index[~ended] <= network["blowup_step"]).all()
    assert f"{network['blowup_step']:,.0f}" in out
    assert json.loads((tmp_path / "analyses" / "flow.json").read_text())["networks"][0]["seed"] == 0


def test_only_to_the_step_asked_for(square_run, tmp_path, capsys):
    assert tables(square_run, tmp_path, "--until", "120")[""]["step"].max() == 100
    capsys.readouterr()
    assert main(["--run", str(square_run), "--out", str(tmp_path), "--until", "49"]) == 2
    assert capsys.readouterr().err == "error: --until: expected a step from 50, got 49\n"


def test_networks_that_the_flow_is_not_about(tiny_run, relu_run, single_frequency_run, tmp_path, capsys):
    by_adamw = single_frequency_run("square", steps=50, name="adamw")
    decayed = single_frequency_run("square", steps=50, weight_decay=0.1)
    for run, expected in (
        (tiny_run, "expected a one_hot_mlp with activation square, and this one is embed_mlp"),
        (relu_run, "expected a one_hot_mlp with activation square, and this one is one_hot_mlp.relu"),
        (by_adamw, "expected gradient descent without weight decay, and this one is by adamw"),
        (decayed, "and this one is by sgd with weight decay 0.1"),
    ):
        assert main(["--run", str(run), "--out", str(tmp_path)]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert expected in line
    assert not list(tmp_path.iterdir())
