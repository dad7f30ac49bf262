import pandas as pd
import pytest
from builders import legend_texts

from analyses.masks.schema import DENSITY, DISTANCES, PEAKS
from figures.catalogue.registry import FIGURES

pytestmark = pytest.mark.usefixtures("house_style")


@pytest.fixture
def tables(analysed):
    return analysed.tables(DISTANCES, PEAKS, DENSITY)


def test_seeds_share_their_axes_and_every_mark_is_in_the_legend(tables):
    figure = FIGURES["masks"].draw(tables).figure
    changes, gains = figure.axes[0:4:2], figure.axes[1:4:2]
    for axes in (changes, gains):
        assert axes[0].get_xlim() == axes[1].get_xlim() and axes[0].get_ylim() == axes[1].get_ylim()
    assert all(ax.get_xlabel() == "step" for ax in gains)
    entries = legend_texts(figure)
    assert entries[-3:] == ["all weights", "chance", "half way up to the peak"] and len(entries) == 7


def test_the_dense_network_is_chosen_by_its_role(tables):
    other = tables[DISTANCES].assign(arm="scores", arm_role="variant", distance=0.5)
    renamed = tables[DISTANCES].replace({"arm": {"dense": "teacher"}})
    peaks = tables[PEAKS].replace({"arm": {"dense": "teacher"}})
    drawn = FIGURES["masks"].draw(
        {DISTANCES: pd.concat([other, renamed]), PEAKS: peaks, DENSITY: tables[DENSITY]}
    )
    assert "the network teacher" in drawn.caption
    curve = drawn.table().query("panel == 'turnover seed 0' and series == 'global'")
    expected = renamed.query("seed == 0 and layer == 'global' and spacing == 'fixed'")
    assert curve["y"].tolist() == expected["distance"].tolist()


def test_without_a_fixed_interval_two_panels_are_left(tables):
    early = tables[DISTANCES].query("spacing == 'early'")
    figure = (
        FIGURES["masks"]
        .draw({DISTANCES: early, PEAKS: tables[PEAKS].iloc[:0], DENSITY: tables[DENSITY]})
        .figure
    )
    assert len(figure.axes) == 2
