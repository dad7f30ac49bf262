"""Command `analyses.steering`: its tables on planted networks, its refusals."""

import numpy as np
import pytest
from builders import error_line, run_analysis, saved_tables

from analyses.steering.schema import ANALYSIS, MEANS, SIZES, STEPS
from interp.statistics.time_ratios import student_interval


@pytest.fixture(scope="module")
def tables(analysed):
    return {table: analysed.table(table) for table in ANALYSIS}


def test_every_checkpoint_is_steered_and_the_last_by_size(tables, planted):
    steps, sizes = tables[STEPS], tables[SIZES]
    for arm, checkpoints in planted["steps"].items():
        keys = steps[(steps["arm"] == arm) & (steps["chosen"] == "keys")]
        assert keys["step"].tolist() == [*checkpoints, *checkpoints]  # two seeds
        assert set(sizes.loc[sizes["arm"] == arm, "step"]) == {checkpoints[-1]}
    K = planted["p"] // 2
    one = sizes[(sizes["arm"] == "dense") & (sizes["seed"] == 0)]
    assert one[one["chosen"] == "strongest"]["size"].tolist() == list(range(K + 1))
    assert one[one["chosen"] == "others"]["size"].tolist() == list(range(1, K // 2 + 1))
    np.testing.assert_allclose(one[["target", "own", "other"]].sum(axis=1), 1)


def test_both_ends_of_the_orders_are_the_same_sets(tables):
    sizes = tables[SIZES].set_index(["arm", "seed", "chosen", "size"])
    steps = tables[STEPS]
    last = steps[steps["step"] == steps.groupby("arm")["step"].transform("max")]
    for row in last[last["chosen"].isin(("all", "none"))].itertuples():
        for chosen in ("strongest", "weakest"):
            end = sizes.loc[(row.arm, row.seed, chosen, row.size)]
            assert end["target"] == row.target and end["own"] == row.own
    known = sizes.dropna(subset=["low"])
    assert (known["low"] <= known["target"]).all() and (known["target"] <= known["high"]).all()


def test_means_are_over_seeds_with_students_interval(tables):
    sizes, means = tables[SIZES], tables[MEANS]
    row = means[(means["arm"] == "dense") & (means["chosen"] == "strongest") & (means["size"] == 4)].iloc[0]
    values = sizes[(sizes["arm"] == "dense") & (sizes["chosen"] == "strongest") & (sizes["size"] == 4)]
    assert row["n_seeds"] == 2 and row["target"] == pytest.approx(values["target"].mean())
    ends = student_interval(values["target"].to_numpy())
    assert [row["target_low"], row["target_high"]] == pytest.approx(ends.tolist())


def test_another_shift_has_its_own_targets(tiny_run, tmp_path, tables):
    done = run_analysis("steering", tiny_run, "--shift", "-3", "--arms", "dense", "--out", str(tmp_path))
    assert done.code == 0, done.err
    found = saved_tables(tmp_path, ANALYSIS)[SIZES]
    whole = found[(found["chosen"] == "strongest") & (found["size"] == found["size"].max())]
    assert "by -3 in some frequencies" in done.out and whole["own"].lt(0.5).all()


@pytest.mark.parametrize("shift", ["0", "22"])
def test_a_shift_that_moves_nothing_is_refused_in_one_line(tiny_run, tmp_path, shift):
    refused = run_analysis("steering", tiny_run, "--shift", shift, "--out", str(tmp_path))
    assert refused.code == 2
    assert f"--shift: expected a number of residues that is no multiple of 11, got {shift}" in error_line(
        refused.err
    )
    assert not list(tmp_path.iterdir())
