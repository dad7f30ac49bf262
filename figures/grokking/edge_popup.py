"""Figure `edge_popup`: scores trained on a memorising network's weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from analyses.grokking.schema import CURVES
from analyses.tables.labels import arm_label
from analyses.tables.roles import arms_with_role
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing, arm_legend, counted, letter, seeds_and_centre
from figures.drawing.style import DOUBLE, linear_steps, table_styles
from training.runs.atomic_files import RunError

RECIPE = "m_edge_popup"
STEPS = (600, 1000, 1400, 2000)
"""Steps of the paper's table."""


def draw(tables: Mapping[TableKey, pd.DataFrame], steps: Sequence[int] = STEPS) -> Drawing:
    """Draw test curves, and a table of accuracies.

    Parameters
    ----------
    steps : sequence of int
        Columns of the table; the curves end at the last.

    Raises
    ------
    RunError
        If no arm but dense ones was evaluated.
    """
    curves = tables[RECIPE, CURVES]
    sources = arms_with_role(curves, "dense")
    curves = curves[~curves["arm"].isin(sources) & (curves["step"] <= steps[-1])]
    if curves.empty:
        raise RunError("edge_popup: expected an arm of trained scores, got dense arms alone; train one first")
    figure, axes = plt.subplots(1, 2, figsize=(DOUBLE, 2.5), gridspec_kw={"width_ratios": [1, 1.15]})
    drawing = Drawing(figure)
    drawing.arms(axes[0], "test", curves, "test_acc", centre="mean")
    several = curves["seed"].nunique() > 1
    axes[0].set(title=f"test accuracy{', mean and single seeds' if several else ''}", ylabel="accuracy")
    axes[0].set(ylim=(-0.02, 1.04), xlim=(0, steps[-1] * 1.02))
    linear_steps(axes[0], "step from the memorising network on")
    _table(drawing, axes[1], curves, steps)
    spread = ", mean ± standard deviation" if several else ""
    axes[1].set(title=f"test accuracy{spread} (dark: high)", xlabel="step from the memorising network on")
    letter(axes)
    arm_legend(figure, curves)
    n = curves.groupby("arm", sort=False)["seed"].nunique()
    drawing.caption = (
        f"(a) {seeds_and_centre(curves)} All begin with the weights of a dense network that has memorised "
        f"and not generalised; those of edge-popup stay as they are, and only its scores are trained. "
        f"(b) Mean and standard deviation over seeds ({counted(n.to_dict())})."
    )
    return drawing


def _table(drawing: Drawing, ax: Axes, curves: pd.DataFrame, steps: Sequence[int]) -> None:
    """Draw accuracies as cells: arms by steps, high ones dark."""
    styles = table_styles(curves)
    places = pd.MultiIndex.from_product([styles, steps])
    cells = curves.groupby(["arm", "step"])["test_acc"].agg(["mean", "std"]).reindex(places)
    ax.imshow(cells["mean"].to_numpy().reshape(-1, len(steps)), cmap="Blues", vmin=0, vmax=1.3, aspect="auto")
    for y, arm in enumerate(styles):
        mean, sd = cells["mean"][arm], cells["std"][arm]
        drawing.note("table", arm, "mean, and mean ± sd", x=steps, y=mean, low=mean - sd, high=mean + sd)
        for x, step in enumerate(steps):
            text = f"{mean[step]:.2f}" if pd.notna(mean[step]) else "–"
            text += f" ± {sd[step]:.2f}" if pd.notna(sd[step]) else ""  # of one seed there is none
            color = "white" if mean[step] > 0.8 else "0.1"
            ax.text(x, y, text, ha="center", va="center", fontsize=7, color=color)
    ax.set_xticks(range(len(steps)), [f"{step:,}" for step in steps])
    ax.set_yticks(range(len(styles)), [arm_label(arm) for arm in styles])
    ax.tick_params(length=0)
