import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from figures.drawing.recorded_figure import Drawing, seeds_and_centre, shared_x_label, without_jumps
from figures.drawing.render import STYLE

CURVES = pd.DataFrame(
    {
        "arm": ["dense"] * 6,
        "seed": [0, 0, 0, 1, 1, 2],
        "step": [0, 10, 20, 0, 10, 0],
        "loss": [1.0, 4.0, 9.0, 100.0, 9.0, 10.0],
    }
)


@pytest.fixture
def drawing():
    figure, _ = plt.subplots()
    yield Drawing(figure)
    plt.close(figure)


@pytest.mark.parametrize(("centre", "expected"), [("mean", 37), ("median", 10), ("geometric mean", 10)])
def test_the_centre_is_over_seeds_at_steps_that_all_seeds_have(drawing, centre, expected):
    drawing.arms(drawing.figure.axes[0], "loss", CURVES, "loss", centre)
    numbers = drawing.table()
    middle = numbers[numbers["seed"] == centre]
    assert middle["x"].tolist() == [0] and middle["y"].tolist() == pytest.approx([expected])
    assert numbers.loc[numbers["seed"] == "0", "y"].tolist() == [1, 4, 9]
    assert f"bold: their {centre} where all seeds have a value (n = 3)" in seeds_and_centre(CURVES, centre)


def test_a_geometric_mean_of_two_is_halfway_on_a_logarithmic_axis(drawing):
    drawing.arms(drawing.figure.axes[0], "loss", CURVES[CURVES["seed"] < 2], "loss", "geometric mean")
    numbers = drawing.table()
    assert numbers.loc[numbers["seed"] == "geometric mean", "y"].tolist() == pytest.approx([10, 6])


def test_no_geometric_mean_of_a_negative_number(drawing):
    drawing.arms(drawing.figure.axes[0], "loss", CURVES.assign(loss=-1.0), "loss", "geometric mean")
    numbers = drawing.table()
    assert numbers.loc[numbers["seed"] == "geometric mean", "y"].isna().all()


def test_an_unknown_centre_is_refused(drawing):
    with pytest.raises(ValueError, match="centre: expected one of mean, median, geometric mean, got 'mode'"):
        drawing.arms(drawing.figure.axes[0], "loss", CURVES, "loss", "mode")


def test_one_seed_is_no_mean(drawing):
    one = CURVES[CURVES["seed"] == 0]
    drawing.arms(drawing.figure.axes[0], "loss", one, "loss")
    assert len(drawing.figure.axes[0].lines) == 1
    assert seeds_and_centre(one) == "One network per arm (n = 1)."


def test_no_axis_has_an_offset_text():
    with plt.style.context(STYLE):
        for low, high in ((1e-7, 3e-7), (1e6, 1e6 + 5), (1e8, 9e8)):
            figure, ax = plt.subplots()
            ax.plot([low, high], [low, high])
            figure.canvas.draw()
            assert ax.yaxis.get_offset_text().get_text() == ax.xaxis.get_offset_text().get_text() == ""
            labels = [label.get_text().replace("\N{MINUS SIGN}", "-") for label in ax.get_yticklabels()]
            assert [float(text) for text in labels] == pytest.approx(ax.get_yticks(), rel=1e-6)
            plt.close(figure)


def test_a_shared_label_is_the_only_one():
    figure, axes = plt.subplots(1, 2)
    axes[0].set_xlabel("step")
    shared_x_label(figure, axes, "step")
    assert [ax.get_xlabel() for ax in axes] == ["", ""] and figure.get_supxlabel() == "step (all panels)"
    plt.close(figure)


def test_a_note_is_below_a_shared_label():
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(1, 2, figsize=(7, 2))
        shared_x_label(figure, axes, "step")
        Drawing(figure).stamp("quick: seed 0, at most 8,000 steps; " * 9)
        figure.canvas.draw()
    label, note = (text.get_window_extent() for text in figure.texts)
    assert note.y1 < label.y0 and label.y1 < min(ax.get_tightbbox().y0 for ax in axes)
    plt.close(figure)


def test_curves_of_angles_are_cut_at_jumps():
    assert without_jumps([3.0, -3.0, -2.9]).tolist()[::2] == [3.0, -2.9]
    assert np.isnan(without_jumps([3.0, -3.0, -2.9])[1])
