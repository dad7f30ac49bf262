import numpy as np
import pandas as pd
import pytest

from analyses.norms.command import main
from analyses.norms.generalization_zone import spreads
from analyses.norms.schema import ANALYSIS, ENDS, MASKED, NORM_LABELS, NORMS, SPREAD
from analyses.norms.summary import comparisons, printed
from training.cli.printed_table import render
from training.runs.run_directory import RunDir

LAYERS = ["W_E", "W_in", "W_out", "W_U"]


@pytest.fixture(scope="module")
def measured(analysed):
    return analysed.measured(ANALYSIS)


@pytest.mark.parametrize("arm", ["dense", "grokked_ticket", "random"])
def test_norms_of_all_weights_equal_numpys(arm, measured, tiny_run, planted):
    weights = RunDir(tiny_run).arm(arm, 1).checkpoints()
    for layer in (*LAYERS, "global"):
        names = LAYERS if layer == "global" else [layer]
        flat = np.concatenate([weights[n].reshape(len(weights[n]), -1) for n in names], axis=1).astype(float)
        rows = measured[NORMS].query("arm == @arm and seed == 1 and layer == @layer")
        assert rows["step"].tolist() == planted["steps"][arm]
        np.testing.assert_allclose(rows["l1"], np.linalg.norm(flat, 1, axis=1))
        np.testing.assert_allclose(rows["l2"], np.linalg.norm(flat, 2, axis=1))


def test_kept_weights_are_the_largest_of_a_dense_arm_and_all_of_a_pruned_one(measured, tiny_run, planted):
    weights = RunDir(tiny_run).arm("dense", 0).checkpoints()
    flat = np.abs(
        np.concatenate([weights[n].reshape(len(weights[n]), -1) for n in LAYERS], axis=1).astype(float)
    )
    n = flat.shape[1] - int(planted["sparsity"] * flat.shape[1])
    largest = np.sort(flat, axis=1)[:, -n:]
    rows = measured[NORMS].query("arm == 'dense' and seed == 0 and layer == 'global'")
    np.testing.assert_allclose(rows["kept_l1"], largest.sum(axis=1))
    np.testing.assert_allclose(rows["kept_l2"], np.sqrt((largest**2).sum(axis=1)))
    pruned = measured[NORMS].query("arm != 'dense'")
    assert (pruned["kept_l1"] == pruned["l1"]).all() and (pruned["kept_l2"] == pruned["l2"]).all()


def test_norms_of_a_source_under_the_mask_of_its_ticket(measured, tiny_run):
    run = RunDir(tiny_run)
    assert set(zip(measured[MASKED]["ticket"], measured[MASKED]["arm"], strict=True)) == {
        ("grokked_ticket", "dense")
    }
    weights, mask = run.arm("dense", 1).checkpoints(), run.arm("grokked_ticket", 1).mask()
    masked = measured[MASKED].query("seed == 1 and layer == 'W_in'")
    np.testing.assert_allclose(
        masked["l1"], [np.abs(w[mask["W_in"]]).sum() for w in weights["W_in"].astype(float)]
    )
    last = masked.iloc[-1]  # the ticket was drawn there
    dense = measured[NORMS].query("arm == 'dense' and seed == 1 and layer == 'W_in'").iloc[-1]
    assert last["l2"] == dense["kept_l2"] and last["step"] == dense["step"]


def test_arms_have_roles_and_the_row_of_all_arms_has_none(measured):
    assert set(measured[MASKED]["ticket_role"]) == {"ticket"}
    assert set(measured[MASKED]["arm_role"]) == {"dense"}
    roles = dict(measured[SPREAD][["arm", "arm_role"]].to_numpy())
    assert roles == {"all": "", "dense": "dense", "grokked_ticket": "ticket"}


def test_landmarks_are_checkpoints_from_t_gen_on(measured, planted):
    ends = measured[ENDS].set_index(["arm", "seed", "at"])
    assert planted["t_gen"]["dense"] == (6000, 7500)
    assert ends.loc[("dense", 0, "t_gen"), "step"] == 6000
    assert ends.loc[("dense", 1, "t_gen"), "step"] == 8000
    assert ends.loc[("grokked_ticket", 1, "t_gen"), "step"] == 1000
    assert ("random", 0, "t_gen") not in ends.index
    assert ends.loc[("random", 0, "end"), "outcome"] == "never"
    table = measured[NORMS].query("layer == 'global'").set_index(["arm", "seed", "step"])
    for (arm, seed, _), row in ends.iterrows():
        assert row[[*NORM_LABELS]].tolist() == table.loc[(arm, seed, row["step"]), [*NORM_LABELS]].tolist()


