"""Edge-popup on the weights of a network that has only memorised: curves, and accuracies at four steps."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from figures.drawing.recorded_figure import Drawing, arm_legend, counted, letter, seeds_and_centre
from figures.drawing.style import DOUBLE, arm_styles, linear_steps

TABLES = ("m_edge_popup/grokking_curves",)
STEPS = (600, 1000, 1400, 2000)


def draw(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Test accuracy from the memorising network on, and a table of its mean and deviation."""
    curves = tables[TABLES[0]]
    curves = curves[(curves["arm"] != "dense") & (curves["step"] <= STEPS[-1])]
    figure, axes = plt.subplots(1, 2, figsize=(DOUBLE, 2.5), gridspec_kw={"width_ratios": [1, 1.15]})
    drawing = Drawing(figure)
    drawing.arms(axes[0], "test", curves, "test_acc", centre="mean")
    axes[0].set(title="test accuracy", ylabel="accuracy", ylim=(-0.02, 1.04), xlim=(0, STEPS[-1] * 1.02))
    linear_steps(axes[0], "step from the memorising network on")
    _table(drawing, axes[1], curves)
    letter(axes)
    arm_legend(figure, curves)
    n = curves.groupby("arm", sort=False)["seed"].nunique()
    drawing.caption = (
        f"(a) {seeds_and_centre(curves)} All begin with the weights of the dense network at step 1000; "
        f"those of edge-popup stay as they are. (b) Mean and standard deviation over seeds "
        f"({counted(n.to_dict())})."
    )
    return drawing


def _table(drawing: Drawing, ax: Axes, curves: pd.DataFrame) -> None:
    """A row per arm, a column per step; the darker a cell, the better."""
    styles = arm_styles(list(dict.fromkeys(curves["arm"])))
    every = pd.MultiIndex.from_product([styles, STEPS])
    cells = curves.groupby(["arm", "step"])["test_acc"].agg(["mean", "std"]).reindex(every)
    ax.imshow(cells["mean"].to_numpy().reshape(-1, len(STEPS)), cmap="Blues", vmin=0, vmax=1.3, aspect="auto")
    for y, arm in enumerate(styles):
        mean, sd = cells["mean"][arm], cells["std"][arm]
        drawing.note("table", arm, "mean, and mean ± sd", x=STEPS, y=mean, low=mean - sd, high=mean + sd)
        for x, step in enumerate(STEPS):
            text = f"{mean[step]:.2f}" if pd.notna(mean[step]) else "–"
            text += f" ± {sd[step]:.2f}" if pd.notna(sd[step]) else ""  # of one seed there is none
            color = "white" if mean[step] > 0.8 else "0.1"
            ax.text(x, y, text, ha="center", va="center", fontsize=7, color=color)
    ax.set(title="mean ± standard deviation", xlabel="step")
    ax.set_xticks(range(len(STEPS)), [f"{step}" for step in STEPS])
    ax.set_yticks(range(len(styles)), [style["label"] for style in styles.values()])
    ax.tick_params(length=0)
