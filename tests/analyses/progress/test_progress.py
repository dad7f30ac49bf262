import json

import numpy as np
import pandas as pd
import pytest
from builders import saved_tables

from analyses.loading.chosen_networks import open_networks
from analyses.progress.checkpoint_measures import Checkpoint, measure_checkpoint, sum_signs
from analyses.progress.command import main
from analyses.progress.loss_falls import phases
from analyses.progress.schema import ANALYSIS, FREQUENCIES, HEADS, KEY_FREQUENCIES, MEASURES
from analyses.progress.summary import summarise
from analyses.tables.storage import read_origin
from interp.mechanism.fourier_ablation import OPERATORS, excluded_logits, restricted_logits
from interp.mechanism.key_frequency_rules import KEY_RULES
from training.config.settings import Setting
from training.models.embed_mlp.architecture import EmbedMLP
from training.models.pair_activations import PairActivations
from training.models.transformer.architecture import Transformer
from training.optimization.optimizers import AdamW
from training.tasks.modular import ModularTask

P = 7


@pytest.fixture(scope="module")
def measured(analysed):
    return analysed.measured(ANALYSIS)


@pytest.fixture(scope="module")
def dense(tiny_run):
    """Return a dense network and its weights."""
    _, networks = open_networks(str(tiny_run), ["dense"])
    return networks[0], networks[0].weights()


def slow_loss(logits, labels):
    """Return the cross-entropy by its definition."""
    rows = logits - logits.max(axis=-1, keepdims=True)
    logs = rows - np.log(np.exp(rows).sum(axis=-1, keepdims=True))
    return -np.mean([row[c] for row, c in zip(logs, labels, strict=True)])


def test_losses_use_the_final_networks_key_frequencies_at_every_checkpoint(measured, dense):
    network, weights = dense
    data = network.setting.task.build()
    (a, b), labels, n = data.inputs.T, data.labels, data.n_train
    final = next(
        row for row in measured["json"]["key_frequencies"] if row["arm"] == "dense" and row["seed"] == 0
    )
    frequencies = np.array(final["logit_map"])
    checkpoint_keys = measured[KEY_FREQUENCIES].query("arm == 'dense' and seed == 0 and rule == 'logit_map'")
    rows = measured[MEASURES].query("arm == 'dense' and seed == 0").set_index("step")
    for t, step in enumerate(network.steps):
        W = {name: w[t].astype(float) for name, w in weights.items()}
        table = W["W_E"] @ W["W_in"]
        logits = np.maximum(table[:, None] + table, 0) @ W["W_out"] @ W["W_U"]
        row = rows.loc[step]
        pairs = logits[a, b]
        assert row["train_loss"] == pytest.approx(slow_loss(pairs[:n], labels[:n]))
        assert row["test_loss"] == pytest.approx(slow_loss(pairs[n:], labels[n:]))
        assert row["all_loss"] == pytest.approx(slow_loss(pairs, labels))
        for operator in OPERATORS:
            restricted = restricted_logits(logits, frequencies, operator)[a, b]
            assert row[f"restricted_{operator}"] == pytest.approx(slow_loss(restricted, labels))
        assert row["restricted_neuron_sum2"] == pytest.approx(row["restricted_sum2"])  # nothing else feeds
        left = excluded_logits(logits, frequencies)[a, b]
        assert row["excluded"] == pytest.approx(slow_loss(left[:n], labels[:n]))
        current = checkpoint_keys.loc[checkpoint_keys["step"] == step, "frequency"].to_numpy()
        left = excluded_logits(logits, current)[a, b]
        assert row["excluded_own"] == pytest.approx(slow_loss(left[:n], labels[:n]))
        each = measured[FREQUENCIES].query("arm == 'dense' and seed == 0 and step == @step")
        assert each["frequency"].tolist() == frequencies.tolist()
        for frequency, loss in zip(frequencies, each["excluded"], strict=True):
            left = excluded_logits(logits, np.array([frequency]))[a, b]
            assert loss == pytest.approx(slow_loss(left[:n], labels[:n]))


