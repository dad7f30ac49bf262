"""Figure `mechanism`: settling neurons, inherited frequencies, predictions from a mask."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analyses.mechanism.schema import FREQUENCIES, MEANS, SOURCE_LABELS, STAGE_LABELS, STAGES, WINNERS
from analyses.tables.labels import LOTTERY_RULES
from analyses.tables.roles import main_arm
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing, arm_legend, letter, seeds_and_centre
from figures.drawing.share_points import chance_handles, share_points, uniform_level
from figures.drawing.style import DOUBLE, Styles, step_axis, table_styles

COMPARED_STAGES = ("pruned", "start", "end")
"""Stages whose neurons are compared with the dense network's."""
RULE = "min_blowup_time"
"""Rule that predicts the final frequency."""


def draw(tables: Mapping[TableKey, pd.DataFrame]) -> Drawing:
    """Draw settling, one ticket's spectra, inherited frequencies and predictions."""
    means, winners = tables[MEANS], tables[WINNERS]
    styles = table_styles(means)
    figure, axes = plt.subplots(2, 2, figsize=(DOUBLE, 5.6))
    drawing = Drawing(figure)
    (settled, spectra), (inherited, predicted) = axes
    drawing.arms(settled, "settled", means, "settled_weighted")
    settled.set(
        title="energy of neurons with their final frequency", ylabel="share of the energy", ylim=(0, 1.04)
    )
    step_axis(settled, means["step"])
    network = _spectra(drawing, spectra, tables[FREQUENCIES], styles)
    _inherited(drawing, inherited, tables[STAGES], styles)
    _predicted(drawing, predicted, winners, styles)
    letter([settled, spectra, inherited, predicted])
    arm_legend(figure, means)
    figure.legend(
        handles=chance_handles(), loc="outside lower center", ncols=2, title="levels in (c) and (d)"
    )
    drawing.caption = (
        "(a) Share of the last checkpoint's energy in neurons that have their final frequency; at the end "
        f"all have. {seeds_and_centre(means)} (b) Share of the neurons' energy at every frequency, "
        f"{network}. (c) Neurons that have the frequency with which the same neuron of the dense network "
        "ends; masked: the dense network's last weights times the arm's mask. (d) Neurons whose final "
        f"frequency the {LOTTERY_RULES[RULE]} predicts: from the mask, all kept weights of a layer equal; "
        "from this mask read at twice each frequency k; with the start's signs; from the start's weights; "
        "from the dense network's start. (c, d) One point per network, with its Wilson interval (95 %), "
        "neurons taken as independent; short lines: the frequencies dealt to the neurons at random; dotted: "
        "1/K."
    )
    return drawing


def _spectra(drawing: Drawing, ax: Axes, frequencies: pd.DataFrame, styles: Styles) -> str:
    """Draw one network's spectra by stage, and return its label."""
    ax.set(title="energy at every frequency", xlabel="frequency k")
    if frequencies.empty:
        ax.set_axis_off()
        return "of no network: none has a mask and a dense network of the same start"
    arm = main_arm(frequencies)
    arm_rows = frequencies[frequencies["arm"] == arm]
    seed = arm_rows["seed"].iloc[0]
    network_rows = arm_rows[arm_rows["seed"] == seed]
    shares = network_rows.pivot(index="stage", columns="frequency", values="share")
    shares = shares.loc[[stage for stage in STAGE_LABELS if stage in shares.index]]
    places = np.arange(1, len(shares) + 1)
    mesh = drawing.heat(
        ax, "spectra", arm, seed, shares.columns, places, shares.to_numpy(), cmap="magma_r", vmin=0
    )
    ax.figure.colorbar(mesh, ax=ax, pad=0.02, label="share of the energy")
    ax.set_yticks(places, [STAGE_LABELS[stage].replace("t_gen", "$t_{gen}$") for stage in shares.index])
    ax.set(xlim=(0.5, shares.columns.max() + 0.5), ylim=(len(shares) + 0.5, 0.5))
    ax.tick_params(axis="y", length=0)
    network = f"{styles[arm]['label']}, seed {seed}"
    ax.set_title(f"energy at every frequency: {network}")
    return network


def _inherited(drawing: Drawing, ax: Axes, stages: pd.DataFrame, styles: Styles) -> None:
    """Draw how many neurons have the dense neuron's final frequency."""
    with_dense = stages[stages["reference"] == "dense_end"]
    share_points(drawing, ax, "inherited", with_dense, "stage", list(COMPARED_STAGES), styles, share="same")
    ax.set_xticks(range(len(COMPARED_STAGES)), [_two_lines(STAGE_LABELS[s]) for s in COMPARED_STAGES])
    ax.set(
        title="neurons with the dense network's frequency",
        ylabel="share of the neurons",
        xlabel="weights compared",
    )


def _predicted(drawing: Drawing, ax: Axes, winners: pd.DataFrame, styles: Styles) -> None:
    """Draw the share of predicted final frequencies, per source."""
    ax.set(title="neurons whose final frequency is predicted", ylabel="share of the neurons")
    if winners.empty:
        ax.set_axis_off()
        ax.set_title("no prediction: no network adds")
        return
    by_rule = winners[winners["rule"] == RULE]
    share_points(drawing, ax, "predicted", by_rule, "source", list(SOURCE_LABELS), styles)
    uniform_level(drawing, ax, "predicted", float(by_rule["chance"].iloc[0]))
    labels = [_two_lines(label) for label in SOURCE_LABELS.values()]
    ax.set_xticks(range(len(SOURCE_LABELS)), labels)
    ax.set_xlabel(f"weights that the {LOTTERY_RULES[RULE]} is computed from")


def _two_lines(label: str) -> str:
    """Return a label broken at its last space."""
    first, _, last = label.rpartition(" ")
    return f"{first}\n{last}"
