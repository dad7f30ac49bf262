"""Figure `stitching`, on numbers that name their rows."""

import numpy as np
import pandas as pd
import pytest
from builders import legend_texts

from analyses.stitching.schema import STITCHING
from figures.stitching import read_neurons

ROLES = {"teacher": "dense", "pupil": "ticket", "noise": "control"}
STEPS = (0, 90, 120, 1000)

pytestmark = pytest.mark.usefixtures("house_style")


def accuracy(row):
    """Return an accuracy that only this row has."""
    places = ["place", "permuted", "wave"].index(row["places"])
    arms = list(ROLES).index(row["arm"]), list(ROLES).index(row["reader"])
    return (
        (places + 1) / 4 + arms[0] / 20 + arms[1] / 50 + STEPS.index(row["step"]) / 500 + row["seed"] / 5000
    )


@pytest.fixture(scope="module")
def table():
    """Return the table of three arms and two seeds."""
    rows = []
    for arm in ROLES:
        for seed in (0, 1):
            for step in STEPS:
                at = {"arm": arm, "seed": seed, "step": step, "reader_seed": seed, "reader_step": 1000}
                for reader in ROLES:
                    start = "itself" if reader == arm else "shared"
                    rows.append(at | {"reader": reader, "start": start, "places": "place"})
                rows.append(at | {"reader": "teacher", "start": "shared", "places": "permuted"})
                other = at | {"reader": "teacher", "start": "other seed", "reader_seed": 1 - seed}
                rows += [other | {"places": "place"}, other | {"places": "wave"}]
                if step < 1000:
                    own = {"reader": arm, "reader_step": step, "start": "itself", "places": "place"}
                    rows.append(at | own)
    frame = pd.DataFrame(rows).assign(neurons="all", n_neurons=5, similarity=np.nan)
    frame["test_acc"] = [accuracy(row) for row in frame.to_dict("records")]
    frame["all_acc"] = frame["test_acc"]
    for column in ("train_loss", "train_acc", "test_loss", "all_loss"):
        frame[column] = 0.0
    return frame.assign(arm_role=frame["arm"].map(ROLES), reader_role=frame["reader"].map(ROLES))


def test_curves_are_the_rows_of_the_first_readers_last_map(table):
    drawing = read_neurons.draw({STITCHING: table})
    curves = drawing.table().query("panel == 'over training' and seed == 'median'").set_index("series")
    read = table.query("reader == 'teacher' and reader_step == 1000")
    wanted = {
        "noise": read.query("arm == 'noise' and places == 'place' and start == 'shared'"),
        "pupil": read.query("arm == 'pupil' and places == 'place' and start == 'shared'"),
        "permuted": read.query("arm == 'pupil' and places == 'permuted'"),
        "other seed": read.query("arm == 'pupil' and places == 'wave'"),
        "itself": table.query("arm == 'pupil' and start == 'itself' and step == reader_step"),
    }
    for name, rows in wanted.items():
        np.testing.assert_allclose(curves.loc[name, "y"], rows.groupby("step")["test_acc"].median())
    assert "pupil itself" in legend_texts(drawing.figure) and "n = 2 of every arm" in drawing.caption


def test_matrices_have_the_nearest_checkpoint_to_step_100_and_the_last(table):
    drawing = read_neurons.draw({STITCHING: table})
    for moment, step in (("at step 100", 90), ("at the last checkpoint", 1000)):
        numbers = drawing.table()
        cells = numbers[(numbers["panel"] == moment) & (numbers["series"] == "median")]
        rows = table.query("reader_step == 1000 and places == 'place' and start != 'other seed'")
        rows = rows[rows["step"] == step]
        expected = rows.groupby(["arm", "reader"], sort=False)["test_acc"].median().unstack(sort=False)
        found = cells["value"].to_numpy().reshape(6, 3)
        np.testing.assert_allclose(found[:3], expected.loc[list(ROLES), list(ROLES)])
        ranges = numbers[(numbers["panel"] == moment) & (numbers["series"] == "range")]
        assert (ranges["high"] - ranges["low"]).dropna().to_numpy() == pytest.approx(1 / 5000)
        assert np.isnan(found[3:, 1:]).all() and np.isfinite(found[3:, 0]).all()


def test_a_run_of_one_network_is_drawn_too(table):
    lone = table.query("arm == 'teacher' and seed == 0 and reader == 'teacher' and start == 'itself'")
    drawing = read_neurons.draw({STITCHING: lone})
    assert set(drawing.table()["series"]) == {"teacher", "itself", "median", "range"}
