"""Tests of `analyses.lottery`: planted winners, simulated neurons, wrong usage."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from builders import saved_tables

from analyses.lottery.command import main
from analyses.lottery.schema import ANALYSIS, EQUAL, NEURONS, RACE, RULES, TIMES
from analyses.lottery.summary import summarise
from analyses.lottery.tables import simulated_tables
from interp.dynamics.frequency_lottery import LOTTERY_RULES, match_frequencies
from training.runs.run_directory import RunDir

SIMULATION = {"p": 11, "neurons": 60, "seed": 0, "init_scale": 0.1, "growth": 20.0}
SIMULATE = ["--simulate", "--p", "11", "--neurons", "60", "--no-plot"]


@pytest.fixture(scope="module")
def tables(analysed):
    return analysed.tables(*ANALYSIS)


@pytest.fixture(scope="module")
def simulated_run(tmp_path_factory):
    out = tmp_path_factory.mktemp("simulated")
    assert main([*SIMULATE, "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def simulated(simulated_run):
    return saved_tables(simulated_run, ANALYSIS)


def of_dense(table):
    return table[(table["arm"] == "dense") & (table["seed"] == 0)]


def transforms(weights, place, p):
    """Return both maps' amplitudes at one checkpoint, by sums."""
    w = {name: x[place].astype(float) for name, x in weights.items()}
    wave = np.exp(-2j * np.pi * np.outer(np.arange(p), np.arange(1, p // 2 + 1)) / p) * 2 / p
    return (w["W_E"] @ w["W_in"]).T @ wave, (w["W_out"] @ w["W_U"]) @ wave


# a run


def test_planted_winners_are_compared_with_the_predictions(tables, tiny_run, planted):
    u, v = transforms(RunDir(tiny_run).arm("dense", 0).checkpoints(), 0, planted["p"])
    neurons = of_dense(tables[NEURONS])
    assert neurons["final_frequency"].tolist() == [*planted["frequency"], 0]
    assert neurons["max_magnitude"].tolist() == (np.abs(u).argmax(axis=1) + 1).tolist()
    product = (u * u * np.conj(v)).real
    assert neurons["max_aligned_product"].tolist() == (product.argmax(axis=1) + 1).tolist()
    for rule in LOTTERY_RULES:
        row = of_dense(tables[RULES]).set_index("rule").loc[rule]
        hits = (neurons[rule][:5].to_numpy() == planted["frequency"]).sum()
        assert (row["n"], row["hits"], row["share"]) == (5, hits, hits / 5)
        assert row["chance"] == 1 / 5


def test_grown_neurons_are_counted_apart(tiny_run, tmp_path, planted, tables):
    weights = RunDir(tiny_run).arm("dense", 0).checkpoints()
    norms = [
        np.sqrt(sum((np.abs(z) ** 2).sum(axis=1) for z in transforms(weights, place, planted["p"])))
        for place in (0, -1)
    ]
    growth = (norms[1] / norms[0])[:5]
    neurons = of_dense(tables[NEURONS])
    np.testing.assert_allclose(neurons["growth"], [*growth, 0], rtol=1e-5)
    between = float(np.sort(growth)[1:3].mean())
    assert main(["--run", str(tiny_run), "--out", str(tmp_path), "--no-plot", "--growth", str(between)]) == 0
    row = of_dense(saved_tables(tmp_path, ANALYSIS)[RULES]).iloc[0]
    grown = growth >= between
    assert row["n_grown"] == 3 and row["n"] == 5
    assert row["hits_grown"] == (neurons["min_abs_misalignment"][:5] == planted["frequency"])[grown].sum()


def test_the_followed_neuron_is_the_one_that_grew_most(tables, tiny_run, planted):
    race, neurons = tables[RACE], of_dense(tables[NEURONS])
    assert set(race["arm"]) == {"dense"} and set(race["seed"]) == {0}
    neuron = int(neurons["growth"].argmax())
    assert set(race["neuron"]) == {neuron}
    assert sorted(set(race["time"])) == planted["steps"]["dense"]
    assert set(race.loc[race["final"], "frequency"]) == {planted["frequency"][neuron]}
    end = race[race["final"]].iloc[-1]
    assert end["input_amplitude"] == pytest.approx(planted["amplitude"][neuron], rel=1e-5)
    assert end["D"] == pytest.approx(planted["D"][neuron], abs=1e-5)


def test_roles_of_trained_and_of_simulated_neurons(tables, simulated):
    for table in (RULES, NEURONS):
        roles = dict(zip(tables[table]["arm"], tables[table]["arm_role"], strict=True))
        assert roles == {"dense": "dense", "grokked_ticket": "ticket", "random": "control"}
    for table in (RULES, NEURONS, RACE):
        assert set(simulated[table]["arm_role"]) == {"simulated"}
    assert set(tables[EQUAL]["arm_role"]) == {"simulated"}


def test_a_single_checkpoint_has_no_growth_and_no_verdict(tiny_run, tmp_path, capfd):
    assert main(["--run", str(tiny_run), "--out", str(tmp_path), "--steps", "8000", "--arms", "dense"]) == 0
    assert (saved_tables(tmp_path, ANALYSIS)[RULES]["n_grown"] == 0).all()
    printed = capfd.readouterr().out
    assert " 0 of 10 " in printed and "dense: no neuron grew" in printed


# simulated


def test_the_earliest_blow_up_wins_and_the_smallest_misalignment_rarely_does(simulated):
    rules, neurons = simulated[RULES].set_index("rule"), simulated[NEURONS]
    assert rules.loc["min_blowup_time", "share_grown"] == 1
    assert rules.loc["min_abs_misalignment", "high"] < rules.loc["max_aligned_product", "low"]
    assert neurons["grown"].all() and neurons["growth"].between(19.7, 20).all()
    for rule in LOTTERY_RULES:
        match = match_frequencies(neurons[rule].to_numpy(), neurons["final_frequency"].to_numpy(), 5)
        assert rules.loc[rule, ["share_grown", "low", "high"]].tolist() == [
            match.share,
            match.low,
            match.high,
        ]


def test_the_drawn_neuron_runs_up_to_its_blow_up(simulated):
    race, neuron = simulated[RACE], simulated[NEURONS].iloc[0]
    assert race["time"].max() == pytest.approx(0.99 * neuron["blowup_time"])
    assert set(race.loc[race["final"], "frequency"]) == {neuron["final_frequency"]}
    assert set(race["frequency"]) == {1, 2, 3, 4, 5}
    assert (simulated[TIMES]["blowup_time"] > 0).all()


def test_from_equal_amplitudes_the_smallest_misalignment_wins(simulated, tables):
    for of_one_command in (simulated, tables):
        equal = of_one_command[EQUAL].set_index("rule")
        assert (equal["n_grown"] == 512).all()
        assert (equal.loc[["min_abs_misalignment", "min_blowup_time"], "share_grown"] == 1).all()
        assert equal.loc["max_magnitude", "share_grown"] < 0.3  # of equal ones, the first


def test_neurons_depend_on_the_seed_alone(simulated):
    again, other = (simulated_tables(**SIMULATION | {"seed": seed})[NEURONS] for seed in (0, 1))
    pd.testing.assert_frame_equal(again, simulated[NEURONS], check_dtype=False)
    assert (other["final_frequency"] != simulated[NEURONS]["final_frequency"]).any()


def test_smaller_weights_take_longer_and_have_equal_winners(simulated):
    small, usual = simulated_tables(**SIMULATION | {"init_scale": 0.01})[NEURONS], simulated[NEURONS]
    np.testing.assert_allclose(small["blowup_time"], 10 * usual["blowup_time"], rtol=1e-9)
    assert small["final_frequency"].tolist() == usual["final_frequency"].tolist()


def test_without_a_folder_only_the_summary_is_printed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([*SIMULATE, "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["simulated"] == {"p": 11, "neurons": 60, "seed": 0, "init_scale": 0.1}
    assert "--out names a folder" in err and not list(tmp_path.iterdir())


def test_a_simulation_is_drawn(simulated_run):
    from figures.__main__ import main as draw

    assert draw(["lottery", "--run", str(simulated_run)]) == 0
    drawn = pd.read_csv(simulated_run / "figures" / "lottery.csv")
    assert set(drawn["panel"]) == {"input_amplitude", "D", "times", "agreement"}
    assert "flow n = 1" in (simulated_run / "figures" / "lottery.txt").read_text()


# what is printed


def test_the_printed_conclusion_names_the_best_rule_of_dense_network_and_ticket(tables):
    summary, printed = summarise(tables, 2.0)
    text = printed[0].text(verbose=True)
    assert max(map(len, text.splitlines())) <= 100
    for arm, label in (("dense", "dense"), ("grokked_ticket", "grokked ticket")):
        rows = [row for row in summary["rules"] if row["arm"] == arm]
        best = max(row["share_grown"] for row in rows)
        assert f"{label}: the " in text and f"right most often, for {best:.3f} of" in " ".join(text.split())
    assert len(printed[0].rows[0]) <= 7 and "misalignment of" in text


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "expected --run DIR or --simulate"),
        (["--p", "11"], "--p: expected together with --simulate"),
        (["--simulate", "--run", "x"], "--simulate: expected without --run"),
        (["--simulate", "--p", "10"], "--p: expected an odd number from 3, got 10"),
        (["--simulate", "--init-scale", "0"], "expected a number above 0, got '0'"),
        (["--simulate", "--growth", "inf"], "expected a number above 1, got 'inf'"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments, expected, capsys):
    try:
        code = main(arguments)
    except SystemExit as stop:
        code = stop.code
    (line,) = capsys.readouterr().err.splitlines()
    assert code == 2 and expected in line


def test_simulating_imports_neither_torch_nor_matplotlib():
    code = f"""
import sys
from analyses.lottery.command import main
assert main({SIMULATE!r}) == 0
assert "torch" not in sys.modules and "matplotlib" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
