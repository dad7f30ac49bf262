"""Animation `film`: spectra and single neurons through training, dense network and ticket."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analyses.snapshots.schema import ACCURACY, MAPS, MOMENTS, SPECTRA
from analyses.tables.labels import arm_label
from analyses.tables.roles import compared_arms
from figures.drawing.animation import Animation
from figures.drawing.style import DOUBLE, line_style, step_axis, table_styles
from figures.snapshots.weight_panels import (
    IN_ORDER,
    POINTS,
    Tables,
    clearest_neurons,
    cosine_order,
    draw_cosine,
    last_cosines,
    network_words,
    neuron_rows,
    points_and_cosine_legend,
)

CURSOR: dict[str, Any] = {"color": "#bd1f01", "linewidth": 1}


def draw(tables: Tables, *, frames: int | None, neurons: int) -> Animation:
    """Draw a column per arm of spectra and neurons, accuracy below.

    Parameters
    ----------
    frames : int, optional
        Number of frames, of evenly spaced checkpoints; by default one per checkpoint.
    neurons : int
        Number of neurons whose weights are shown.
    """
    moments = tables[MOMENTS]
    arms = compared_arms(moments)
    shown = clearest_neurons(tables, arms[-1], neurons)
    columns = [_Column(tables, arm, shown) for arm in arms]
    saved = sorted({step for column in columns for step in column.steps})
    steps = _evenly(saved, frames)
    figure = plt.figure(figsize=(DOUBLE, 5.8 + 1.1 * (len(shown) - 2) if len(shown) > 2 else 5.8))
    heights = (1.5, *[0.8] * len(shown), 0.8)
    grid = figure.add_gridspec(len(heights), len(arms), height_ratios=heights)
    curves = figure.add_subplot(grid[-1, :])
    cursor = curves.axvline(steps[-1], **CURSOR)

    def show(frame: int) -> None:
        cursor.set_xdata([steps[frame]] * 2)
        for column in columns:
            column.show(steps[frame])

    film = Animation(figure, len(steps), show)
    top = max(column.largest_amplitude for column in columns)
    for place, column in enumerate(columns):
        axes = [figure.add_subplot(grid[line, place]) for line in range(len(heights) - 1)]
        column.build(film, axes, top)
        for i, ax in enumerate(axes[1:]):
            ax.set_ylim(*(1.05 * max(other.reach(i) for other in columns) * np.array([-1, 1])))
            ax.tick_params(labelbottom=ax is axes[-1])
        axes[-1].set_xlabel("k × residue mod p (whole column)" if len(shown) > 1 else "k × residue mod p")
    figure.colorbar(columns[0].mesh, ax=[column.heat for column in columns], label="amplitude", pad=0.01)
    for arm, style in table_styles(moments).items():
        if arm in arms:
            column = columns[arms.index(arm)]
            film.line(
                curves,
                "test accuracy",
                arm,
                column.curve["step"],
                column.curve["test_acc"],
                **line_style(style),
            )
    curves.add_line(Line2D([], [], label="step shown", **CURSOR))
    step_axis(curves, steps)
    curves.set(ylabel="test accuracy", ylim=(-0.03, 1.05))
    curves.legend(loc="lower right", bbox_to_anchor=(1, 0.98), ncols=3)
    points_and_cosine_legend(figure, "cosine of the last weights, of frequency k")
    film.caption = (
        f"{_frames_words(len(steps), len(saved))}, closer together early in training; a network that "
        "stopped earlier stays as it was. Above: amplitude of every frequency in the neurons' input "
        "weights, neurons by frequency and phase of their own last input weights. Middle: input weights of "
        f"the {len(shown)} neurons of largest last amplitude with different frequencies in "
        f"{arm_label(arms[-1])}, the same in every arm; points: one per residue, in the order in which the "
        "cosine of the neuron's last weights (line) turns once. Below: test accuracy. "
        f"{network_words(moments, arms)}"
    )
    return film


def _evenly(saved: Sequence[int], frames: int | None) -> list[int]:
    """Return evenly spaced ones of the saved steps, first and last included; all by default.

    If fewer are saved than are asked for, a line on stderr says so.
    """
    if frames is None or frames >= len(saved):
        if frames is not None and frames > len(saved):
            print(
                f"film: {len(saved)} frames in place of {frames}: so many checkpoints are saved; "
                "'python -m analyses.snapshots --checkpoints N' saves more",
                file=sys.stderr,
            )
        return list(saved)
    return [saved[round(place)] for place in np.linspace(0, len(saved) - 1, frames)]


def _frames_words(n_frames: int, n_saved: int) -> str:
    """Return the caption's words on which checkpoints are shown."""
    if n_frames == n_saved:
        return f"A frame per checkpoint, {n_frames} in all"
    return f"{n_frames} frames, of evenly spaced ones of {n_saved} checkpoints"


