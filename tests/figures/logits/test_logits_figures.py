import numpy as np
import pytest

from analyses.logits.schema import FITS, IDEAL_SUBSETS, LEAST_R2, SLICE, SUBSETS, VOTES
from figures.logits import flawed_indicator, majority_vote_subsets, output_logits

pytestmark = pytest.mark.usefixtures("house_style")


def test_ratios_are_drawn_only_where_the_fit_explains_something(analysed):
    fits = analysed.table(FITS)
    strong = fits["step"] >= 4000
    fits = fits.assign(r2=np.where(strong, LEAST_R2, LEAST_R2 / 2), ratio=np.where(strong, 0.3, -40.6))
    drawing = flawed_indicator.draw({FITS: fits, VOTES: analysed.table(VOTES)})
    ratios = drawing.table().query("panel == 'ratio' and series == 'dense'")
    assert set(ratios["y"].dropna()) == {0.3}
    assert set(ratios[ratios["seed"] == "mean"]["x"]) == set(fits[strong & (fits["arm"] == "dense")]["step"])
    low, high = drawing.figure.axes[1].get_ylim()
    assert low == 0 and high < 1


def test_the_vote_is_drawn_over_the_number_of_neurons(analysed):
    votes = analysed.table(VOTES)
    drawing = flawed_indicator.draw({FITS: analysed.table(FITS), VOTES: votes})
    drawn = drawing.table().query("panel == 'votes' and series == 'dense' and seed == '1'")
    expected = votes.query("arm == 'dense' and seed == 1")
    assert drawn["x"].tolist() == expected["n_neurons"].tolist()
    assert drawn["y"].tolist() == expected["accuracy"].tolist()


def test_on_logarithmic_axes_the_centre_is_a_median(analysed):
    subsets = analysed.table(SUBSETS)
    drawing = majority_vote_subsets.draw({SUBSETS: subsets, IDEAL_SUBSETS: analysed.table(IDEAL_SUBSETS)})
    drawn = drawing.table().query("panel == 'loss by neurons' and series == 'dense' and seed == 'median'")
    loss = subsets.query("arm == 'dense' and of == 'neurons'").groupby("n")["loss"].median()
    assert drawn.set_index("x")["y"].to_dict() == loss.to_dict()
    assert "their median" in drawing.caption
    assert all(ax.get_xlabel() for ax in drawing.figure.axes)
    labels = [text.get_text() for text in drawing.figure.legends[0].get_texts()]
    assert labels[-1] == "128 ideal neurons"


def test_lines_of_large_ideal_logits_are_labelled_at_their_cells(analysed, planted):
    logits, p = analysed.table(SLICE), planted["p"]
    drawing = output_logits.draw({SLICE: logits})
    ideal = [ax for ax in drawing.figure.axes if ax.get_title(loc="left").endswith("ideal")]
    assert len(ideal) == 2
    x = p // 4
    for ax in ideal:
        cells = {text.get_text(): text.xy for text in ax.texts}
        column, row = cells["true class"]
        assert column == (x + row) % p
        assert cells["ghost (x, x)"][0] == 2 * x % p
        column, row = cells["ghost (y, y)"]
        assert column == 2 * row % p
    assert [ax.get_title(loc="left") for ax in drawing.figure.axes[:4:2]] == [
        "(a) dense",
        "(c) grokked ticket",
    ]
    one = output_logits.draw({SLICE: logits[logits["arm"] == "random"]})
    assert "random mask seed 0 (the first of n = 2)" in one.caption
