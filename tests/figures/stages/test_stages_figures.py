import matplotlib.pyplot as plt
import numpy as np
import pytest

from analyses.stages.schema import CLASSES, CURVES, ENDS
from figures.drawing.recorded_figure import Drawing
from figures.stages import grokking_stages

pytestmark = pytest.mark.usefixtures("house_style")


@pytest.fixture
def tables(tiny_runs):
    return tiny_runs.tables("h_grokking", CURVES, CLASSES, ENDS)


@pytest.mark.parametrize(
    ("stage_1", "stage_2", "stages"),
    [
        ((np.nan, np.nan), (np.nan, np.nan), {"stage 1": (0, 40)}),
        ((10, 20), (np.nan, np.nan), {"stage 1": (0, 15), "stage 2": (15, 40)}),
        ((10, 10), (30, 30), {"stage 1": (0, 10), "stage 2": (10, 30), "stage 3": (30, 40)}),
    ],
)
def test_only_reached_stages_are_shaded(tables, stage_1, stage_2, stages):
    figure, ax = plt.subplots()
    ax.set_title("accuracy")
    drawing = Drawing(figure)
    ends = tables[ENDS].assign(stage_1_end=stage_1, stage_2_end=stage_2)
    grokking_stages._shade(drawing, ax, ends, last=40)
    shaded = drawing.table().set_index("series")
    assert set(shaded["panel"]) == {"accuracy stages"}
    assert {name: (row["low"], row["high"]) for name, row in shaded.iterrows()} == stages


def test_the_loss_has_a_median_and_every_curve_a_name(tables):
    drawing = grokking_stages.draw(tables)
    drawn = drawing.table().query("panel == 'loss (nats)' and series == '(a, b): test' and seed == 'median'")
    median = tables[CURVES].groupby("step")["test_loss"].median()
    assert drawn.set_index("x")["y"].to_dict() == median.to_dict()
    named = [text.get_text() for legend in drawing.figure.legends for text in legend.get_texts()]
    assert {"stage 3: weights shrink", "(a, b): train", "in neither order"} <= set(named)
    assert "(b): test accuracy if only memorised" in named


def test_a_class_without_pairs_has_no_curve(tables):
    tables[CLASSES] = tables[CLASSES][tables[CLASSES]["class"] != "rare"]
    drawn = grokking_stages.draw(tables).table()
    series = set(drawn.loc[drawn["panel"] == "accuracy by class of pairs", "series"])
    assert series == {"in both orders", "in the other order only", "in neither order"}
