"""Figure `lottery`: one neuron's frequencies, blow-up times, predicting rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from analyses.lottery.schema import EQUAL, RACE, RULES, SIMULATED_ARMS, SIMULATED_ROLE, TIMES
from analyses.tables.labels import LOTTERY_RULES, short_number
from analyses.tables.roles import arms_with_role
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing, letter, without_jumps
from figures.drawing.share_points import chance_handles, point_handles, share_points, uniform_level
from figures.drawing.style import DOUBLE, Styles, linear_steps, table_styles

WON, LOST = "#bd1f01", "0.65"
SIMULATED_LOOKS = {
    "flow": {"color": "#832db6", "marker": "D"},
    "equal_magnitudes": {"color": "0.45", "marker": "o"},
}
"""Colour and marker of simulated neurons, by the name in the column `arm`."""
DOT: dict[str, Any] = {
    "marker": "o",
    "markersize": 4,
    "linestyle": "none",
    "markeredgecolor": "black",
    "markeredgewidth": 0.4,
}
FLOW_TIME = "time of the flow of the mean loss"


def draw(tables: Mapping[TableKey, pd.DataFrame]) -> Drawing:
    """Draw one neuron's race, blow-up times, and the rules' shares."""
    rules, race = tables[RULES], tables[RACE]
    figure, axes = plt.subplots(2, 2, figsize=(DOUBLE, 5.6))
    drawing = Drawing(figure)
    (amplitudes, misalignments), (times, agreement) = axes
    is_simulated = bool(arms_with_role(race, SIMULATED_ROLE))
    for ax, column, title in (
        (amplitudes, "input_amplitude", "input amplitude α of one neuron"),
        (misalignments, "D", "misalignment D of one neuron (rad)"),
    ):
        _race(drawing, ax, column, race)
        ax.set_title(title)
        if is_simulated:
            ax.set(xlabel=FLOW_TIME, xlim=(0, None))
        else:
            linear_steps(ax)
            ax.set_xlim(0, 1.02 * max(race["time"].max(), 1))  # a single checkpoint may be step 0
    amplitudes.set_yscale("log")
    misalignments.set_yticks([-np.pi, 0, np.pi], ["−π", "0", "π"])
    misalignments.set_ylim(-1.05 * np.pi, 1.05 * np.pi)
    _blowup_times(drawing, times, tables[TIMES], race)
    all_rules = pd.concat([rules, tables[EQUAL]])
    styles = _styles(all_rules)
    _agreement(drawing, agreement, all_rules, styles)
    _legends(figure, styles, race)
    letter([amplitudes, misalignments, times, agreement])
    drawing.caption = _caption(race, rules, _styles(rules))
    return drawing


def _caption(race: pd.DataFrame, rules: pd.DataFrame, styles: Styles) -> str:
    arm, seed, neuron = race[["arm", "seed", "neuron"]].iloc[0]
    seeds = rules.groupby("arm")["seed"].nunique()
    n = ", ".join(f"{style['label']} n = {seeds[name]}" for name, style in styles.items())
    winner = int(race.loc[race["final"], "frequency"].iloc[0])
    return (
        f"(a, b) Every frequency of neuron {neuron} of {styles[arm]['label']}, seed {seed}; red: {winner}, "
        "the largest at the end. (c) Blow-up time of one frequency in the decoupled flow of the mean "
        "loss, if α = β; dots: that neuron's frequencies at the start, at their own (α²β)^⅓ and |D|. "
        "(d) Share of the neurons that grew whose final frequency the rule predicts; one point per network, "
        f"with its Wilson interval (95 %), neurons taken as independent ({n}; grey: simulated from equal "
        "amplitudes and random phases). Dotted: 1/K, a uniform guess; short lines: the rule's predictions, "
        "dealt to the neurons at random."
    )


def _styles(rules: pd.DataFrame) -> Styles:
    """Return the styles of trained and of simulated arms."""
    simulated = arms_with_role(rules, SIMULATED_ROLE)
    return table_styles(rules[rules["arm_role"] != SIMULATED_ROLE]) | {
        arm: {"label": SIMULATED_ARMS[arm], **SIMULATED_LOOKS[arm]} for arm in simulated
    }


def _race(drawing: Drawing, ax: Axes, column: str, race: pd.DataFrame) -> None:
    """Draw every frequency of the neuron over time."""
    for final, curves in race.groupby("final"):
        look = {"color": WON, "linewidth": 1.6, "zorder": 3} if final else {"color": LOST, "linewidth": 0.6}
        for frequency, curve in curves.groupby("frequency"):
            y = without_jumps(curve[column]) if column == "D" else curve[column]
            drawing.line(ax, column, f"frequency {frequency}", curve["time"], y, **look)


def _blowup_times(drawing: Drawing, ax: Axes, times: pd.DataFrame, race: pd.DataFrame) -> None:
    """Draw blow-up times, and the neuron's frequencies at the start."""
    grid = times.pivot(index="D", columns="amplitude", values="blowup_time")
    x, y, T = grid.columns.to_numpy(), grid.index.to_numpy(), grid.to_numpy()
    levels = np.geomspace(T.min(), T.max(), 13)
    filled = ax.contourf(x, y, T, levels=levels, norm=LogNorm(), cmap="viridis_r")
    at_y, at_x = np.meshgrid(y, x, indexing="ij")
    drawing.note("times", "blow-up time", x=at_x.ravel(), y=at_y.ravel(), value=T.ravel())
    start = race[race["time"] == race["time"].min()]
    start = start.assign(size=np.cbrt(start["input_amplitude"] ** 2 * start["output_amplitude"]))
    start = start[start["size"] > 0]
    for final, color, series in ((False, "white", "start"), (True, WON, "start of the final frequency")):
        dots = start[start["final"] == final]
        drawing.line(ax, "times", series, dots["size"], dots["D"].abs(), color=color, **DOT)
    bar = ax.figure.colorbar(filled, ax=ax, pad=0.02)
    decades = range(int(np.floor(np.log10(T.min()))), int(np.log10(T.max())) + 1)
    ticks = [step * 10.0**e for e in decades for step in (1, 2, 5)]
    ticks = [tick for tick in ticks if T.min() <= tick <= T.max()]
    bar.set_ticks(ticks, labels=[short_number(tick) for tick in ticks])
    bar.ax.minorticks_off()
    bar.set_label("time of the flow")
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.set(title="blow-up time if α = β", xlabel="(α²β)$^{1/3}$", ylabel="|D| (rad)")
    ax.set_yticks([0, np.pi / 2, np.pi], ["0", "π/2", "π"])


