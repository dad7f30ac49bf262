"""Key frequencies of planted networks and of those that the papers released."""

import json

import numpy as np
import pandas as pd
import pytest
from builders import released_weights, run_analysis

from analyses.progress.checkpoint_measures import Checkpoint, measure_checkpoint
from analyses.progress.command import DEFAULT_RULE
from analyses.tables.key_frequency_rows import printed_key_frequencies, rule_differences
from interp.mechanism.fourier_ablation import restricted_logits
from interp.mechanism.key_frequency_rules import KEY_RULES, key_frequencies_by_rule
from interp.mechanism.logit_fit import cross_entropy
from training.adopt.command import main as adopt
from training.config.settings import Setting
from training.inspection import open_run
from training.models.one_hot_mlp.architecture import OneHotMLP
from training.optimization.optimizers import AdamW
from training.tasks.modular import ModularTask

P = 23
KEYS = [2, 7, 11]


def planted(activation, sharpness=20.0):
    """Return a setting and weights of a network that adds by three frequencies.

    The cube is odd and cannot double a frequency, so it cannot compute sums in this way.
    """
    k = np.repeat(KEYS, 9)
    phase = np.tile(2 * np.pi * np.arange(9) / 9, len(KEYS))
    residues = np.arange(P)
    W_in = np.cos(2 * np.pi * np.outer(residues, k) / P + phase)
    W_out = np.cos(2 * np.pi * np.outer(k, residues) / P + 2 * phase[:, None])
    task = ModularTask(name="add", p=P, pairs="ordered", frac_train=0.75)
    model = OneHotMLP(activation=activation, d_mlp=len(k))
    weights = {"W_in": W_in.astype(np.float32), "W_out": (sharpness * W_out).astype(np.float32)}
    return Setting(task, model, AdamW(), 0.95), weights


def measured(setting, weights):
    """Return the key frequencies by rule, and the measures by each rule's key frequencies."""
    keys = measure_checkpoint(Checkpoint(setting, weights, "logit_map", None)).key_frequencies
    rows = {rule: measure_checkpoint(Checkpoint(setting, weights, rule, keys)).row for rule in KEY_RULES}
    return {rule: k.tolist() for rule, k in keys.items()}, rows


@pytest.mark.parametrize("activation", ["relu", "square", "abs", "fourth", "exp", "softplus"])
def test_every_rule_finds_planted_frequencies(activation):
    keys, rows = measured(*planted(activation))
    assert keys == dict.fromkeys(KEY_RULES, KEYS)
    for row in rows.values():
        assert row["excluded"] > np.log(P) - 0.01 > row["all_loss"]
        assert row["restricted_sum2"] < 1.05 * row["all_loss"] + 0.01


def test_nandas_network_needs_the_frequency_that_its_neurons_do_not_cluster_at(tmp_path):
    file = released_weights("nanda_low_precision_mod_addition.pth")
    assert adopt([str(file), "--model", "transformer", "--p", "113", "--out", str(tmp_path / "run")]) == 0
    network = open_run(tmp_path / "run")["dense", 0]
    weights, model = {name: w[-1] for name, w in network.weights().items()}, network.setting.model
    passes = model.pair_activations(weights)
    W_E, W_L = model.residue_weights(weights)["W_E"], model.neuron_maps(weights)["output"]
    keys = key_frequencies_by_rule(W_E, W_L, passes.hidden, passes.activation)
    assert {rule: k.tolist() for rule, k in keys.items()} == {
        "embedding_norm": [3, 6, 23, 39],
        "logit_map": [3, 6, 23, 39],
        "neuron_cluster": [6, 23, 39],
    }
    sums = np.add.outer(np.arange(113), np.arange(113)) % 113
    loss = {None: cross_entropy(passes.logits, sums).mean()}
    for rule in ("neuron_cluster", DEFAULT_RULE):
        loss[rule] = cross_entropy(restricted_logits(passes.logits, keys[rule], "sum2"), sums).mean()
    assert loss[None] == pytest.approx(2.8880533591e-3, rel=1e-6)
    assert loss["neuron_cluster"] == pytest.approx(0.21119489611, rel=1e-6)
    assert loss[DEFAULT_RULE] == pytest.approx(0.00364, abs=5e-6)


def test_a_released_networks_squares_have_key_frequencies(tmp_path):
    """Read He et al.'s network with x² for its ReLU."""
    file = released_weights("he_p23_grokking_step_49800.pth")
    options = ["--model", "one_hot_mlp", "--p", "23", "--set", "model.activation=square"]
    options += ["--set", "task.pairs=ordered", "--frac-train", "0.75"]  # their pairs are not released
    assert adopt([str(file), *options, "--out", str(tmp_path / "run")]) == 0
    done = run_analysis("progress", tmp_path / "run")
    assert done.code == 0 and done.out.startswith("The rules agree on the key frequencies of every network.")
    row = pd.read_parquet(tmp_path / "run" / "analyses" / "progress.parquet").iloc[-1]
    assert row["all_loss"] == pytest.approx(5.34e-4, rel=1e-3)
    assert row["restricted_sum2"] < row["all_loss"] and row["excluded"] > 5  # before: 3.17 and 5e-4
    summary = json.loads((tmp_path / "run" / "analyses" / "progress.json").read_text())
    assert summary["rules_disagree"] == [] and summary["rule"] == "logit_map"
    assert [summary["key_frequencies"][0][rule] for rule in KEY_RULES] == [list(range(1, 12))] * 3


def network(seed, **by_rule):
    return {"arm": "dense", "seed": seed} | {rule: [1, 2] for rule in KEY_RULES} | by_rule


def test_the_first_line_names_the_frequencies_in_which_rules_disagree():
    rows = [network(0), network(1, neuron_cluster=[1]), network(2, embedding_norm=[1, 2, 3, 4, 5])]
    assert rule_differences(rows) == [
        {"arm": "dense", "seed": 1, "frequencies": [2]},
        {"arm": "dense", "seed": 2, "frequencies": [3, 4, 5]},
    ]
    assert printed_key_frequencies(rows, 11).title.startswith(
        "The rules disagree on key frequencies in 2 of 3 networks: dense seed 1 in 2; dense seed 2 in 3–5."
    )
    many = printed_key_frequencies([network(seed, logit_map=[]) for seed in range(6)], 11)
    assert "dense seed 3 in 1 2; 2 more." in many.title
    assert printed_key_frequencies(rows[:1], 11).title.startswith("The rules agree")