def test_planted_measures_come_back(measured):
    row = measured[MEASURES].query("arm == 'dense' and seed == 0 and step == 8000").iloc[0]
    assert row["gradient_symmetricity"] == 1
    assert row["fcr"] == pytest.approx(1, abs=1e-5) and row["ffd"] == 1  # all ten cosines and sines alike
    assert row["gini_embedding"] == pytest.approx(0, abs=1e-5) and row["gini_logit_map"] > 0.3
    assert row["n_embedding_norm"] == 5 and row["found_embedding_norm"] == 1
    by_rule = next(r for r in measured["json"]["key_frequencies"] if r["arm"] == "dense" and r["seed"] == 0)
    assert by_rule["embedding_norm"] == [1, 2, 3, 4, 5] and by_rule["logit_map"] == [1, 2, 3]
    assert row["key_share"] == pytest.approx(len(by_rule["logit_map"]) / 5, abs=1e-5)
    assert len(measured[HEADS]) == 0 and np.isnan(row["attention_share"])


def test_norms_equal_those_of_the_weights(measured, dense):
    network, weights = dense
    rows = measured[MEASURES].query("arm == 'dense' and seed == 0")
    expected = [np.sqrt(sum((w[t].astype(float) ** 2).sum() for w in weights.values())) for t in range(7)]
    assert rows["step"].tolist() == network.steps.tolist()
    np.testing.assert_allclose(rows["l2"], expected)


def test_the_final_network_is_the_last_one_whatever_steps_are_chosen(measured, tiny_run, tmp_path):
    arguments = ["--run", str(tiny_run), "--out", str(tmp_path), "--no-plot", "--jobs", "1"]
    assert main([*arguments, "--arms", "dense", "--steps", "2000"]) == 0
    one_step = saved_tables(tmp_path, [MEASURES])[MEASURES]
    expected = measured[MEASURES].query("arm == 'dense' and step == 2000").reset_index(drop=True)
    pd.testing.assert_frame_equal(one_step, expected)


def test_a_given_rule_is_used_and_processes_change_nothing(measured, tiny_run, tmp_path):
    arguments = ["--run", str(tiny_run), "--no-plot", "--arms", "dense", "--rule", "embedding_norm"]
    for jobs in ("1", "2"):
        assert main([*arguments, "--out", str(tmp_path / jobs), "--jobs", jobs]) == 0
    one, two = (tmp_path / jobs / "analyses" / "progress.parquet" for jobs in ("1", "2"))
    assert one.read_bytes() == two.read_bytes()
    assert read_origin(two).arguments == {"arms": ["dense"], "rule": "embedding_norm"}  # jobs change nothing
    row = saved_tables(tmp_path / "1", [MEASURES])[MEASURES].iloc[-1]
    assert row["key_share"] == pytest.approx(1)  # all five frequencies
    assert json.loads((tmp_path / "1" / "analyses" / "progress.json").read_text())["rule"] == "embedding_norm"


# operations


def setting(name, pairs, model=None):
    task = ModularTask(name=name, p=P, pairs=pairs, frac_train=0.5)
    return Setting(task, model or Transformer(d_model=8, d_head=4, d_mlp=6), AdamW(), 0.95)


@pytest.mark.parametrize(
    ("name", "pairs", "signs"),
    [
        ("add", "ordered", (1, 1)),
        ("add", "unordered", (1, 1)),
        ("sub", "ordered", (1, -1)),
        ("sub", "unordered", (-1, 1)),
        ("mul", "ordered", None),
        ("div", "ordered", None),
        ("x2_plus_y2", "unordered", None),
        ("x3_plus_xy2_plus_y", "ordered", None),
    ],
)
def test_signs_of_the_operations_that_are_sums(name, pairs, signs):
    assert sum_signs(setting(name, pairs)) == signs


def test_a_symmetric_network_of_differences_is_no_sum_on_half_of_the_grid():
    assert sum_signs(setting("sub", "unordered", EmbedMLP())) is None
    assert sum_signs(setting("add", "unordered", EmbedMLP())) == (1, 1)


