import numpy as np
import pandas as pd
import pytest
from builders import AnalysedRun, legend_texts

from analyses.phases.schema import GROUPS, MEANS, NEURONS
from figures.catalogue.registry import FIGURES
from figures.phases import frequency_allocation, phase_alignment, single_frequency

pytestmark = pytest.mark.usefixtures("house_style")


@pytest.fixture
def tables(analysed):
    return analysed.tables(MEANS, NEURONS, GROUPS)


def as_arms(table, n):
    """Return copies of the dense rows as arms of other names."""
    dense = table[table["arm"] == "dense"]
    return pd.concat([dense.assign(arm=f"arm {letter}") for letter in "abcdefg"[:n]])


def test_every_live_neuron_is_a_point_at_its_phases(tables, planted):
    drawing = phase_alignment.draw(tables)
    points = drawing.table().query("panel == 'phases dense' and series == 'same frequency'")
    assert len(points) == 2 * len(planted["phi"])
    twice = np.angle(np.exp(2j * planted["phi"]))
    np.testing.assert_allclose(points["x"].iloc[: len(twice)], twice, atol=1e-5)
    np.testing.assert_allclose(points["y"].iloc[: len(twice)], planted["psi"], atol=1e-5)
    named = legend_texts(drawing.figure)
    assert {"dense", "two frequencies", "random phases or frequencies"} <= set(named)
    assert all(ax.get_xlabel() and ax.get_ylabel() for ax in drawing.figure.axes)


def test_arms_beyond_the_fourth_are_left_out_and_the_caption_says_so(tables):
    many = {table: as_arms(rows, 6) for table, rows in tables.items()}
    for module in (phase_alignment, frequency_allocation):
        drawing = module.draw(many)
        assert "the first 4 of 6 arms" in drawing.caption
        assert len(drawing.figure.axes) == {phase_alignment: 4 + 3, frequency_allocation: 4 + 4}[module]
        assert "of 3 arms" not in module.draw(tables).caption


def test_each_frequency_has_a_bar_at_the_mean_of_the_seeds(tables, planted):
    drawing = frequency_allocation.draw(tables)
    numbers = drawing.table().query("series == 'dense'")
    bars = numbers[numbers["panel"] == "counts"].set_index("x")["y"]
    assert bars.to_dict() == {k: float((planted["frequency"] == k).sum()) for k in range(1, 6)}
    even = drawing.table().query("series == 'dense, an even share'")["y"]
    assert even.tolist() == [len(planted["frequency"]) / 5]
    assert "range of seeds" in legend_texts(drawing.figure)
    one_seed = {table: rows[rows["seed"] == 0] for table, rows in tables.items()}
    assert "range of seeds" not in legend_texts(frequency_allocation.draw(one_seed).figure)


def test_phase_circles_show_the_ticket_and_explain_their_numbers(tables, planted):
    drawing = FIGURES["phase_rings"].draw(tables)
    assert "grokked ticket, seed 0" in drawing.figure.get_suptitle()
    assert "random: expected of N random phases" in drawing.figure.get_suptitle()
    circle = drawing.table().query("panel == 'frequency 3'").set_index("series")
    np.testing.assert_allclose(
        circle.loc["input phase", "y"], planted["phi"][planted["frequency"] == 3], atol=1e-5
    )
    (text,) = [ax.texts[0].get_text() for ax in drawing.figure.axes if ax.get_title() == "$k$ = 3"]
    assert text.splitlines()[0] == "N = 2" and text.splitlines()[-1] == "random 0.63"
    dense = {table: rows[rows["arm"] == "dense"] for table, rows in tables.items()}
    assert "dense, seed 0" in FIGURES["phase_rings"].draw(dense).figure.get_suptitle()


def test_a_row_of_single_frequency_neurons_per_activation(square_run, relu_run):
    sources = [(recipe, NEURONS) for recipe in single_frequency.ACTIVATIONS]
    runs = (square_run, relu_run)
    tables = {source: AnalysedRun(run).table(NEURONS) for source, run in zip(sources, runs, strict=True)}
    drawing = single_frequency.draw(tables)
    drawing.figure.canvas.draw()
    first = tables[sources[1]].query("seed == 0 and step == 0").set_index("neuron")
    same = first.index[first["frequency"] == first["frequency"].iloc[0]]
    drawn = drawing.table().query("panel == 'ReLU: misalignment'")
    assert set(drawn["series"]) == {f"neuron {neuron}" for neuron in same}
    curve = drawn[drawn["series"] == f"neuron {same[1]}"].set_index("x")["y"]
    assert curve.loc[0] == first.loc[same[1], "D"]
    assert f"n = {len(same)} neurons" in drawing.caption
    assert len(set(drawing.table().query("panel == 'x²: amplitudes'")["series"])) == 2 * 4
