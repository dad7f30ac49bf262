import math
import shutil

import pandas as pd
import pytest
from builders import saved_tables, skip_arm

from analyses.grokking.command import main, printed_outcomes
from analyses.grokking.schema import ANALYSIS, CURVES, OUTCOMES
from analyses.loading.chosen_networks import open_networks
from analyses.loading.outcomes import has_test_set, read_outcomes, times_by_seed
from analyses.speed.comparisons import arm_row
from interp.statistics.censored_times import Bounded


def test_times_of_every_arm_and_seed(tiny_run, tmp_path, capsys, planted):
    assert main(["--run", str(tiny_run), "--out", str(tmp_path), "--no-plot"]) == 0
    tables = saved_tables(tmp_path, ANALYSIS)
    outcomes = tables[OUTCOMES].set_index(["arm", "seed"])
    for arm, times in planted["t_gen"].items():
        for seed, t_gen in enumerate(times):
            assert outcomes.loc[(arm, seed), "t_mem_interval"] == "(50, 100]"
            expected = f"({t_gen - 50}, {t_gen}]" if t_gen else "> 2000"
            assert outcomes.loc[(arm, seed), "t_gen_interval"] == expected
    assert outcomes.loc[("dense", 1), "tau"] == 75
    assert outcomes.loc[("random", 0), ["tau_lower", "test_acc", "train_acc"]].tolist() == [20, 0.1, 1]
    roles = outcomes["arm_role"].groupby("arm").unique().map(list).to_dict()
    assert roles == {"dense": ["dense"], "grokked_ticket": ["ticket"], "random": ["control"]}
    curves = tables[CURVES]
    assert (curves["test"] == curves["test_acc"]).all() and set(curves["judged_by"]) == {"accuracy"}
    text = capsys.readouterr().out
    lines = [line.split() for line in text.splitlines()]
    assert ["dense", "1", "(50,", "100]", "(7450,", "7500]", "75.0", "1.00", "1.00"] in lines
    assert ["random", "mask", "0", "(50,", "100]", ">", "2000", ">", "20.0", "1.00", "0.100"] in lines
    assert (
        "Trained networks that generalised: dense 2 of 2; grokked ticket 2 of 2; random mask 0 of 2." in text
    )


def test_a_skipped_arm_is_named_with_its_reason(tiny_copy, capsys):
    skip_arm(tiny_copy, "random", "its source was lost")
    assert main(["--run", str(tiny_copy), "--no-plot"]) == 0
    out, err = capsys.readouterr()
    lines = [line.split() for line in out.splitlines()]
    assert ["random", "mask", "0", "its", "source", "was", "lost"] in lines
    assert "random seed 0: left out: not trained" in err
    assert ["random", "mask", "1", "-", "skipped", "-", "-", "-"] in lines


def test_a_network_that_finishes_after_opening_is_still_half_trained(tiny_run):
    opened, networks, _ = open_networks(str(tiny_run))
    rows, curves = read_outcomes(opened.files, networks[:1], None)
    assert list(curves) == [(networks[0].arm, networks[0].seed)]
    assert [row["status"] for row in rows] == ["done"] + ["half trained"] * (len(rows) - 1)
    arm_rows = [arm_row(networks[0].recipe, rows, arm) for arm in networks[0].recipe.arms]
    assert [row["n"] for row in arm_rows] == [1] + [0] * (len(arm_rows) - 1)


def test_weights_without_metrics_are_refused_in_one_line(tiny_copy, capsys):
    (tiny_copy / "provenance.json").unlink()
    for arm in ("grokked_ticket", "random"):
        shutil.rmtree(tiny_copy / "arms" / arm)
    for seed in (0, 1):
        (tiny_copy / "arms" / "dense" / f"seed_{seed}" / "DONE").unlink()
    metrics = tiny_copy / "arms" / "dense" / "seed_0" / "metrics.parquet"
    extra = pd.read_parquet(metrics).assign(learning_rate=0.1)
    extra.to_parquet(metrics)
    assert main(["--run", str(tiny_copy), "--no-plot"]) == 0  # a column of other code is not an error
    assert "learning_rate" not in saved_tables(tiny_copy, [CURVES])[CURVES]
    for path in tiny_copy.glob("arms/*/*/metrics.parquet"):
        path.unlink()
    capsys.readouterr()
    assert main(["--run", str(tiny_copy), "--no-plot"]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert "expected curves of training, got weights without metrics.parquet" in error
    assert "metrics.parquet" in ANALYSIS.takes


ROW = {"arm": "a", "seed": 0, "status": "done", "steps": 5000, "t_mem": 100, "t_gen": None, "tau": None}
ROW |= {"t_mem_after": 90, "t_gen_after": 5000, "tau_lower": 50.0}


def test_times_by_seed_are_numbers_or_bounds():
    assert times_by_seed([ROW], "a", "t_gen") == {0: Bounded(5000.0, ">")}
    assert times_by_seed([ROW], "a", "t_mem") == {0: Bounded(100.0)}
    assert times_by_seed([ROW | {"t_gen_after": 0}], "a", "t_gen") == {}  # without a test set
    assert times_by_seed([ROW], "a", "tau") == {0: Bounded(50.0, ">")}
    skipped = [ROW | {"status": "skipped"}]
    assert times_by_seed(skipped, "a", "t_gen") == times_by_seed([ROW], "b", "t_gen") == {}


def test_tau_of_a_network_that_never_memorised_is_not_dropped():
    never = ROW | {"t_mem": None, "t_mem_after": 5000, "tau_lower": 0.0}
    assert times_by_seed([never | {"tau_upper": math.inf}], "a", "tau") == {0: Bounded(0.0, ">")}
    generalised = never | {"t_gen": 200, "tau_upper": 0.04}
    assert times_by_seed([generalised], "a", "tau") == {0: Bounded(0.04, "<")}
    at_start = ROW | {"t_gen": 200, "t_mem": 0, "t_mem_after": 0, "tau_lower": 0.0, "tau_upper": math.inf}
    assert times_by_seed([at_start], "a", "tau") == {0: Bounded(0.0, ">")}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "> 50.0"),
        ({"t_gen": 300, "tau": 3.0}, "3.00"),
        ({"t_mem": None, "tau_lower": 0.0, "tau_upper": math.inf}, "unknown"),
        ({"t_mem": None, "t_gen": 200, "tau_lower": 0.0, "tau_upper": 0.04}, "< 0.040"),
        ({"t_gen_after": 0}, "-"),
        ({"status": "skipped"}, "-"),
    ],
)
def test_tau_is_printed_with_its_bound(changes, expected):
    row = ROW | {"t_mem_interval": "", "t_gen_interval": "", "train_acc": 1.0} | changes
    (table,) = printed_outcomes([row])
    assert table.rows[0]["tau"] == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [({}, "> 5000"), ({"t_gen_after": 0, "t_gen_interval": "> 0"}, "no test set")],
)
def test_without_a_test_set_no_t_gen_is_printed(changes, expected):
    row = ROW | {"t_mem_interval": "(90, 100]", "t_gen_interval": "> 5000", "train_acc": 1.0} | changes
    (table,) = printed_outcomes([row])
    (cells,) = table.rows
    assert cells["t_gen (steps)"] == expected
    assert has_test_set(row) == (expected != "no test set")
    assert ("No trained network has a test set" in table.conclusion) == (not has_test_set(row))
