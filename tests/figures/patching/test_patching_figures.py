import numpy as np
import pandas as pd
import pytest
from builders import legend_texts

from analyses.patching.schema import ATTRIBUTION, PATCHES
from figures.patching import attributed_logits, recovered_sites

ARMS = {"teacher": "dense", "pupil": "ticket", "noise": "control", "other": "control"}
STEPS = (0, 100, 1000)

pytestmark = pytest.mark.usefixtures("house_style")


def rows(table, entries):
    """Return random rows of a table for every arm, two seeds and every step, one per entry."""
    rng = np.random.default_rng(0)
    at = [(arm, seed, step, *entry) for arm in ARMS for seed in (0, 1) for step in STEPS for entry in entries]
    names = ["arm", "seed", "step", *table.key[3:]]
    frame = pd.DataFrame(at, columns=names)
    for column in table.columns:
        if column.name not in frame and not column.role_of and column.dtype is float:
            frame[column.name] = rng.uniform(0.1, 1, len(frame))
    frame["is_key"] = (frame[names[3]] == "frequency") & frame["unit"].isin((2, 5))
    return frame.assign(arm_role=frame["arm"].map(ARMS), n_neurons=3, hook="")


def patched(*more):
    sites = [
        ("input", 0),
        ("input", 1),
        ("neurons", 0),
        ("rest", 0),
        *(("frequency", k) for k in range(1, 9)),
    ]
    table = rows(PATCHES, [*sites, *more])
    return table.assign(low=table["recovered"] - 0.1, high=table["recovered"] + 0.1)


def labels(drawing, panel):
    numbers = drawing.table()
    return numbers.loc[numbers["panel"] == panel, "series"].drop_duplicates().tolist()


def test_key_frequencies_are_rows_by_their_last_share():
    patches = patched()
    drawing = recovered_sites.draw({PATCHES: patches})
    last = patches.query("arm == 'pupil' and seed == 0 and step == 1000 and is_key")
    ordered = last.sort_values("recovered", ascending=False)["unit"]
    expected = ["first input", "second input", *(f"k = {k}" for k in ordered), "other neurons"]
    assert labels(drawing, "recovered pupil") == expected
    numbers = drawing.table()
    drawn = numbers.query("panel == 'recovered pupil' and series == 'k = 2'")
    cells = patches.query("arm == 'pupil' and seed == 0 and site == 'frequency' and unit == 2")
    np.testing.assert_allclose(drawn["value"], cells["recovered"])
    assert set(numbers["panel"]) == {*(f"recovered {a}" for a in ("teacher", "pupil", "other")), "last",
                                     "last interval", "rest"}  # fmt: skip
    assert "n = 2 of every arm" in drawing.caption


def test_all_networks_have_their_last_shares_with_intervals():
    patches = patched()
    numbers = recovered_sites.draw({PATCHES: patches}).table()
    drawn = numbers.query("panel == 'last interval' and series == 'noise' and seed == '1'")
    last = patches.query("arm == 'noise' and seed == 1 and step == 1000").set_index(["site", "unit"])
    most = last.loc["frequency"].sort_values("recovered", ascending=False)["low"].head(6)
    expected = [
        last.loc[("input", 0), "low"],
        last.loc[("input", 1), "low"],
        *most,
        last.loc[("rest", 0), "low"],
    ]
    np.testing.assert_allclose(drawn["low"], expected)
    np.testing.assert_allclose(drawn["high"] - drawn["low"], 0.2)


def test_heads_and_all_neurons_are_rows_of_a_transformer():
    drawing = recovered_sites.draw({PATCHES: patched(("head", 0), ("head", 1), ("attention", 0))})
    assert labels(drawing, "recovered pupil")[2:6] == ["head 0", "head 1", "all heads", "all neurons"]


def test_a_network_that_never_prefers_its_answer_is_grey():
    patches = patched()
    patches.loc[patches["arm"] == "other", ["recovered", "low", "high"]] = np.nan
    numbers = recovered_sites.draw({PATCHES: patches}).table()
    assert numbers.query("panel == 'recovered other'")["value"].isna().all()


def test_attributions_are_above_the_mean_logit_and_sum_to_the_right_one():
    parts = [*(("frequency", k) for k in range(1, 14)), ("rest", 0), ("around", 0), ("network", 0)]
    table = rows(ATTRIBUTION, parts)
    drawing = attributed_logits.draw({ATTRIBUTION: table})
    numbers = drawing.table()
    last = table.query("arm == 'teacher' and seed == 0 and step == 1000")
    added = (last["right"] - last["mean"])[last["component"].isin(("frequency", "rest", "around"))]
    drawn = numbers.query("panel == 'teacher' and series == 'right answer'")
    assert len(drawn) == 12 and drawn["y"].sum() == pytest.approx(added.sum())
    assert len(numbers.query("panel == 'teacher' and series == 'its neighbors'")) == 10
    keys = table.query("arm == 'pupil' and seed == 1 and is_key")
    expected = (keys["right"] - keys["mean"]).groupby(keys["step"]).sum()
    of_keys = numbers.query("panel == 'of it, by key frequencies' and series == 'pupil' and seed == '1'")
    np.testing.assert_allclose(of_keys["y"], expected)
    assert {"right answer", "its neighbors", "its ghosts"} <= set(legend_texts(drawing.figure))