def test_without_the_last_checkpoints_there_is_no_t_gen(tiny_run, tmp_path):
    assert main(["--run", str(tiny_run), "--out", str(tmp_path), "--no-plot", "--steps", "0", "2000"]) == 0
    ends = pd.read_parquet(tmp_path / "analyses" / "norms_ends.parquet").set_index(["arm", "seed"])
    assert set(ends["at"]) == {"end"} and ends.loc[("dense", 0), "step"] == 2000
    assert ends.loc[("dense", 0), "outcome"] == "generalised"


def reached(*networks):
    """Return last norms of networks, given as arm, seed, outcome, norms."""
    columns = ["arm", "seed", "outcome", *NORM_LABELS]
    return pd.DataFrame(networks, columns=columns).assign(at="end", step=100, t_gen=10.0)


NETWORKS = reached(
    ("dense", 0, "generalised", 100.0, 10.0, 40.0, 8.0),
    ("dense", 1, "generalised", 400.0, 11.0, 50.0, 9.0),
    ("ticket", 0, "generalised", 50.0, 9.0, 50.0, 9.0),
    ("random", 0, "never", 60.0, 20.0, 60.0, 20.0),
    ("random", 1, "never", 39.0, 9.5, 45.0, 9.5),
    ("other", 0, "unknown", 60.0, 9.5, 60.0, 9.5),
)


def test_zones_span_generalised_networks_and_count_others_inside():
    zones = spreads(NETWORKS).set_index(["arm", "norm"])
    l1 = zones.loc[("all", "l1")]
    assert (l1["n"], l1["n_arms"], l1["least"], l1["largest"], l1["max_over_min"]) == (3, 2, 50, 400, 8)
    assert l1["log_sd"] == pytest.approx(np.std(np.log([100, 400, 50]), ddof=1))
    never = {
        name: (zones.loc[("all", name), "inside"], zones.loc[("all", name), "never"]) for name in NORM_LABELS
    }
    assert never == {"l1": (1, 2), "l2": (1, 2), "kept_l1": (1, 2), "kept_l2": (0, 2)}
    assert zones.loc[("dense", "l2"), "n"] == 2 and np.isnan(zones.loc[("ticket", "l2"), "log_sd"])
    assert "random" not in zones.index and "other" not in zones.index


def test_every_pair_of_norms_is_compared():
    rows = {(row["l2"], row["l1"]): row for row in comparisons(spreads(NETWORKS))}
    assert rows.keys() == {("kept_l2", "kept_l1"), ("kept_l2", "l1"), ("l2", "l1")}
    assert all(row["n"] == 3 and row["n_arms"] == 2 and row["smaller"] == "l2" for row in rows.values())
    swapped = NETWORKS.rename(columns={"l1": "l2", "l2": "l1", "kept_l1": "kept_l2", "kept_l2": "kept_l1"})
    assert {row["smaller"] for row in comparisons(spreads(swapped))} == {"l1"}
    assert rows["kept_l2", "l1"]["l2_cv"] == pytest.approx(np.std([8, 9, 9], ddof=1) / np.mean([8, 9, 9]))


def test_too_few_networks_are_not_compared():
    for few in (NETWORKS.iloc[2:], NETWORKS.iloc[3:]):
        spread = spreads(few)
        assert comparisons(spread) == [] and "Spread of L2 against L1" not in render(
            printed({ENDS: few, SPREAD: spread})
        )
    assert len(spreads(NETWORKS.iloc[3:])) == 0


def test_printed_conclusions():
    norms, zones, compared = printed({ENDS: NETWORKS, SPREAD: spreads(NETWORKS)})
    assert {"last, never generalised", "last, no metrics"} <= {row["checkpoint"] for row in norms.rows}
    assert "Number of the 2 networks that never generalised but end in the range: 1 (L1, all weights)" in (
        zones.conclusion
    )
    row = next(row for row in compared.rows if (row["L2 norm"], row["L1 norm"]) == ("L2, kept", "L1, kept"))
    assert (row["SD of ln L2"], row["SD of ln L1"], row["spreads less"]) == ("0.068", "0.129", "L2")
    assert "3 of 3 readings" in compared.conclusion
    assert all(len(table.rows[0]) <= 7 for table in (norms, zones, compared))
    one = NETWORKS.iloc[:1]
    (_, zone) = printed({ENDS: one, SPREAD: spreads(one)})
    assert (zone.rows[0]["range"], zone.rows[0]["SD of ln"]) == ("100", "-")
    assert zone.conclusion.startswith("Every network generalised")


def test_the_summary_agrees_with_the_tables(measured):
    assert [row["n"] for row in measured["json"]["comparisons"]] == [4, 4, 4]
    pooled = measured[SPREAD].query("arm == 'all' and at == 'end'").set_index("norm")
    assert (pooled["never"] == 2).all()
    assert measured["json"]["comparisons"][0]["l2_log_sd"] == pytest.approx(pooled.loc["kept_l2", "log_sd"])
