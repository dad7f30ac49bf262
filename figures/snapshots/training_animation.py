"""Weights in motion: spectra and single neurons of the dense network beside its ticket, step by step."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from figures.drawing.animation import Animation
from figures.drawing.style import DOUBLE, arm_styles, line_style, step_axis
from figures.snapshots.weight_panels import (
    POINTS,
    at_end,
    clearest,
    cosine_curve,
    rows,
    shown_arms,
    turned,
    whose,
)

TABLES = ("", "_accuracy", "_neurons", "_maps", "_spectra")
N_NEURONS = 2


def draw(tables: dict[str, pd.DataFrame]) -> Animation:
    """A column per arm: every neuron's spectrum, single neurons' weights; below, accuracy up to the step."""
    arms = shown_arms(tables[""])
    neurons = clearest(tables["_neurons"], arms[-1], N_NEURONS)
    clips = [_Clip(tables, arm, neurons) for arm in arms]
    steps = sorted({step for clip in clips for step in clip.steps})
    figure = plt.figure(figsize=(DOUBLE, 5.4))
    heights = (1.5, *[0.8] * len(neurons), 0.8)
    grid = figure.add_gridspec(len(heights), len(arms), height_ratios=heights)
    curves = figure.add_subplot(grid[-1, :])
    cursor = curves.axvline(steps[-1], color="#bd1f01", linewidth=1)

    def show(frame: int) -> None:
        cursor.set_xdata([steps[frame]] * 2)
        for clip in clips:
            clip.show(steps[frame])

    film = Animation(figure, len(steps), show)
    for place, clip in enumerate(clips):
        axes = [figure.add_subplot(grid[line, place]) for line in range(len(heights) - 1)]
        clip.build(film, axes)
        for i, ax in enumerate(axes[1:]):
            ax.set_ylim(*(1.05 * max(other.reach(i) for other in clips) * np.array([-1, 1])))
    for arm, style in arm_styles(arms).items():
        own = tables["_accuracy"][tables["_accuracy"]["arm"] == arm].dropna(subset=["test_acc"])
        film.line(curves, "test accuracy", arm, own["step"], own["test_acc"], **line_style(style))
    step_axis(curves, steps)
    curves.set(title="test accuracy", ylim=(-0.03, 1.05))
    curves.legend(loc="lower right", bbox_to_anchor=(1, 0.95), ncols=len(arms))
    film.caption = (
        f"A frame per checkpoint, {len(steps)} in all, closer together early in training; a network that "
        "stopped earlier stays as it was. Above: amplitude of every frequency in the neurons' input "
        "weights, neurons by frequency and phase of their own last input weights, colours up to the "
        f"largest of the arm. Middle: input weights of the {len(neurons)} neurons of largest last "
        f"amplitude with different frequencies in {arm_styles(arms)[arms[-1]]['label']}, the same in every "
        "arm; points: one per residue, in the order in which the cosine of the neuron's last weights "
        f"(line) turns once. Below: test accuracy. {whose(tables[''], arms)}"
    )
    return film


class _Clip:
    """What one arm shows: its numbers at every checkpoint, and the artists that show them."""

    def __init__(self, tables: dict[str, pd.DataFrame], arm: str, neurons: list[int]):
        self.arm, self.neurons = arm, neurons
        spectra, accuracy = tables["_spectra"], tables["_accuracy"]
        self.curve = accuracy[accuracy["arm"] == arm].dropna(subset=["test_acc"])
        self.steps = sorted(set(spectra.loc[spectra["arm"] == arm, "step"]))
        self.ends = at_end(tables["_neurons"], arm)
        followed = self.ends.index[self.ends["followed"]]
        self.amplitudes = {s: rows(spectra, arm, "input", s, followed) for s in self.steps}
        self.weights = {s: rows(tables["_maps"], arm, "input", s, neurons) for s in self.steps}
        self.dots: list[Line2D] = []

    def build(self, film: Animation, axes: list[Axes]) -> None:
        """Make the artists, and note the numbers of all checkpoints."""
        self.heat = axes[0]
        n, K = self.amplitudes[self.steps[0]].shape
        top = max(x.max() for x in self.amplitudes.values())
        blank = np.zeros((n, K))
        self.mesh = self.heat.pcolormesh(range(1, K + 1), range(1, n + 1), blank, vmin=0, vmax=top)
        self.heat.set(xlabel="frequency", ylabel="neuron, in order")
        self.heat.invert_yaxis()
        seed = self.ends["seed"].iloc[0]
        y, x = (at.ravel() for at in np.mgrid[1 : n + 1, 1 : K + 1])
        for step, amplitude in self.amplitudes.items():
            film.note(f"spectrum, {self.arm}", f"step {step}", seed, x=x, y=y, value=amplitude.ravel())
        for place, (ax, neuron) in enumerate(zip(axes[1:], self.neurons, strict=True)):
            cosine: Any = self.ends.loc[neuron]
            panel = f"neuron {neuron}, {self.arm}"
            at = turned(cosine, self.weights[self.steps[0]].shape[1])
            cosine_curve(film, ax, panel, "last", seed, cosine, len(at))
            self.dots += ax.plot(at, np.zeros(len(at)), **POINTS)
            for step, weights in self.weights.items():
                film.note(panel, f"step {step}", seed, x=at, y=weights[place])
            ax.set(ylabel="input weight", xlabel="frequency × residue mod p")
            ax.set_title(f"neuron {neuron}, k = {cosine['frequency']}")
            ax.label_outer()

    def reach(self, place: int) -> float:
        """Largest magnitude of one of the neurons' weights at any checkpoint, and of its cosine."""
        cosine: Any = self.ends.loc[self.neurons[place]]
        largest = max(np.abs(weights[place]).max() for weights in self.weights.values())
        return float(max(largest, cosine["amplitude"] + abs(cosine["constant"])))

    def show(self, step: int) -> None:
        """Bring the artists to the last checkpoint up to a step."""
        at = max((s for s in self.steps if s <= step), default=self.steps[0])
        known = self.curve.loc[self.curve["step"] <= at, "test_acc"]
        accuracy = f", test accuracy {known.iloc[-1]:.2f}" if len(known) else ""
        self.heat.set_title(f"{arm_styles([self.arm])[self.arm]['label']}, step {at:,}{accuracy}")
        self.mesh.set_array(self.amplitudes[at])
        for dots, weights in zip(self.dots, self.weights[at], strict=True):
            dots.set_ydata(weights)