class _Column:
    """Column of one arm, with its numbers at every checkpoint."""

    def __init__(self, tables: Tables, arm: str, neurons: list[int]):
        self.arm, self.neurons = arm, neurons
        spectra, accuracy = tables[SPECTRA], tables[ACCURACY]
        self.curve = accuracy[accuracy["arm"] == arm].dropna(subset=["test_acc"])
        self.steps = sorted(set(spectra.loc[spectra["arm"] == arm, "step"]))
        self.cosines = last_cosines(tables, arm)
        followed = self.cosines.index[self.cosines["followed"]]
        self.amplitudes = {
            step: neuron_rows(tables, SPECTRA, arm, "input", step, followed) for step in self.steps
        }
        self.weights = {step: neuron_rows(tables, MAPS, arm, "input", step, neurons) for step in self.steps}
        self.dots: list[Line2D] = []

    @property
    def largest_amplitude(self) -> float:
        """Largest amplitude at any checkpoint."""
        return float(max(amplitudes.max() for amplitudes in self.amplitudes.values()))

    def build(self, film: Animation, axes: list[Axes], top: float) -> None:
        """Make the artists, and record the numbers of all checkpoints."""
        self.heat = axes[0]
        n, K = self.amplitudes[self.steps[0]].shape
        blank = np.zeros((n, K))
        self.mesh = self.heat.pcolormesh(range(1, K + 1), range(1, n + 1), blank, vmin=0, vmax=top)
        self.heat.set(xlabel="frequency", ylabel=IN_ORDER)
        self.heat.invert_yaxis()
        seed = self.cosines["seed"].iloc[0]
        y, x = (at.ravel() for at in np.mgrid[1 : n + 1, 1 : K + 1])
        for step, amplitude in self.amplitudes.items():
            film.note(f"spectrum, {self.arm}", f"step {step}", seed, x=x, y=y, value=amplitude.ravel())
        for place, (ax, neuron) in enumerate(zip(axes[1:], self.neurons, strict=True)):
            cosine: Any = self.cosines.loc[neuron]
            panel = f"neuron {neuron}, {self.arm}"
            at = cosine_order(cosine, self.weights[self.steps[0]].shape[1])
            draw_cosine(film, ax, panel, "last", seed, cosine, len(at))
            self.dots += ax.plot(at, np.zeros(len(at)), **POINTS)
            for step, weights in self.weights.items():
                film.note(panel, f"step {step}", seed, x=at, y=weights[place])
            ax.set(ylabel="input weight")
            ax.set_title(f"neuron {neuron}, k = {cosine['frequency']}")

    def reach(self, place: int) -> float:
        """Return the largest magnitude of a neuron's weights and cosine."""
        cosine: Any = self.cosines.loc[self.neurons[place]]
        largest = max(np.abs(weights[place]).max() for weights in self.weights.values())
        return float(max(largest, cosine["amplitude"] + abs(cosine["constant"])))

    def show(self, step: int) -> None:
        """Show the last checkpoint up to a step."""
        at = max((s for s in self.steps if s <= step), default=self.steps[0])
        measured = self.curve.loc[self.curve["step"] <= at, "test_acc"]
        accuracy = f", test accuracy {measured.iloc[-1]:.2f}" if len(measured) else ""
        self.heat.set_title(f"{arm_label(self.arm)}, step {at:,}{accuracy}")
        self.mesh.set_array(self.amplitudes[at])
        for dots, weights in zip(self.dots, self.weights[at], strict=True):
            dots.set_ydata(weights)