def _agreement(drawing: Drawing, ax: Axes, rules: pd.DataFrame, styles: Styles) -> None:
    """Draw how often each rule is right, per network."""
    share_points(drawing, ax, "agreement", rules, "rule", list(LOTTERY_RULES), styles, share="share_grown")
    uniform_level(drawing, ax, "agreement", float(rules["chance"].iloc[0]))
    ax.set_xticks(
        range(len(LOTTERY_RULES)), [words.replace(" ", "\n", 1) for words in LOTTERY_RULES.values()]
    )
    ax.set(title="how often a rule predicts the final frequency", ylabel="share of the neurons that grew")
    ax.set_xlabel("rule, applied to the initial weights")


def _legends(figure: Figure, styles: Styles, race: pd.DataFrame) -> None:
    """Draw the legends of networks and of one neuron."""
    handles = [*point_handles(styles), *chance_handles()]
    figure.legend(handles=handles, loc="outside upper center", ncols=4, title="networks in (d)")
    winner = int(race.loc[race["final"], "frequency"].iloc[0])
    figure.legend(
        handles=[
            Line2D([], [], color=WON, linewidth=1.6, label=f"final frequency, {winner}"),
            Line2D([], [], color=LOST, linewidth=0.6, label="other frequencies"),
            Line2D([], [], color=WON, label="at the start", **DOT),
            Line2D([], [], color="white", label="others at the start", **DOT),
        ],
        loc="outside lower center",
        ncols=4,
        title="one neuron's frequencies in (a) to (c)",
    )
