import matplotlib.pyplot as plt
import numpy as np
import pytest
from builders import legend_texts

from analyses.norms.schema import ENDS, NORMS, SPREAD
from figures.norms.norm_paths import draw


@pytest.fixture
def drawing(analysed):
    drawing = draw(analysed.tables(NORMS, ENDS, SPREAD))
    yield drawing
    plt.close(drawing.figure)


def test_every_mark_and_the_zone_are_in_the_legend(drawing):
    entries = set(legend_texts(drawing.figure))
    assert {"dense", "random mask", "step 0", "has generalised", "end, never generalised"} <= entries
    assert "range at the end of networks that generalised (n = 4)" in entries


def test_points_are_where_networks_generalised_and_where_others_ended(drawing, analysed):
    ends = analysed.table(ENDS)
    table = drawing.table()
    expected = {
        "plane generalised": ends[ends["at"] == "t_gen"],
        "plane never": ends[ends["outcome"] == "never"],
        "plane start": analysed.table(NORMS).query("step == 0 and layer == 'global'"),
    }
    for panel, rows in expected.items():
        points = table[table["panel"] == panel].dropna(subset="x")
        assert sorted(points["x"]) == sorted(rows["kept_l1"]) and len(rows)
        assert sorted(points["y"]) == sorted(rows["kept_l2"])


def test_axes_span_as_many_decades_for_both_norms(drawing):
    l2, l1, plane = drawing.figure.axes
    spans = [np.ptp(np.log10(limits)) for limits in (l2.get_ylim(), l1.get_ylim(), plane.get_xlim())]
    np.testing.assert_allclose(spans, spans[0])


def test_the_drawn_zone_has_the_limits_of_the_table(drawing, analysed):
    row = analysed.table(SPREAD).query("arm == 'all' and at == 'end' and norm == 'kept_l2'").iloc[0]
    zone = drawing.table().query("panel == 'kept_l2' and series == 'zone'").iloc[0]
    assert (zone["low"], zone["high"]) == (row["least"], row["largest"])
