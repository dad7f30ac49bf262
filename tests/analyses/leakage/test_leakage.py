"""Tests of `analyses.leakage`: harmonics by sums over residues, theory, refusals."""

import json

import numpy as np
import pytest
from builders import run_analysis, saved_tables

from analyses.leakage.schema import ANALYSIS, EXAMPLE, IDEAL, SHARES, START
from analyses.leakage.summary import summarise
from interp.dynamics.harmonic_leakage import relu_leakage, relu_leakage_limit
from training.runs.run_directory import RunDir

P = 11


@pytest.fixture(scope="module")
def out(relu_run, tmp_path_factory):
    """Return the folder of the tables, with the printed text in `printed.txt`."""
    folder = tmp_path_factory.mktemp("leakage")
    printed = run_analysis("leakage", relu_run, "--out", str(folder))
    assert printed.code == 0 and "arning" not in printed.err
    (folder / "printed.txt").write_text(printed.out)
    return folder


@pytest.fixture(scope="module")
def tables(out):
    return saved_tables(out, ANALYSIS)


def amplitude(row, k):
    """Return the amplitude of a row over residues at frequency k."""
    return abs((row * np.exp(-2j * np.pi * k * np.arange(P) / P)).sum() * 2 / P)


def test_amplitudes_of_the_example_equal_sums(tables, relu_run):
    weights = RunDir(relu_run).arm("dense", 0).checkpoints()
    example = tables[EXAMPLE].query("seed == 0")
    neuron = example["neuron"].iloc[0]
    rows = {"input": weights["W_in"][:, :, neuron], "output": weights["W_out"][:, neuron]}
    start = rows["input"][0].astype(float)
    k = max(range(1, 6), key=lambda k: amplitude(start, k))
    for name, stacked in rows.items():
        for place, step in ((0, 0), (-1, 300)):
            rows_here = example[(example["map"] == name) & (example["step"] == step)]
            amplitudes = rows_here.set_index("harmonic")["amplitude"]
            for r in range(1, 6):
                expected = amplitude(stacked[place].astype(float), r * k % P)
                assert amplitudes[r] == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_the_example_is_the_best_aligned(tables):
    for seed in (0, 1):
        start, example = (tables[t][tables[t]["seed"] == seed] for t in (START, EXAMPLE))
        neuron = example["neuron"].iloc[0]
        D = start.drop_duplicates("neuron").set_index("neuron")["D"].abs()
        assert D.idxmin() == neuron


def test_gradients_at_the_start_equal_those_of_ideal_neurons(tables):
    start = tables[START]
    assert np.abs(start["gradient"] - start["ideal"]).max() < 2e-3  # logits are small, not zero
    assert start["ideal"].std() > 0.1
    aligned = start[start["D"].abs() < 0.1]
    limit = relu_leakage_limit(3)[0][2]
    assert np.abs(aligned.query("map == 'input' and harmonic == 3")["gradient"] - limit).max() < 0.1


def test_growth_of_harmonics_follows_their_gradient(tables):
    """In 50 steps at a small rate, weights follow the first gradient."""
    table = tables[SHARES].set_index(["seed", "map", "step", "harmonic"])
    for seed in (0, 1):
        for name, r in (("input", 3), ("output", 2)):
            gradient, growth = (
                table.loc[(seed, name, 0, r), "gradient"],
                table.loc[(seed, name, 50, r), "growth"],
            )
            assert growth == pytest.approx(gradient, rel=0.05)
            weights = [table.loc[(seed, name, step, r), "weights"] for step in (0, 50, 300)]
            assert weights[0] < 1e-6 < weights[1] < weights[2]
    assert (table["growth"].isna() == (table.index.get_level_values("step") == 0)).all()
    first = table.query("harmonic == 1 and step > 0")
    assert (first[["gradient", "growth", "weights"]] == 1).all(axis=None)


def test_frequencies_whose_harmonics_coincide_are_left_out(single_frequency_run, tmp_path):
    run = single_frequency_run("relu", steps=50, init_scale=0.01, p=9)
    assert run_analysis("leakage", run, "--out", str(tmp_path)).code == 0
    start = saved_tables(tmp_path, [START])[START].query("seed == 0")
    theta = RunDir(run).arm("dense", 0).checkpoints()["W_in"][0].T
    k = np.abs(np.fft.rfft(theta))[:, 1:].argmax(axis=1) + 1
    assert sorted(set(start["neuron"])) == np.flatnonzero(k != 3).tolist() and (k == 3).any()
    assert np.abs(start["gradient"] - start["ideal"]).max() < 2e-3


def test_the_largest_error_of_the_ideal_neuron(tables):
    ideal = tables[IDEAL].set_index(["p", "map"])
    assert (ideal.loc[97:, "error"] <= 2e-3).all() and (ideal.loc[:23, "error"] > 2e-3).all()
    K = 5
    phases = np.linspace(0, np.pi, 32, endpoint=False)
    exact = np.array([relu_leakage(11, K, phase=float(phi))[0] for phi in phases])
    error = np.abs(exact - relu_leakage_limit(K)[0]).max(axis=0)
    assert ideal.loc[(11, "input"), "error"] == pytest.approx(error.max())
    assert ideal.loc[(11, "input"), "harmonic"] == error.argmax() + 1


def test_the_printed_tables_are_short_and_conclude(out):
    printed = (out / "printed.txt").read_text()
    summary = json.loads((out / "analyses" / "leakage.json").read_text())
    assert max(map(len, printed.splitlines())) <= 100
    worst = max(abs(row["gradient_first"] - row["limit"]) for row in summary["ratios"])
    assert f"The gradient at the start is within {worst:.3f} of the limit" in printed
    assert "within 0.002 of the limit from p = 97 on" in " ".join(printed.split())


def test_an_ideal_neuron_that_is_far_from_the_limit_everywhere_is_reported(tables):
    far = tables | {IDEAL: tables[IDEAL].assign(error=1.0)}
    _, printed = summarise(far)
    assert "at none of these p" in printed[1].conclusion


def test_networks_without_single_frequencies_are_refused(tiny_run, square_run, tmp_path):
    for run, actual in (
        (tiny_run, "embed_mlp with init normal"),
        (square_run, "one_hot_mlp.square with init"),
    ):
        printed = run_analysis("leakage", run, "--out", str(tmp_path))
        (line,) = printed.err.splitlines()
        assert printed.code == 1 and "--arms chooses other networks" in line
        assert f"expected a one_hot_mlp.relu network with init single_frequency, got {actual}" in line


def test_a_pruned_network_is_refused(relu_run, trained_run, tmp_path):
    config = RunDir(relu_run).config()
    content = {key: config[key] for key in ("task", "model", "optimizer", "measure")}
    arms = {"random": {"method": "random", "max_steps": 50}}
    run = trained_run(content | {"name": "pruned", "seeds": [0], "arms": arms}).path
    printed = run_analysis("leakage", run, "--out", str(tmp_path))
    assert printed.code == 1 and "expected a dense network, got a pruned one" in printed.err
