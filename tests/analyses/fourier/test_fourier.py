import json

import numpy as np
import pandas as pd
import pytest

from analyses.fourier.command import main
from analyses.fourier.schema import (
    ANALYSIS,
    INPUT_WEIGHTS,
    KEY_FREQUENCIES,
    MEANS,
    NEURONS,
    PAIRS,
    SPECTRA,
)
from training.runs.run_directory import RunDir


@pytest.fixture(scope="module")
def measured(analysed):
    return analysed.measured(ANALYSIS)


def at_end(table, arm="dense", seed=0):
    of_network = table[(table["arm"] == arm) & (table["seed"] == seed)]
    return of_network[of_network["step"] == of_network["step"].max()]


@pytest.mark.parametrize("arm", ["dense", "grokked_ticket"])
def test_planted_cosines_come_back(measured, planted, arm):
    neurons = at_end(measured[NEURONS], arm)
    for name, phase in (("input", "phi"), ("output", "psi")):
        of_map = neurons[neurons["map"] == name].set_index("neuron")
        live = of_map.loc[: len(planted["frequency"]) - 1]
        assert live["frequency"].tolist() == planted["frequency"].tolist()
        np.testing.assert_allclose(live["phase"], planted[phase], atol=1e-5)
        np.testing.assert_allclose(live["energy_share"], 1, atol=1e-6)
        assert of_map.loc[planted["n_neurons"] - 1, "frequency"] == 0
    live = neurons[neurons["map"] == "input"].head(len(planted["frequency"]))
    np.testing.assert_allclose(live["amplitude"], planted["amplitude"], rtol=1e-5)


def test_a_row_per_arm_seed_checkpoint_and_map(measured, planted):
    table = measured[MEANS]
    counts = table.groupby(["arm", "seed", "map"]).size()
    assert {arm: set(counts.loc[arm]) for arm in planted["steps"]} == {
        arm: {len(steps)} for arm, steps in planted["steps"].items()
    }
    ended = at_end(table)
    assert ended["n_dead"].tolist() == [1, 1]
    assert ended["n_frequencies"].tolist() == [4, 4]
    np.testing.assert_allclose(ended["ipr_frequency"], 1, atol=1e-6)
    np.testing.assert_allclose(ended["entropy"], 0, atol=1e-4)


def test_spectra_are_shares(measured):
    total = measured[SPECTRA].groupby(["arm", "seed", "step", "weight"])["share"].sum()
    np.testing.assert_allclose(total, 1, atol=1e-9)
    W_E = at_end(measured[SPECTRA]).query("weight == 'W_E'")
    np.testing.assert_allclose(W_E["share"], 0.2, atol=1e-6)


def test_the_power_of_waves_over_both_inputs(measured, tiny_run, planted):
    weights = RunDir(tiny_run).arm("dense", 0).checkpoints()
    w = {name: x[-1].astype(float) for name, x in weights.items()}
    read = w["W_E"] @ w["W_in"]
    hidden = np.maximum(read[:, None] + read, 0)
    p = planted["p"]
    folded = np.minimum(np.arange(p), p - np.arange(p))
    shares = at_end(measured[PAIRS]).set_index(["of", "over_a", "over_b"])["share"]
    for of, X in (("neurons", hidden), ("logits", hidden @ w["W_out"] @ w["W_U"])):
        power = (np.abs(np.fft.fft2(X, axes=(0, 1))) ** 2).sum(axis=-1)
        power[0, 0] = 0
        expected = np.zeros((p // 2 + 1, p // 2 + 1))
        np.add.at(expected, (folded[:, None], folded), power / power.sum())
        np.testing.assert_allclose(shares[of].unstack(), expected, atol=1e-9)


def test_key_frequencies_by_rule(measured):
    by_rule = at_end(measured[KEY_FREQUENCIES]).groupby("rule")["frequency"].agg(list)
    assert by_rule["embedding_norm"] == [1, 2, 3, 4, 5]
    assert by_rule["logit_map"] == [1, 2, 3]  # 5 has 0.41 of the largest norm


def test_the_fitted_cosine_equals_planted_cosines(measured):
    last = at_end(measured[INPUT_WEIGHTS])
    np.testing.assert_allclose(last["fit"], last["weight"], atol=1e-5)
    first_neuron = last[last["neuron"] == 1].sort_values("turned")
    assert first_neuron["turned"].tolist() == list(range(11))
    assert first_neuron["residue"].head(3).tolist() == [0, 6, 1]  # frequency 2: 2 * 6 = 1 mod 11


def test_falls_of_the_entropy_are_compared_with_the_dense_network(measured):
    falls = {(row["arm"], row["seed"], row["map"]): row for row in measured["json"]["falls"]}
    dense, ticket = falls["dense", 0, "input"], falls["grokked_ticket", 0, "input"]
    assert (ticket["half_fall_after"], ticket["half_fall_step"]) == (200, 1000)
    assert dense["half_fall_step"] > 1000
    assert dense["dense_level_step"] == dense["half_fall_step"]
    verdict = {(row["arm"], row["map"]): row for row in measured["json"]["faster_than_dense"]}
    assert verdict["grokked_ticket", "input"]["by_half_fall"] == 2
    assert verdict["random", "input"]["by_dense_level"] == 0


def test_chosen_arms_and_steps(tiny_run, tmp_path, capsys):
    chosen = ["--arms", "dense", "--steps", "0", "8000"]
    assert main(["--run", str(tiny_run), "--out", str(tmp_path), "--no-plot", "--json", *chosen]) == 0
    table = pd.read_csv(tmp_path / "analyses" / "fourier.csv")
    assert set(table["arm"]) == {"dense"} and set(table["step"]) == {0, 8000}
    printed = json.loads(capsys.readouterr().out)
    assert printed["arms"][0]["n_seeds"] == 2
