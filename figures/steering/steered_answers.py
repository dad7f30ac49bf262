"""Figure `steering`: answers after some frequencies of the first input were moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from analyses.steering.schema import MEANS, N_SETS, SIZES, STEPS
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing, arm_legend, counted, letter
from figures.drawing.style import DOUBLE, line_style, step_axis, table_styles

OTHERS: Any = (0, (1, 1))
"""Line style of random other frequencies."""
LEAST_SEEDS = 5
"""Number of seeds from which on an interval over them is drawn: of fewer it is as wide as the panel."""


def draw(tables: Mapping[TableKey, pd.DataFrame]) -> Drawing:
    """Draw answers by the number of moved frequencies, and of key frequencies through training."""
    sizes, means, steps = tables[SIZES], tables[MEANS], tables[STEPS]
    figure, (moved, kept, training) = plt.subplots(1, 3, figsize=(DOUBLE, 2.7), sharey=True)
    drawing = Drawing(figure)
    for chosen in ("strongest", "others"):
        _curves(drawing, moved, chosen, means, sizes, "target")
    _curves(drawing, kept, "weakest", means, sizes, "own")
    keys = steps[steps["chosen"] == "keys"]
    drawing.arms(training, "keys through training", keys, "target", centre="median")
    moved.set(xlabel="strongest frequencies moved", ylabel="share of pairs", ylim=(-0.02, 1.04))
    moved.set_title("new answer")
    kept.set_xlabel("weakest frequencies moved")
    kept.set_title("old answer")
    training.set_title("new answer, key frequencies")
    step_axis(training, steps["step"], narrow=True)
    for ax in (moved, kept):
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    letter([moved, kept, training])
    handle = Line2D([], [], color="0.3", linestyle=OTHERS, label="as many other frequencies")
    arm_legend(figure, sizes, [handle])
    n = sizes.groupby("arm", sort=False)["seed"].nunique().to_dict()
    drawing.caption = (
        "The first input a is moved in some frequencies of the first weights, and read beside b as before. "
        f"(a, b) At the last checkpoint; bold: means over seeds; {_intervals(n)} (a) Share of judged pairs "
        "with the answer to the moved input, by the number of frequencies of most power in the embedding "
        "that are moved; dotted: as many random frequencies that are not among these, mean over "
        f"{N_SETS} sets. (b) Share that keeps the answer, by the number of weakest frequencies that are "
        "moved. (c) New answers with the final network's key frequencies moved, through training; thin: "
        "seeds, bold: their median."
    )
    return drawing


def _curves(
    drawing: Drawing, ax: Axes, chosen: str, means: pd.DataFrame, sizes: pd.DataFrame, column: str
) -> None:
    """Draw every arm's mean by size, with its interval or its single seeds."""
    panel = f"{chosen} {column}"
    for arm, style in table_styles(sizes).items():
        rows = means[(means["arm"] == arm) & (means["chosen"] == chosen)]
        networks = sizes[(sizes["arm"] == arm) & (sizes["chosen"] == chosen)]
        n = networks["seed"].nunique()
        dash = {"linestyle": OTHERS} if chosen == "others" else {}
        if n >= LEAST_SEEDS:
            ends = (rows[f"{column}_{end}"].clip(0, 1) for end in ("low", "high"))
            look = {"color": style["color"], "alpha": 0.18, "linewidth": 0}
            drawing.band(ax, panel, arm, rows["size"], *ends, **look)
        for seed, curve in networks.groupby("seed") if 1 < n < LEAST_SEEDS else ():
            look = line_style(style, seed=True) | dash
            drawing.line(ax, panel, arm, curve["size"], curve[column], seed=seed, **look)
        if n == 1 and column == "target" and networks["low"].notna().all():
            look = {"color": style["color"], "alpha": 0.18, "linewidth": 0}
            drawing.band(ax, panel, arm, networks["size"], networks["low"], networks["high"], **look)
        drawing.line(ax, panel, arm, rows["size"], rows[column], seed="mean", **line_style(style) | dash)


def _intervals(n: Mapping[Any, int]) -> str:
    """Return the caption's sentence on seeds and intervals."""
    counts = set(n.values())
    words = []
    if max(counts) >= LEAST_SEEDS:
        words.append("bands: the 95 % interval over seeds (Student)")
    if any(1 < count < LEAST_SEEDS for count in counts):
        words.append("thin: seeds")
    if 1 in counts:
        words.append("one network's band is the 95 % interval over pairs (Wilson)")
    return f"{'; '.join(words)} ({counted(n)})."