def measure(monkeypatch, network_setting, logits, hidden, frequencies):
    """Return the measures of random weights with given logits and neurons."""
    rng = np.random.default_rng(3)
    shapes = network_setting.shapes()
    weights = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    activations = PairActivations(logits, hidden, rng.random((P, P, 1)))
    monkeypatch.setattr(type(network_setting.model), "pair_activations", lambda *_: activations)
    final = dict.fromkeys(KEY_RULES, np.array(frequencies, dtype=np.int64))
    return measure_checkpoint(Checkpoint(network_setting, weights, "logit_map", final))


ALL_PAIRS = ["all_loss", "trig_r2", "trig_loss", "distance_irrelevance"]
ALL_PAIRS += [f"restricted_{name}" for name in (*OPERATORS, "neuron_sum2")]


def test_a_difference_is_the_sum_with_the_second_residue_negated(monkeypatch):
    rng = np.random.default_rng(0)
    logits, hidden = rng.normal(size=(P, P, P)), rng.random((P, P, 6))
    negated = -np.arange(P) % P
    of_sum = measure(monkeypatch, setting("add", "ordered"), logits, hidden, [1, 3]).row
    of_difference = measure(
        monkeypatch, setting("sub", "ordered"), logits[:, negated], hidden[:, negated], [1, 3]
    ).row
    for name in ALL_PAIRS:
        assert np.isfinite(of_sum[name]) and of_sum[name] == pytest.approx(of_difference[name]), name
    assert of_sum["restricted_sum2"] != pytest.approx(of_sum["restricted_block4"])


@pytest.mark.parametrize("name", ["add", "sub"])
def test_restricted_logits_keep_a_planted_algorithm_and_excluded_logits_remove_it(monkeypatch, name):
    operation = setting(name, "ordered")
    a, b, c = np.indices((P, P, P))
    value = a + b if name == "add" else a - b
    waves = sum(4 * np.cos(2 * np.pi * k * (value - c) / P) for k in (1, 3))
    result = measure(monkeypatch, operation, waves, np.ones((P, P, 6)), [1, 3])
    row = result.row
    assert row["trig_r2"] == pytest.approx(1)
    for same in ("all_loss", "trig_loss", "restricted_block8"):
        assert row["restricted_sum2"] == pytest.approx(row[same])
    assert row["excluded"] == pytest.approx(np.log(P))
    np.testing.assert_allclose(result.by_frequency["trig_amplitude"], 4)
    assert (result.by_frequency["excluded"] > row["train_loss"]).all()
    assert (result.by_frequency["excluded"] < row["excluded"]).all()


def test_without_key_frequencies_restricted_logits_are_means_and_nothing_is_excluded(monkeypatch):
    rng = np.random.default_rng(1)
    operation = setting("add", "ordered")
    row = measure(monkeypatch, operation, rng.normal(size=(P, P, P)), rng.random((P, P, 6)), []).row
    assert row["excluded"] == row["train_loss"]
    assert row["restricted_sum2"] == pytest.approx(row["restricted_block8"])
    assert row["trig_loss"] == pytest.approx(np.log(P)) and row["key_share"] == 0
    assert np.isnan(row["found_logit_map"])


def test_measures_that_an_operation_lacks_are_nan(monkeypatch):
    rng = np.random.default_rng(1)
    operation = setting("mul", "ordered")
    result = measure(monkeypatch, operation, rng.normal(size=(P, P, P)), rng.random((P, P, 6)), [2])
    absent = {name for name, value in result.row.items() if np.isnan(value)}
    along_sums = {"restricted_sum2", "restricted_sum2_own", "restricted_neuron_sum2"}
    assert absent == along_sums | {"excluded", "excluded_own", "distance_irrelevance"}
    assert np.isnan(result.by_frequency["excluded"]).all()


# the summary


