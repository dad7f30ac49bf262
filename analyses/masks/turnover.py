"""How fast masks change, and whether they do when the network gets better."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from analyses.tables.long_format import arm_words, groups, number
from interp.dynamics.threshold_crossings import half_decrease_step
from interp.masks.overlap import chance_jaccard_distances, jaccard_distances
from interp.masks.topk import GLOBAL
from training.cli.parser import format_table

if TYPE_CHECKING:
    from analyses.loading.trained_network import Network

SPACINGS = (2000, 1000, 500, 200, 100)
"""What spacings may be, the papers' first."""
INTERVALS = 8
"""So many of a spacing a run should have."""
WITHIN = 2
"""Two peaks no farther apart than so many intervals count as one."""
GAINS = {"test_acc": "rise of test accuracy", "test_loss": "fall of log10 of the test loss"}
"""What counts as getting better, by the curve in which an arm generalises."""

CHANGES = ["arm", "seed", "spacing", "from_step", "step", "layer"]
CHANGES += ["distance", "chance", "velocity", "gain", "gain_of"]
PEAKS = ["arm", "seed", "layer", "n_intervals", "peak_step", "peak_distance", "peak_velocity", "chance"]
PEAKS += ["gain_of", "gain_step", "gain", "lag", "holds"]
PEAKS += ["spearman", "velocity_half_step", "gain_half_step", "lead"]


def spacing(steps: Sequence[int]) -> int:
    """The first of the spacings with enough intervals between these checkpoints, else that with the most.

    Examples
    --------
    >>> spacing(range(0, 30_001, 1000)), spacing(range(0, 6001, 100)), spacing([0, 100, 2000, 4000])
    (2000, 500, 2000)
    """
    counts = {every: len(_intervals(steps, every)) for every in SPACINGS}
    enough = (every for every, n in counts.items() if n >= INTERVALS)
    return next(enough, max(SPACINGS, key=lambda every: counts[every]))


def _intervals(steps: Sequence[int], every: int) -> list[tuple[int, int]]:
    """Checkpoints so many steps apart, from one multiple of it to the next."""
    known = set(steps)
    return [(step - every, step) for step in steps if step % every == 0 and step - every in known]


def mask_changes(network: Network, masks: list[dict[str, np.ndarray]], every: int) -> list[dict[str, Any]]:
    """Distances between successive masks: at the fixed spacing, and early on at every checkpoint.

    Velocity is the distance per 1,000 steps; `gain` what `GAINS` says, over the same steps.
    """
    steps = [int(step) for step in network.steps]
    place = {step: i for i, step in enumerate(steps)}
    pairs = [("fixed", a, b) for a, b in _intervals(steps, every)]
    early = [step for step in steps if step <= every]
    pairs += [("early", a, b) for a, b in itertools.pairwise(early)]
    level = _level(network)
    rows = []
    for spacing, a, b in pairs:
        at = {"arm": network.arm, "seed": network.seed, "spacing": spacing, "from_step": a, "step": b}
        at["gain"] = level[b] - level[a] if a in level and b in level else None
        at["gain_of"] = network.setting.criterion.test
        before, after = masks[place[a]], masks[place[b]]
        chance = chance_jaccard_distances(before, after)
        for layer, distance in jaccard_distances(before, after).items():
            numbers = {"distance": distance, "chance": chance[layer], "velocity": 1000 * distance / (b - a)}
            rows.append(at | {"layer": layer} | numbers)
    return rows


def _level(network: Network) -> dict[int, float]:
    """By step, what rises as the network gets better: test accuracy, or minus log10 of the test loss."""
    metrics, criterion = network.metrics(), network.setting.criterion
    if metrics is None:
        return {}
    level = np.asarray(metrics[criterion.test], dtype=float)
    if criterion.direction == "down":
        with np.errstate(divide="ignore"):  # a loss of 0 has no logarithm, and is left out
            level = -np.log10(level)
    return {int(step): y for step, y in zip(metrics["step"], level.tolist(), strict=True) if math.isfinite(y)}


