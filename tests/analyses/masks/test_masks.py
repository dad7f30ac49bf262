from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from builders import saved_tables

from analyses.masks.command import main
from analyses.masks.schema import ANALYSIS, DENSITY, DISTANCES, OVERLAP, PEAKS
from analyses.masks.turnover import mask_changes, turnover_peaks
from analyses.tables.origin import read_origin
from training.config.arm_config import arm_record
from training.config.settings import Criterion
from training.runs.run_directory import RunDir


@pytest.fixture(scope="module")
def measured(analysed):
    return analysed.measured(ANALYSIS)


def slow_mask(run, seed, place, density):
    """Return the mask of the largest weights of one checkpoint, flattened.

    The weights are sorted, ties by index.
    """
    weights = run.arm("dense", seed).checkpoints("W_E", "W_in", "W_out", "W_U")
    flat = np.concatenate([np.abs(weights[name][place]).ravel() for name in ("W_E", "W_in", "W_out", "W_U")])
    n = len(flat) - int((1 - density) * len(flat))
    is_kept = np.zeros(len(flat), dtype=bool)
    is_kept[np.argsort(-flat, kind="stable")[:n]] = True
    return is_kept


def test_turnover_equals_that_of_sorted_weights(measured, tiny_run, planted):
    run, steps = RunDir(tiny_run), planted["steps"]["dense"]
    table = measured[DISTANCES].query("layer == 'global' and seed == 1")
    for row in table.itertuples():
        one, other = (
            slow_mask(run, 1, steps.index(step), 1 - planted["sparsity"])
            for step in (row.from_step, row.step)
        )
        assert row.distance == pytest.approx(1 - (one & other).sum() / (one | other).sum())


def test_intervals_are_fixed_late_and_every_checkpoint_early(measured):
    rows = measured[DISTANCES].query("layer == 'W_E' and seed == 0 and arm == 'dense'")
    intervals = rows.groupby("spacing")[["from_step", "step"]].agg(list)
    assert intervals.loc["fixed", "step"] == [2000, 4000, 6000, 8000]
    assert intervals.loc["early", "from_step"] == [0, 100, 200]
    assert set(measured[DISTANCES]["arm"]) == {"dense"}


def test_a_given_interval_is_used_and_recorded(tiny_run, tmp_path):
    assert main(["--run", str(tiny_run), "--out", str(tmp_path), "--no-plot", "--every", "4000"]) == 0
    distances = saved_tables(tmp_path, [DISTANCES])[DISTANCES]
    assert set(distances.query("spacing == 'fixed'")["step"]) == {4000, 8000}
    assert read_origin(tmp_path / "analyses" / "masks.parquet").arguments == {"every": 4000}


def test_velocity_is_distance_per_thousand_steps(measured):
    table = measured[DISTANCES]
    steps = table["step"] - table["from_step"]
    assert steps.nunique() > 2
    np.testing.assert_allclose(table["velocity"] * steps / 1000, table["distance"])


def test_gains_are_differences_of_the_recorded_accuracy(measured, tiny_run):
    metrics = RunDir(tiny_run).arm("dense", 0).metrics().set_index("step")["test_acc"]
    for row in measured[DISTANCES].query("seed == 0 and layer == 'global'").itertuples():
        assert row.gain == pytest.approx(metrics[row.step] - metrics[row.from_step])


def test_overlaps_with_the_source_and_with_chance(measured):
    overlap = measured[OVERLAP].query("layer == 'global'").set_index(["arm_a", "arm_b"]).sort_index()
    assert (overlap.loc[("dense", "grokked_ticket"), "overlap"] == 1).all()
    assert overlap.loc[("dense", "grokked_ticket"), "by_construction"].all()
    assert overlap["by_construction"].sum() == 2  # one pair, two seeds
    assert (overlap.loc[("dense", "grokked_ticket"), "arm_b_role"] == "ticket").all()
    independent = overlap.loc[("dense", "random")]
    np.testing.assert_allclose(independent["overlap"], independent["chance"], atol=0.1)
    assert independent["z"].abs().max() < 4