def curves(**losses):
    n = 6
    row = {"arm": "dense", "seed": 0, "step": 100 * np.arange(n), "operation": "add"}
    names = ["train_loss", "test_loss", "excluded", *(f"restricted_{o}" for o in (*OPERATORS, "neuron_sum2"))]
    names += ["trig_r2", "gini_embedding", "l2", "key_share", "gini_logit_map", "ffd", "fcr", "circularity"]
    names += ["gradient_symmetricity", "distance_irrelevance", "attention_share"]
    return pd.DataFrame(row | dict.fromkeys(names, np.ones(n)) | losses)


def test_half_falls_are_on_the_logarithm_and_rises_start_at_the_minimum():
    table = curves(
        test_loss=[1, 10, 10, 1, 1e-3, 1e-4],
        restricted_sum2=[1, 1, 1e-5, 1e-6, 1e-8, 1e-8],
        restricted_block4=[1, 1, 1, 1, 1e-2, 1e-6],
        restricted_block8=[1, 1, 1, 0, 0, 0],
        excluded=[4, 1e-4, 1e-1, 2, 2, 1],
    )
    key_frequencies = {"arm": "dense", "seed": 0} | {rule: [1] for rule in KEY_RULES}
    summary, printed = summarise(table, [key_frequencies], "logit_map", 7)
    (row,) = summary["moves"]
    assert (row["test_moves"], row["test_half_after"], row["test_half_step"]) == (pytest.approx(4), 300, 400)
    assert row["restricted_sum2_half_step"] == 200 and row["restricted_sum2_earlier"] is True
    assert row["restricted_block4_half_step"] == 500 and row["restricted_block4_earlier"] is False
    assert row["restricted_block8_half_step"] is None  # a loss of 0 has no logarithm
    assert row["restricted_block8_earlier"] is None
    assert row["excluded_moves"] == pytest.approx(np.log10(2e4))
    assert row["excluded_half_step"] == 200 and row["excluded_earlier"] is True
    *_, half, others = printed
    assert half.rows[0]["restricted earlier"] == half.rows[0]["excluded earlier"] == "yes"
    assert half.conclusion == (
        "Earlier than the test loss: restricted loss in 1 of 1 networks and excluded loss in 1 of 1 networks "
        "where both move."
    )
    assert others.details and (others.rows[0]["products of waves"], others.rows[0]["size, test"]) == (
        "500",
        "4.0",
    )


def test_printed_conclusions():
    key_frequencies = {"arm": "dense", "seed": 0} | {rule: [1] for rule in KEY_RULES}
    for excluded, ending in ((2.0, "ln p = 1.95 nats) in: dense."), (1.9, "ln p = 1.95 nats) in: no arm.")):
        _, losses, last, *_ = summarise(
            curves(excluded=np.full(6, excluded)), [key_frequencies], "logit_map", 7
        )[1]
        assert ending in losses.conclusion
    assert last.rows[0]["symmetricity"] == "by construction"
    assert "(R² above 0.5) in: dense." in last.conclusion
    no_sum = summarise(curves(excluded=np.full(6, np.nan)), [key_frequencies], "logit_map", 7)[1][1]
    assert no_sum.conclusion.startswith("No arm has an excluded loss")


def test_phases_end_where_the_losses_do():
    table = curves(test_loss=[1, 100, 50, 1, 1e-5, 1e-6], excluded=[4, 1e-4, 1e-1, 2, 2, 1])
    (row,) = phases(table).to_dict("records")
    assert (row["memorised"], row["clean_up_from"], row["clean_up_to"]) == (100, 300, 500)


def test_missing_phases_are_nan():
    rising = curves(test_loss=[1, 2, 3, 4, 5, 6], excluded=np.full(6, np.nan))
    without = curves(test_loss=np.full(6, np.nan)).assign(seed=1)
    rows = phases(pd.concat([rising, without])).set_index("seed")
    assert rows.loc[0, ["memorised", "clean_up_from", "clean_up_to"]].isna().all()
    assert rows.loc[1, "memorised"] == 0 and rows.loc[1, ["clean_up_from", "clean_up_to"]].isna().all()
