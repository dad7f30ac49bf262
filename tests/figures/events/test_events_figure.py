"""Figure `events` of planted curves."""

import numpy as np
import pandas as pd
import pytest

from analyses.events.schema import CURVES
from figures.events.since_event import draw


def planted(at, test, reference, seed=0, judged_by="accuracy"):
    """Return the curve of one network at steps 0, 10, ..., with an event at a step."""
    step = np.arange(len(test)) * 10
    about = {"arm": "cut", "arm_role": "variant", "seed": seed, "event": 0, "name": "freeze"}
    columns = {"step": step, "since": step - at, "test": test, "reference_test": reference}
    return pd.DataFrame(about | columns | {"judged_by": judged_by, "level": 0.95})


def drawn(house_style, *curves):
    """Return the numbers drawn of some curves, and the caption; the style is that of all figures."""
    drawing = draw({CURVES: pd.concat(curves, ignore_index=True)})
    return drawing.table(), drawing.caption


@pytest.mark.parametrize("at", [20, 25])
def test_curves_begin_with_the_last_evaluation_that_does_not_show_the_event(house_style, at):
    test = [0.1, 0.5, 1.0, 0.3, 0.4]
    table, _ = drawn(house_style, planted(at, test, [0.1, 0.5, 1.0, 0.9, 0.8]))
    own, reference = (
        table[(table["series"] == name) & (table["seed"] == "median")] for name in ("cut", "reference")
    )
    assert own["x"].tolist() == [0, 30 - at, 40 - at] == reference["x"].tolist()
    assert own["y"].tolist() == test[2:] and reference["y"].tolist() == [1.0, 0.9, 0.8]
    assert table.loc[table["series"] == "level", "y"].tolist() == [0.95]


def test_the_median_ends_with_the_first_seed_and_the_seeds_go_on(house_style):
    short = planted(0, [0.0, 0.2, 0.4, np.nan], [0.0, 0.0, 0.0, 0.1])
    long = planted(0, [0.0, 0.4, 0.8, 1.0], [0.0, 0.0, 0.0, 0.3], seed=1)
    table, caption = drawn(house_style, short, long)
    own = table[table["series"] == "cut"]
    assert own.loc[own["seed"] == "median", "y"].tolist() == pytest.approx([0.0, 0.3, 0.6])
    assert own.loc[own["seed"] == "1", "y"].tolist() == [0.0, 0.4, 0.8, 1.0]
    assert "n = 2" in caption
    reference = table[(table["series"] == "reference") & (table["seed"] == "median")]
    assert reference["y"].tolist() == pytest.approx([0.0, 0.0, 0.0, 0.2])


def test_networks_without_test_set_or_reference_are_drawn(house_style):
    nothing = [np.nan] * 4
    table, caption = drawn(house_style, planted(10, nothing, nothing, judged_by="loss"))
    assert set(table["series"]) == {"level"} and caption.startswith("Test loss")