def turnover_peaks(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Per changing arm, seed and layer: when masks change most and the gain is largest, and which is first.

    The first interval is left out: masks turn over most in the first steps, at any rate. `lag` is from the
    largest gain to the largest distance; `holds` if no more than `WITHIN` intervals lie between them. `lead`
    is positive if the velocity has risen half of its way (`_half_rise_step`) before the gain has: an early
    sign that needs no labels. `holds` and the rank correlation need three more intervals at least, and a
    gain; else they are None.
    """
    late = table[(table["spacing"] == "fixed") & (table["from_step"] > 0)]
    rows = []
    for (arm, seed, layer), own in groups(late, ["arm", "seed", "layer"]):
        peak = own.iloc[own["distance"].argmax()]
        row: dict[str, Any] = dict.fromkeys(PEAKS)
        row |= {"arm": arm, "seed": seed, "layer": layer, "n_intervals": len(own), "chance": peak["chance"]}
        row |= {"peak_step": int(peak["step"]), "peak_velocity": peak["velocity"]}
        row |= {"peak_distance": peak["distance"], "gain_of": peak["gain_of"]}
        row["velocity_half_step"] = _half_rise_step(own, "velocity")
        measured = own.dropna(subset="gain")
        if len(measured):
            best = measured.iloc[measured["gain"].argmax()]
            row |= {"gain_step": int(best["step"]), "gain": float(best["gain"])}
            row["lag"] = row["peak_step"] - row["gain_step"]
        if len(measured) >= 3 and row["gain"] > 0:
            row["holds"] = abs(row["lag"]) <= WITHIN * int(peak["step"] - peak["from_step"])
            row["gain_half_step"] = _half_rise_step(measured, "gain")
            if measured["velocity"].nunique() > 1 and measured["gain"].nunique() > 1:
                row["spearman"] = float(spearmanr(measured["velocity"], measured["gain"]).statistic)
        if row["velocity_half_step"] is not None and row["gain_half_step"] is not None:
            row["lead"] = row["gain_half_step"] - row["velocity_half_step"]
        rows.append(row)
    return rows


def _half_rise_step(own: pd.DataFrame, name: str) -> int | None:
    """First step half way up from the lowest value before the peak to the peak; None without such a rise.

    Not half of the peak itself: masks turn over at any time, and a velocity never far below its peak
    would be past half of it in the first interval.
    """
    steps, values = own["step"].to_numpy(), own[name].to_numpy()
    lowest = int(values[: values.argmax() + 1].argmin())
    return half_decrease_step(steps[lowest:], -values[lowest:]).at


def show_turnover(table: pd.DataFrame, peaks: list[dict[str, Any]], every: int) -> str:
    """As it is printed: peaks, what comes first, and the first steps."""
    gains = " or ".join(GAINS[name] for name in dict.fromkeys(table["gain_of"]))
    own = [row for row in peaks if row["layer"] == GLOBAL]
    text = [f"Turnover of changing masks, Jaccard distance {every:,} steps apart, from step {every:,}"]
    if own:
        text += [f"(gain: {gains}):", format_table([_shown_peak(row, every) for row in own])]
        text += [
            "",
            "Velocity, distance per 1,000 steps, beside the gain (lead > 0: the velocity rose first):",
        ]
        text.append(format_table([_shown_velocity(row) for row in own]))
    else:
        text.append("no two such checkpoints")
    early = table[(table["spacing"] == "early") & (table["layer"] == GLOBAL)]
    for (arm,), rows in groups(early, ["arm"]):
        ends = [rows[rows["step"] == step] for step in (rows["step"].min(), rows["step"].max())]
        over = [
            f"{number(e['distance'].mean())} over {e['from_step'].iloc[0]}–{e['step'].iloc[0]}" for e in ends
        ]
        text.append(f"{arm_words(arm)}, first steps, mean over seeds: distance {', '.join(over)}")
    return "\n".join(text)


def _shown_peak(row: dict[str, Any], every: int) -> dict[str, Any]:
    return {
        "arm": arm_words(row["arm"]),
        "seed": row["seed"],
        "intervals": row["n_intervals"],
        "peak": number(row["peak_distance"]),
        "chance": number(row["chance"]),
        "peak at step": _step(row["peak_step"]),
        "largest gain": number(row["gain"]),
        "gain at step": _step(row["gain_step"]),
        f"within {WITHIN * every:,}": {None: "no verdict", True: "yes", False: "no"}[row["holds"]],
    }


def _shown_velocity(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "arm": arm_words(row["arm"]),
        "seed": row["seed"],
        "peak": number(row["peak_velocity"]),
        "Spearman": number(row["spearman"]),
        "lag of peaks": _step(row["lag"]),
        "half risen at": _step(row["velocity_half_step"]),
        "gain half risen at": _step(row["gain_half_step"]),
        "lead": _step(row["lead"]),
    }


def _step(step: int | None) -> str:
    return "-" if step is None else f"{step:,}"