def test_densities_of_every_arm(measured, planted):
    last = measured[DENSITY].query("layer == 'global'").groupby("arm").tail(1).set_index("arm")["density"]
    np.testing.assert_allclose(last, 1 - planted["sparsity"])


def test_the_summary_agrees_with_the_tables(measured):
    summary = measured["json"]
    assert summary["every"] == 2000 and summary["frozen"] == []
    lags = measured[PEAKS].set_index(["arm", "seed", "layer"])["lag"]
    assert {(row["arm"], row["seed"], row["layer"]): row["lag"] for row in summary["peaks"]} == dict(lags)
    assert [row["overlap"] for row in summary["overlaps"]] == measured[OVERLAP]["overlap"].tolist()
    assert all("by_construction" not in row for row in summary["overlaps"])
    last = {(row["arm"], row["seed"], row["layer"]): row["density"] for row in summary["densities"]}
    table = measured[DENSITY].groupby(["arm", "seed", "layer"])["density"].last()
    assert last == dict(table)


def changes(distance, gain, from_steps=(2000, 4000, 6000, 8000, 10000)):
    rows = {"arm": "dense", "seed": 0, "spacing": "fixed", "layer": "global", "chance": 0.75}
    rows |= {"from_step": from_steps, "step": [s + 2000 for s in from_steps], "gain_of": "test_acc"}
    velocity = [d / 2 for d in distance]
    return pd.DataFrame(rows | {"distance": distance, "velocity": velocity, "gain": gain})


def test_verdict_on_the_two_peaks():
    near = turnover_peaks(changes([0.1, 0.3, 0.2, 0.1, 0.1], [0, 0, 0, 0.6, 0.1]))[0]
    assert (near["peak_step"], near["gain_step"], near["holds"]) == (6000, 10000, True)
    far = turnover_peaks(changes([0.3, 0.1, 0.2, 0.1, 0.1], [0, 0, 0, 0.6, 0.1]))[0]
    assert far["holds"] is False
    assert turnover_peaks(changes([0.3, 0.1], [0, 0.5], (2000, 4000)))[0]["holds"] is None
    assert turnover_peaks(changes([0.3, 0.1, 0.2, 0.1, 0.1], [np.nan] * 5))[0]["gain_step"] is None
    flat = turnover_peaks(changes([0.3, 0.1, 0.2, 0.1, 0.1], [0.0, -0.1, 0, 0, 0]))[0]
    assert flat["holds"] is None


def test_velocity_before_or_after_the_gain():
    first = turnover_peaks(changes([0.2, 0.1, 0.25, 0.3, 0.1], [0, 0, 0.1, 0.2, 0.6]))[0]
    assert (first["velocity_half_step"], first["gain_half_step"], first["lead"]) == (8000, 12000, 4000)
    assert (first["lag"], first["peak_velocity"]) == (-2000, 0.15)
    after = turnover_peaks(changes([0.2, 0.1, 0.1, 0.1, 0.3], [0, 0.5, 0.6, 0, 0]))[0]
    assert (after["lag"], after["lead"]) == (4000, -6000)


def test_correlation_is_of_ranks():
    same = turnover_peaks(changes([0.1, 0.2, 0.3, 0.9, 0.25], [0, 0.01, 0.6, 0.7, 0.1]))[0]
    assert same["spearman"] == pytest.approx(1)
    ranks = [[4, 1, 3, 5, 2], [1, 2, 5, 4, 3]]
    other = turnover_peaks(changes([0.4, 0.1, 0.3, 0.5, 0.2], [0.0, 0.1, 0.9, 0.3, 0.2]))[0]
    assert other["spearman"] == pytest.approx(np.corrcoef(*ranks)[0, 1])
    for constant in ([0.1] * 5, [0.1, np.nan, 0.2, np.nan, np.nan]):
        assert turnover_peaks(changes([0.1, 0.2, 0.3, 0.9, 0.25], constant))[0]["spearman"] is None


