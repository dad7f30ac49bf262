"""What events changed, against curves and weights read one by one."""

import json
import shutil
import tomllib

import numpy as np
import pandas as pd
import pytest
from builders import error_line, run_analysis, saved_tables

from analyses.events.key_frequencies import keys_in
from analyses.events.recovery import evaluations, recovery
from analyses.events.schema import ANALYSIS, CURVES, EVENTS
from analyses.events.summary import summarise
from interp.spectra.fourier import fourier_basis
from training.config.settings import Criterion
from training.inspection.run import open_run
from training.runs.run_directory import RunDir

TINY = """
name = "tiny"
seeds = [0, 1]
task = {p = 7, pairs = "ordered", frac_train = 0.9}
model = {d_emb = 12, d_mlp = 16}
optimizer = {lr = 1e-2}
measure = {eval_every = 10, checkpoints = [{every = 50}]}

[arms.dense]
max_steps = 200
min_steps = 200
[arms.removed]
max_steps = 200
min_steps = 200
[[arms.removed.events]]
name = "remove_frequencies"
at = 105
lasts = 1
weights = ["W_E", "W_U"]
keys_of = "dense"
[[arms.removed.events]]
name = "set_optimizer"
weight_decay = 0.0
at = 150
[arms.given]
max_steps = 100
min_steps = 100
[[arms.given.events]]
name = "transplant"
at = 0
arm = "dense"
weights = ["W_U"]
frequencies = [2, 3]
[[arms.given.events]]
name = "freeze"
at = 300
"""
P, KEYS = 7, {"removed": ("W_E", "W_U"), "given": ("W_U",)}


@pytest.fixture(scope="module")
def run(trained_run):
    """Return a tiny run with events."""
    return trained_run(tomllib.loads(TINY))


@pytest.fixture(scope="module")
def printed(run, tmp_path_factory):
    """Return the tables of the run, and the printed text."""
    out = tmp_path_factory.mktemp("tables")
    done = run_analysis("events", run.path, "--out", str(out))
    assert done.code == 0, done.err
    return saved_tables(out, ANALYSIS), done.out


def slow_keys(files, names):
    """Return the key frequencies of some weights at the last checkpoint, one wave at a time."""
    keys, last = set(), {name: w[-1].astype(float) for name, w in files.checkpoints().items()}
    last["logit map"] = last["W_out"] @ last["W_U"]
    for name in names:
        W = last[name] if name == "W_E" else last[name].T
        j = np.arange(P)
        power = {
            k: sum(
                (np.cos(2 * np.pi * k * j / P) @ W[:, c]) ** 2
                + (np.sin(2 * np.pi * k * j / P) @ W[:, c]) ** 2
                for c in range(W.shape[1])
            )
            for k in (1, 2, 3)
        }
        keys |= {k for k in power if power[k] >= max(power.values()) / 4}
    return keys


def slow_recovery(metrics, at, level):
    """Return fell_after, back_after and the bound, one evaluation at a time."""
    met, fell = False, None
    for step, accuracy in zip(metrics["step"].tolist(), metrics["test_acc"].tolist(), strict=True):
        if step <= at:
            met = accuracy >= level
        elif met and fell is None and accuracy < level:
            fell = step - at
        elif fell is not None and accuracy >= level:
            return fell, step - at, "="
    return (fell, step - at, ">") if fell is not None else (None, None, None)


def test_there_is_a_row_per_event_that_acted(printed, run):
    table = printed[0][EVENTS]
    rows = table[["arm", "seed", "event", "name", "at", "until", "steps"]].to_numpy().tolist()
    removal, decay = (
        ["removed", 0, 0, "remove_frequencies", 105, 106, 200],
        ["removed", 0, 1, "set_optimizer", 150, 200, 200],
    )
    assert rows[:2] == [removal, decay] and rows[4] == ["given", 0, 0, "transplant", 0, 1, 100]
    assert len(rows) == 6


