import matplotlib.pyplot as plt
import numpy as np
import pytest
from builders import legend_texts

from analyses.masks.overlap import overlap_table
from analyses.masks.schema import OVERLAP
from figures.masks.mask_overlap import cell_text, draw


def test_a_cell_per_pair_of_arms_and_the_other_seeds_on_the_diagonal(analysed):
    overlaps = analysed.table(OVERLAP)
    cells = draw({OVERLAP: overlaps}).table().set_index(["panel", "y", "x"])["value"]
    plt.close("all")
    table = overlaps.query("layer == 'global'")
    means = table.groupby(["arm_a", "arm_b"])[["overlap", "chance", "excess"]].mean()
    arms = ["dense", "grokked_ticket", "random"]
    for (a, b), expected in means.iterrows():
        high, low = sorted((arms.index(a) + 1, arms.index(b) + 1))
        assert cells["overlap", high, low] == pytest.approx(expected["overlap"])
        if a != b:
            assert cells["chance", low, high] == pytest.approx(expected["chance"])
        for place in ((high, low), (low, high)):
            assert cells["excess", *place] == pytest.approx(expected["excess"])
    assert cells.notna().sum() == 9 + 9


def test_frames_mark_cells_that_are_no_finding(analysed):
    drawing = draw({OVERLAP: analysed.table(OVERLAP)})
    assert legend_texts(drawing.figure) == [
        "one arm at different seeds",
        "one mask by construction",
    ]
    n_frames = [len(ax.patches) for ax in drawing.figure.axes]
    assert n_frames == [3 + 1, 3 + 1 + 4]  # the diagonal; one pair, in the excess in both orders
    plt.close(drawing.figure)


@pytest.mark.parametrize("n_arms", [0, 3, 15])
def test_every_number_of_the_overlaps_is_written_however_many(n_arms, tmp_path):
    rng = np.random.default_rng(0)
    masks = {(f"arm_{i}", 0): {"W": rng.random(9) < 0.5} for i in range(n_arms)}
    drawing = draw({OVERLAP: overlap_table(masks, {arm: arm for arm, _ in masks})})
    assert all(path.exists() for path in drawing.save(tmp_path / "figure"))
    assert sum(len(ax.texts) for ax in drawing.figure.axes) == 2 * n_arms * (n_arms - 1)
    plt.close(drawing.figure)


@pytest.mark.parametrize(
    ("value", "text"), [(0.254, ".25"), (-0.03, "−.03"), (-0.004, ".00"), (1.0, "1.00"), (0.996, "1.00")]
)
def test_numbers_of_a_cell(value, text):
    assert cell_text(value) == text
