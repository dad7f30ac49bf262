"""Curves of accuracy or loss, with threshold and t_gen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analyses.grokking.schema import CURVES, OUTCOMES
from analyses.tables.labels import arm_label
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing
from figures.drawing.style import Styles, step_axis, table_styles
from training.runs.log_spacing import thinned

THRESHOLD: dict[str, Any] = {"color": "0.45", "linewidth": 0.8, "linestyle": ":"}
SINGLE_SEED: dict[str, Any] = {"color": "0.45", "linewidth": 0.6, "alpha": 0.6}
MARK: dict[str, Any] = {
    "linestyle": "none",
    "markersize": 5,
    "markeredgecolor": "white",
    "markeredgewidth": 0.4,
}


@dataclass(frozen=True)
class GrokkingCurves:
    """Outcomes and curves of a run's networks."""

    outcomes: pd.DataFrame
    curves: pd.DataFrame
    """All evaluations."""

    @classmethod
    def of(cls, tables: Mapping[TableKey, pd.DataFrame], recipe: str | None = None) -> GrokkingCurves:
        """Return those among a figure's tables.

        Parameters
        ----------
        recipe : str, optional
            Recipe of the run, if the figure is of several.
        """
        outcomes, curves = (
            tables[table if recipe is None else (recipe, table)] for table in (OUTCOMES, CURVES)
        )
        return cls(outcomes, curves)

    @cached_property
    def shown(self) -> pd.DataFrame:
        """Curves at fewer steps, evenly spaced in the logarithm."""
        steps = pd.Series(sorted(set(self.curves["step"])))
        return self.curves[self.curves["step"].isin(steps.iloc[thinned(steps.to_numpy())])]

    def median_curve(self, arm: str, part: str) -> pd.Series:
        """Return the seeds' median by step, on "train" or "test" examples."""
        return self.shown[self.shown["arm"] == arm].groupby("step")[part].median()

    def mark_t_gen(self, drawing: Drawing, ax: Axes, panel: str, styles: Styles | None = None) -> None:
        """Mark t_gen on every seed's test curve.

        Parameters
        ----------
        styles : dict, optional
            Styles of the arms to mark; of all arms by default.
        """
        generalised = self.outcomes.loc[self.outcomes["t_gen"].notna(), ["arm", "seed", "t_gen"]]
        values = self.curves.rename(columns={"step": "t_gen"})[["arm", "seed", "t_gen", "test"]]
        marks = generalised.merge(values, on=["arm", "seed", "t_gen"])
        for arm, style in (styles or table_styles(self.outcomes)).items():
            arm_marks = marks[marks["arm"] == arm]
            look = {"color": style["color"], "marker": style["marker"], "zorder": 5} | MARK
            if len(arm_marks):
                drawing.line(ax, panel, arm, arm_marks["t_gen"], arm_marks["test"], **look)

    def handles(self, *, marks: bool = True) -> list[Line2D]:
        """Return the legend's entries for everything but arms.

        Parameters
        ----------
        marks : bool
            True: the figure marks t_gen.
        """
        handles = [Line2D([], [], label=f"threshold {self._thresholds()}", **THRESHOLD)]
        if marks and self.outcomes["t_gen"].notna().any():
            label = "$t_\\mathrm{gen}$ of a seed"
            handles.append(Line2D([], [], color="0.45", marker="o", label=label, **MARK))
        if self.curves.groupby("arm")["seed"].nunique().max() > 1:
            handles.append(Line2D([], [], label="single seed", **SINGLE_SEED))
            handles.append(Line2D([], [], color="0.45", linewidth=1.5, label="median of the seeds"))
        return handles

    def sentence(self) -> str:
        """Return the caption's sentence on threshold and t_gen."""
        threshold = f"Dotted: the threshold, {self._thresholds()}"
        if self.curves["test"].isna().all():
            return f"{threshold}. There is no test set, so no network has a t_gen."
        trained = self.outcomes["status"] == "done"
        without = ""
        for words, networks in (
            ("never generalised", trained & self.outcomes["t_gen"].isna()),
            ("not trained", ~trained),
        ):
            for arm, n in self.outcomes[networks].groupby("arm", sort=False).size().items():
                without += f"; {arm_label(str(arm))}: {n} {words}"
        return f"{threshold}; markers: t_gen of each seed{without}."

    def _thresholds(self) -> str:
        return ", ".join(f"{threshold:g}" for threshold in dict.fromkeys(self.curves["threshold"]))


def curve_panel(
    drawing: Drawing, ax: Axes, panel: str, curves: pd.DataFrame, part: str, styles: Styles | None = None
) -> None:
    """Draw the decisive quantity over steps, and its threshold.

    Parameters
    ----------
    part : {"train", "test"}
        Part of the data.
    styles : dict, optional
        Styles of all arms of the figure, if `curves` has only some of them.
    """
    drawing.arms(ax, panel, curves, part, centre="median", styles=styles)
    for threshold in dict.fromkeys(curves["threshold"]):
        drawing.level(ax, panel, "threshold", float(threshold), **THRESHOLD)
    if curves[part].isna().all():
        ax.text(0.5, 0.5, "no test set", transform=ax.transAxes, ha="center", va="center")
    if curves["judged_by"].iloc[0] == "accuracy":
        ax.set_ylim(-0.02, 1.09)
    else:
        ax.set_yscale("log")
    step_axis(ax, curves["step"])
