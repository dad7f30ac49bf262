"""Panels of mask statistics: random masks, pruned arms, axes."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from builders import legend_texts

from analyses.graph_props.schema import PROPERTIES
from figures.graph_props import graph_properties, layer_spectra

STEPS = (0, 10, 100)
ARMS = {"base": ("dense", True), "other": ("dense", True), "winner": ("ticket", False)}
STATISTICS = {
    "layered": graph_properties.STATISTICS,
    "W_E": tuple(layer_spectra.STATISTICS),
    "W_U": tuple(layer_spectra.STATISTICS),
}


def table(*arms, n_nulls=20):
    """Return two seeds of each arm, with values rising with step and arm."""
    rows = []
    for place, arm in enumerate(arms):
        role, dense = ARMS[arm]
        for seed in (0, 1):
            for step in STEPS if dense else STEPS[-1:]:
                at = {"arm": arm, "arm_role": role, "seed": seed, "step": step, "dense": dense, "mask": "m"}
                value = 10.0 * place + seed + step / 100
                null = (
                    {"mean": value - 1, "sd": 0.5, "z": 2.0}
                    if n_nulls
                    else dict.fromkeys(("mean", "sd", "z"), np.nan)
                )
                for where, names in STATISTICS.items():
                    for name in names:
                        row = at | {"where": where, "statistic": name, "value": value}
                        for kind in ("density", "degree"):
                            row |= {f"{kind}_{part}": x for part, x in null.items()} | {f"{kind}_n": n_nulls}
                        rows.append(row)
    return pd.DataFrame(rows)


@pytest.fixture
def draw():
    """Return a function that draws arms; figures are closed afterwards."""
    drawn = []

    def draw(module, *arms, **options):
        drawn.append(module.draw({PROPERTIES: table(*arms, **options)}))
        return drawn[-1]

    yield draw
    for drawing in drawn:
        plt.close(drawing.figure)


def test_drawn_random_masks_belong_to_one_dense_arm(draw):
    numbers = draw(graph_properties, "base", "other", "winner").table()
    null = numbers.query("series == 'density null' and panel == 'layered degree_cv value'").dropna(subset="y")
    assert null["x"].tolist() == list(STEPS)
    np.testing.assert_allclose(null["y"], [-0.5 + step / 100 for step in STEPS])
    band = numbers.query("series == 'density null' and panel == 'layered degree_cv value'").dropna(
        subset="low"
    )
    np.testing.assert_allclose(band["high"] - band["low"], 2.0)


def test_pruned_arms_are_drawn_in_a_strip_without_steps(draw):
    drawing = draw(graph_properties, "base", "winner")
    (strip,) = drawing.figure.axes[0].child_axes
    assert [text.get_text() for text in strip.get_xticklabels()] == ["end"]
    assert [line.get_ydata().tolist() for line in strip.lines] == [[11.0, 12.0]]
    assert all(max(line.get_xdata()) <= STEPS[-1] for line in drawing.figure.axes[0].lines)
    assert strip.get_ylim() == drawing.figure.axes[0].get_ylim()
    noted = drawing.table().query("series == 'winner' and panel == 'layered degree_cv value'")
    assert noted["x"].tolist() == [100, 100]


def test_panels_of_one_quantity_share_their_axis_and_all_panels_one_label(draw):
    drawing = draw(layer_spectra, "base", "winner")
    axes = np.array(drawing.figure.axes).reshape(-1, 2)
    assert all(left.get_ylim() == right.get_ylim() for left, right in axes)
    assert drawing.figure.get_supxlabel() == "step (all panels)"
    labels = {"base", "winner", "± 2 standard deviations", "|z| below 2"}
    assert labels <= set(legend_texts(drawing.figure))


@pytest.mark.parametrize(("arms", "n_nulls"), [(("base",), 0), (("winner",), 20)])
def test_without_random_masks_there_are_no_panels_of_z(draw, arms, n_nulls):
    drawing = draw(graph_properties, *arms, n_nulls=n_nulls)
    assert len(drawing.figure.axes) == len(graph_properties.STATISTICS)
    assert "Random masks are not drawn" in drawing.caption
    assert "|z| below 2" not in legend_texts(drawing.figure)
