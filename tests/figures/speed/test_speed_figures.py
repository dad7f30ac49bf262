import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from analyses.grokking.schema import CURVES, OUTCOMES
from analyses.speed.schema import ARMS, CORRELATIONS, DOSES, FIXED_STEPS, SOURCES
from figures.drawing.recorded_figure import Drawing
from figures.drawing.style import arm_styles
from figures.speed import ticket_timing
from figures.speed.tau_by_sparsity import tau_by_sparsity

pytestmark = pytest.mark.usefixtures("house_style")


def test_medians_of_tau_are_not_drawn_through_a_bound():
    arms = [f"ticket_{s}" for s in (0.5, 0.6, 0.7, 0.8)]
    seeds = pd.DataFrame({"arm": arms, "sparsity": [0.5, 0.6, 0.7, 0.8], "seed": 0})
    doses = seeds.assign(method="magnitude", reference="dense", tau=[9, 90, 7, 8], tau_bound=list("=>=="))
    medians = pd.DataFrame({"arm": arms, "tau_median": [9.0, 90, 7, 8], "tau_median_bound": list("=>==")})
    figure, ax = plt.subplots()
    drawing = Drawing(figure)
    tau_by_sparsity(drawing, ax, {DOSES: doses, ARMS: medians}, arm_styles(arms))
    drawn = drawing.table().groupby("panel")
    np.testing.assert_array_equal(drawn.get_group("median tau")["y"], [9, np.nan, 7, 8])
    assert drawn.get_group("tau >")[["x", "y"]].to_numpy().tolist() == [[0.6, 90]]
    assert sorted(drawn.get_group("tau =")["y"]) == [7, 8, 9]


def test_a_mark_per_ticket_at_its_sources_accuracy(tiny_runs):
    by_schema = tiny_runs.tables("m_timing", SOURCES, FIXED_STEPS, OUTCOMES, CURVES)
    tables = {("m_timing", key): rows for key, rows in by_schema.items()}
    steps = tables["m_timing", FIXED_STEPS]
    steps["step"] = steps["step"].map({500: 10, 1000: 20, 2000: 40})
    curves = tables["m_timing", CURVES][["arm", "seed", "step", "test_acc"]]
    tables["m_timing", FIXED_STEPS] = steps.drop(columns="test_acc").merge(curves)
    tables["m_timing", CORRELATIONS] = pd.DataFrame(
        {"source": "dense", "step": 20, "seed": [0, 1, None], "n": [3, 3, 6], "spearman": [0.25, None, -1]}
    )
    drawing = ticket_timing.draw(tables)
    drawn = drawing.table()
    sources = tables["m_timing", SOURCES]
    assert sorted(drawn.query("panel == 'step 20'")["x"]) == sorted(sources["source_acc"])
    texts = [text.get_text() for ax in drawing.figure.axes for text in ax.texts]
    assert texts == ["", "Spearman's ρ = -1.00\nby seed 0.25", ""]
