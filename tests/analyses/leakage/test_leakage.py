"""Harmonics of trained ReLU neurons against sums over residues, theory, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from analyses.leakage.command import main
from analyses.leakage.schema import ANALYSIS, EXAMPLE, IDEAL, SHARES, START
from analyses.tables.storage import load_table
from interp.dynamics.harmonic_leakage import relu_leakage, relu_leakage_limit
from training.runs.run_directory import RunDir

P = 11


@pytest.fixture(scope="module")
def tables(relu_run, tmp_path_factory):
    out = tmp_path_factory.mktemp("leakage")
    assert main(["--run", str(relu_run), "--out", str(out), "--no-plot"]) == 0
    return {table: load_table(out / "analyses" / f"{table.name}.parquet", table) for table in ANALYSIS}


def amplitude(row, k):
    """Amplitude of a row over residues at frequency k."""
    return abs((row * np.exp(-2j * np.pi * k * np.arange(P) / P)).sum() * 2 / P)


def test_amplitudes_of_the_example_by_sums(tables, relu_run):
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


def test_every_neuron_starts_as_an_ideal_one(tables):
    start = tables[START]
    assert np.abs(start["gradient"] - start["ideal"]).max() < 2e-3  # logits are small, not zero
    assert start["ideal"].std() > 0.1
    aligned = start[start["D"].abs() < 0.1]
    limit = relu_leakage_limit(3)[0][2]
    assert np.abs(aligned.query("map == 'input' and harmonic == 3")["gradient"] - limit).max() < 0.1


def test_growth_is_the_gradient_and_weights_follow(tables):
    """In 50 steps at a small rate weights move along the gradient of the start."""
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


def test_frequencies_without_harmonics_of_their_own_are_left_out(single_frequency_run, tmp_path):
    run = single_frequency_run("relu", steps=50, init_scale=0.01, p=9)
    assert main(["--run", str(run), "--out", str(tmp_path), "--no-plot"]) == 0
    start = pd.read_parquet(tmp_path / "analyses" / "leakage_start.parquet").query("seed == 0")
    theta = RunDir(run).arm("dense", 0).checkpoints()["W_in"][0].T
    k = np.abs(np.fft.rfft(theta))[:, 1:].argmax(axis=1) + 1
    assert sorted(set(start["neuron"])) == np.flatnonzero(k != 3).tolist() and (k == 3).any()
    assert np.abs(start["gradient"] - start["ideal"]).max() < 2e-3


def test_the_ideal_neurons_worst_harmonic(tables):
    ideal = tables[IDEAL].set_index(["p", "map"])
    assert (ideal.loc[97:, "error"] <= 2e-3).all() and (ideal.loc[:23, "error"] > 2e-3).all()
    K = 5
    phases = np.linspace(0, np.pi, 32, endpoint=False)
    exact = np.array([relu_leakage(11, K, phase=float(phi))[0] for phi in phases])
    error = np.abs(exact - relu_leakage_limit(K)[0]).max(axis=0)
    assert ideal.loc[(11, "input"), "error"] == pytest.approx(error.max())
    assert ideal.loc[(11, "input"), "harmonic"] == error.argmax() + 1


def test_the_summary_is_readable(relu_run, tmp_path, capsys):
    assert main(["--run", str(relu_run), "--out", str(tmp_path), "--no-plot"]) == 0
    out, err = capsys.readouterr()
    assert max(map(len, out.splitlines())) <= 100 and "arning" not in err


def test_networks_that_it_is_not_about(tiny_run, square_run, tmp_path, capsys):
    for run, got in ((tiny_run, "embed_mlp with init normal"), (square_run, "one_hot_mlp.square with init")):
        assert main(["--run", str(run), "--out", str(tmp_path)]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert f"expected a one_hot_mlp.relu with init single_frequency, and this one is {got}" in line