def test_scores_and_times_are_those_of_the_metrics(printed, run):
    for row in printed[0][EVENTS].to_dict("records"):
        metrics = run.arm(row["arm"], row["seed"]).metrics()
        before = metrics[metrics["step"] == row["at"] // 10 * 10].iloc[0]
        after = metrics[metrics["step"] == row["at"] // 10 * 10 + 10].iloc[0]
        for name in ("train_acc", "test_acc", "train_loss", "test_loss"):
            assert row[f"{name}_before"] == before[name] and row[f"{name}_after"] == after[name]
            assert row[f"{name}_end"] == metrics[name].iloc[-1]
        assert row["lowest_test_acc"] == metrics.loc[metrics["step"] > row["at"], "test_acc"].min()
        found = [None if pd.isna(row[n]) else row[n] for n in ("fell_after", "back_after", "back_bound")]
        assert found == list(slow_recovery(metrics, row["at"], 0.95))
        first = metrics.loc[metrics["test_acc"] >= 0.95, "step"].min()
        assert pd.isna(row["met_after"]) if first <= row["at"] else row["met_after"] == first - row["at"]


def test_frequencies_are_those_of_the_weights_and_the_record(printed, run):
    table = printed[0][EVENTS]
    for row in table[table["n_frequencies"].notna()].to_dict("records"):
        files, names = run.arm(row["arm"], row["seed"]), KEYS[row["arm"]]
        changed = set(files.done()["events"][row["event"]]["frequencies"])
        keys, dense = slow_keys(files, names), slow_keys(run.arm("dense", row["seed"]), names)
        assert row["n_frequencies"] == len(changed) and row["n_again"] == len(keys & changed)
        assert row["n_again_logit"] == len(slow_keys(files, ["logit map"]) & changed)
        counts = (row["n_keys"], row["n_reference_keys"], row["n_shared"])
        assert counts == (len(keys), len(dense), len(keys & dense)) and row["reference"] == "dense"
        if row["arm"] == "removed":
            assert changed == dense  # the rule is the event's
    others = table[table["n_frequencies"].isna()]
    assert set(others["name"]) == {"set_optimizer"} and others["n_keys"].notna().all()


def test_curves_are_beside_the_references_at_the_same_step(printed, run):
    curves = printed[0][CURVES].query("arm == 'removed' and seed == 1 and event == 0")
    own, dense = (run.arm(arm, 1).metrics()["test_acc"].tolist() for arm in ("removed", "dense"))
    assert curves["test"].tolist() == own and curves["reference_test"].tolist() == dense
    given = printed[0][CURVES].query("arm == 'given' and seed == 1")
    assert given["reference_test"].tolist() == dense and given["test"].count() == 11 < len(dense)
    assert curves["since"].tolist() == [step - 105 for step in curves["step"]]


def test_without_the_reference_nothing_is_shared_and_all_else_is_as_before(printed, run, tmp_path):
    done = run_analysis("events", run.path, "--out", str(tmp_path), "--arms", "given")
    assert done.code == 0
    alone = saved_tables(tmp_path, [EVENTS])[EVENTS]
    assert alone[["n_reference_keys", "n_shared"]].isna().all(axis=None) and alone["n_keys"].notna().all()


def test_a_run_without_events_is_refused_in_one_line(run, tiny_run, tmp_path):
    for arguments in ([run.path, "--arms", "dense"], [tiny_run]):
        done = run_analysis("events", *arguments, "--out", str(tmp_path))
        assert done.code == 1 and "no event has acted in a chosen network" in error_line(done.err)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("strength", "n_again"), [(0.0, 0), (0.3, 0), (0.7, 1)])
def test_a_planted_regrowth_is_counted(run, tmp_path, strength, n_again):
    copy = RunDir(shutil.copytree(run.path, tmp_path / "tiny"))
    files = copy.arm("removed", 0)
    removed = files.done()["events"][0]["frequencies"][0]
    kept = next(k for k in (1, 2, 3) if k != removed)
    basis, weights, record = fourier_basis(P), files.checkpoints(), files.done()
    record["events"][0]["frequencies"] = [removed]
    waves = np.tile(basis[2 * kept] + strength * basis[2 * removed], (12, 1))
    weights["W_E"][-1], weights["W_U"][-1] = waves.T, waves
    files.write_checkpoints(files.steps(), weights)
    files.finish(record)
    done = run_analysis("events", copy.path, "--out", str(tmp_path / "out"))
    assert done.code == 0, done.err
    row = saved_tables(tmp_path / "out", [EVENTS])[EVENTS].query("arm == 'removed' and seed == 0").iloc[0]
    assert (row["n_frequencies"], row["n_again"], row["n_keys"]) == (1, n_again, 1 + n_again)


def curve_of(*accuracies):
    """Return metrics with these test accuracies at steps 0, 10, ..."""
    steps = np.arange(len(accuracies)) * 10
    return pd.DataFrame({"step": steps, "train_acc": 1.0, "test_acc": accuracies})


@pytest.mark.parametrize(
    ("accuracies", "expected"),
    [
        ((0.1, 1.0, 0.2, 0.3, 0.96), (10, 30, "=", None, None)),
        ((0.1, 1.0, 0.2, 0.3, 0.94), (10, 30, ">", None, None)),
        ((0.1, 1.0, 0.97, 0.3, 1.0), (20, 30, "=", None, None)),
        ((0.1, 1.0, 1.0, 1.0, 1.0), (None, None, None, None, None)),
        ((0.1, 0.5, 0.2, 1.0, 0.1), (None, None, None, 20, "=")),
        ((1.0, 0.5, 0.2, 0.4, 0.1), (None, None, None, 30, ">")),
        ((0.1, 1.0, np.nan, 0.2, np.nan), (20, 20, ">", None, None)),
    ],
)
def test_times_of_planted_curves(accuracies, expected):
    criterion = Criterion("train_acc", "test_acc", 0.95, "up")
    row = recovery(evaluations(curve_of(*accuracies), criterion), 10, criterion)
    names = ("fell_after", "back_after", "back_bound", "met_after", "met_bound")
    assert tuple(row[name] for name in names) == expected
    assert row["lowest_test_acc"] == np.nanmin(accuracies[2:]) and np.isnan(row["test_loss_end"])


def test_losses_are_judged_from_above():
    criterion = Criterion("train_loss", "test_loss", 0.1, "down")
    metrics = pd.DataFrame({"step": [0, 5, 10], "train_loss": 0.0, "test_loss": [0.05, 0.3, 0.1]})
    row = recovery(evaluations(metrics, criterion), 0, criterion)
    assert (row["fell_after"], row["back_after"], row["back_bound"]) == (5, 10, "=")
    assert np.isnan(row["lowest_test_acc"])


def test_weights_without_an_axis_of_residues_have_no_keys(run):
    network = open_run(run.path)["dense", 0]
    assert keys_in(network, ()) is None and keys_in(network, ("W_in",)) is None


def test_the_printed_text_says_how_many_grew_again(printed):
    tables, text = printed
    rows = tables[EVENTS].query("name == 'remove_frequencies'")
    n = int((rows["n_again"] == 0).sum())
    sentence = f"none of the removed frequencies is a key frequency again: removed, {n} of 2."
    assert sentence in " ".join(text.split()) and max(map(len, text.splitlines())) <= 100


def test_the_summary_has_every_event(run, tmp_path):
    assert run_analysis("events", run.path, "--out", str(tmp_path)).code == 0
    events = json.loads((tmp_path / "analyses" / "events.json").read_text())["events"]
    assert [(e["arm"], e["event"]) for e in events] == [("removed", 0), ("removed", 1), ("given", 0)]
    assert all(event["n_seeds"] == 2 for event in events)


def test_a_median_over_bounds_is_printed_as_one(printed):
    rows = printed[0][EVENTS].query("arm == 'removed' and event == 0").copy()
    rows["fell_after"], rows["met_after"], rows["test_acc_before"] = 10, np.nan, 0.96
    rows["back_after"], rows["back_bound"] = [40, 90], ["=", ">"]
    rows["lowest_test_acc"] = [0.25, 0.5]
    summary, (table, _) = summarise({EVENTS: rows})
    (row,) = table.rows
    assert (row["fell"], row["met after (steps)"]) == ("2 of 2", "40 (40–> 90)")
    told = "after the removal test accuracy falls to 0.250–0.500, and is back in 1 of 2 seeds, after 40"
    assert told in table.conclusion and summary["events"][0]["n_back"] == 1
    rows["back_bound"] = [">", ">"]
    _, (table, _) = summarise({EVENTS: rows})
    assert table.rows[0]["met after (steps)"] == "> 40 (> 40–> 90)"