def test_a_velocity_that_never_falls_to_half_still_has_a_rise():
    paper = [0.178, 0.172, 0.170, 0.187, 0.217, 0.253, 0.245, 0.304, 0.299, 0.238, 0.159, 0.104]
    table = changes(paper, [np.nan] * 12, tuple(range(2000, 26000, 2000)))
    assert min(paper[:8]) > max(paper) / 2  # half of the peak itself is reached in the first interval
    assert turnover_peaks(table)[0]["velocity_half_step"] == 14000  # from 0.170 half way to 0.304
    falling = turnover_peaks(changes([0.5, 0.4, 0.3, 0.2, 0.1], [0, 0, 0.1, 0.5, 0]))[0]
    assert falling["velocity_half_step"] is None and falling["lead"] is None


class Regression:
    """Network whose test loss falls to 0."""

    arm, seed, steps = "dense", 0, np.array([0, 2000, 4000, 6000])
    setting = SimpleNamespace(criterion=Criterion("train_loss", "test_loss", 1e-2, "down"))

    metrics = pd.DataFrame({"step": steps, "test_loss": [1.0, 0.1, 1e-4, 0.0], "test_acc": np.nan})


def test_without_accuracy_the_gain_is_a_fall_of_the_loss():
    masks = [{"W_0": np.array([True, False, i > 1])} for i in range(4)]
    rows = pd.DataFrame(mask_changes(Regression(), masks, 2000)).query(
        "spacing == 'fixed' and layer == 'W_0'"
    )
    assert set(rows["gain_of"]) == {"test_loss"}
    np.testing.assert_allclose(rows["gain"].astype(float), [1, 3, np.nan])
    assert rows["distance"].tolist() == [0, 0.5, 0]


def test_the_first_steps_are_no_peak():
    peaks = turnover_peaks(changes([0.9, 0.3, 0.1, 0.1, 0.1], [0, 0.5, 0, 0, 0], (0, 2000, 4000, 6000, 8000)))
    assert peaks[0]["peak_step"] == 4000


def test_masks_of_trained_scores_turn_over_and_the_last_one_is_compared(new_run):
    arms = {"edge_popup": {"form": "edge_popup"}, "random": {"method": "random"}}
    content = {
        "name": "scored",
        "seeds": [0],
        "task": {"p": 3},
        "model": {"d_emb": 4, "d_mlp": 2},
        "arms": arms,
    }
    run, recipe = new_run(content)
    rng = np.random.default_rng(0)
    shapes = recipe.setting("random").shapes()
    early, last = ({name: rng.random(shape) < 0.4 for name, shape in shapes.items()} for _ in range(2))
    for arm, masks in (("edge_popup", (early, last)), ("random", (last, last))):
        files = run.arm(arm, 0)
        files.write_checkpoints(np.array([0, 100]), {n: np.float32([m[n] for m in masks]) for n in shapes})
        files.write_mask(last)
        curve = np.array([0.0, 0.5])
        files.write_metrics({"step": np.array([0, 100]), "train_acc": curve, "test_acc": curve})
        files.finish(arm_record(recipe, arm, 0) | {"steps": 100, "source": None})
    assert main(["--run", str(run.path), "--no-plot"]) == 0
    tables = saved_tables(run.path, ANALYSIS)
    assert set(tables[DISTANCES]["arm"]) == {"edge_popup"} and (tables[DISTANCES]["distance"] > 0).any()
    assert tables[DENSITY].query("layer == 'global'")["arm"].tolist() == [
        "edge_popup",
        "edge_popup",
        "random",
    ]
    assert (tables[OVERLAP]["overlap"] == 1).all()
    assert not tables[OVERLAP]["by_construction"].any()  # planted alike, but neither arm reads the other
