import numpy as np
import pandas as pd
import pytest
from builders import legend_texts

from analyses.ablation.schema import AGREEMENT, CIRCUITS, FREQUENCIES, REMOVED_BY, SETS
from figures.ablation import frequency_importance, smallest_circuit

ARMS = {"teacher": "dense", "pupil": "ticket", "noise": "control", "other": "control"}

pytestmark = pytest.mark.usefixtures("house_style")


def rows(table, **entries):
    """Return random rows of a table for every arm and two seeds, one per combination of entries."""
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product([ARMS, (0, 1), *entries.values()], names=["arm", "seed", *entries])
    frame = index.to_frame(index=False)
    for column in table.columns:
        if column.name not in frame and not column.role_of and column.dtype is not str:
            frame[column.name] = rng.uniform(0.1, 1, len(frame))
    return frame.assign(arm_role=frame["arm"].map(ARMS))


def test_the_most_important_frequencies_of_dense_ticket_and_control_are_coloured():
    frequencies = rows(FREQUENCIES, step=(0, 100, 1000), frequency=range(1, 12))
    agreement = rows(AGREEMENT, step=(0, 100, 1000))
    drawing = frequency_importance.draw({FREQUENCIES: frequencies, AGREEMENT: agreement})
    numbers = drawing.table()
    panels = {f"{column} {arm}" for column in ("by_mean", "power") for arm in ("teacher", "pupil", "other")}
    assert set(numbers["panel"]) == {*panels, "agreement"}
    last = frequencies.query("arm == 'pupil' and seed == 0 and step == 1000")
    most = last.nlargest(6, "by_mean")["frequency"]
    (ax,) = [ax for ax in drawing.figure.axes if ax.get_title(loc="left").startswith("(b)")]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        f"k = {k}" for k in sorted(most, key=lambda k: k)
    ]
    drawn = numbers.query("panel == 'power pupil' and series == 'k = 3'")
    expected = frequencies.query("arm == 'pupil' and seed == 0 and frequency == 3")["power"]
    np.testing.assert_allclose(drawn["y"], expected)


def test_circuits_are_drawn_by_order_and_sets_beside_their_members():
    parts = [
        rows(CIRCUITS, order=("greedy",), size=range(5)),
        rows(CIRCUITS, order=("random",), size=range(5)),
    ]
    parts[1][["without_loss", "without_acc", "without_margin", "single_sum"]] = np.nan
    circuits = pd.concat(parts, ignore_index=True)
    sets = rows(SETS, removal=REMOVED_BY, size=range(5))
    drawing = smallest_circuit.draw({CIRCUITS: circuits, SETS: sets})
    numbers = drawing.table()
    kept = numbers[numbers["panel"] == "kept"]
    assert set(kept["series"]) >= {"teacher, greedy order", "teacher, random order"}
    greedy = circuits.query("arm == 'teacher' and order == 'greedy'")
    middle = kept[kept["series"] == "teacher, greedy order"]
    np.testing.assert_allclose(middle["y"], greedy.groupby("size")["kept_acc"].median())
    for removal in REMOVED_BY:
        drawn = numbers.query(f"panel == 'sets' and series == 'teacher, {removal}'")
        own = sets.query(f"arm == 'teacher' and removal == '{removal}'")
        whole = own[own["size"] == 0].set_index("seed")["without_loss"]
        members = own[own["size"] > 0]
        together = members["without_loss"] - whole.loc[members["seed"]].to_numpy()
        np.testing.assert_allclose(drawn["y"], together)
        np.testing.assert_allclose(drawn["x"], members["single_sum"])
        assert f"by {removal}" in legend_texts(drawing.figure)
    assert "greedy order" in " ".join(legend_texts(drawing.figure))
    assert "n = 2 of every arm" in drawing.caption
