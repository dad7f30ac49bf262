"""Change of masks in training, and its timing against the network's gain."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from analyses.masks.schema import PEAKS
from analyses.tables.long_format import groups
from interp.dynamics.threshold_crossings import half_decrease_step
from interp.masks.overlap import chance_jaccard_distances, jaccard_distances

if TYPE_CHECKING:
    from training.inspection.trained_network import Network

INTERVALS = (2000, 1000, 500, 200, 100)
"""Default intervals between compared masks, in steps; the paper's first."""
MIN_INTERVALS = 8
"""Number of intervals that the default interval should divide a run into."""
NEAR = 2
"""Number of intervals within which two peaks count as simultaneous."""
MIN_GAINS = 3
"""Number of intervals with a gain that a verdict needs."""


def default_interval(steps: Sequence[int]) -> int:
    """Return the largest default interval that fits often enough.

    Parameters
    ----------
    steps : sequence of int
        Steps of the checkpoints. Where no interval fits `MIN_INTERVALS` times, the one that fits most often.

    Examples
    --------
    >>> default_interval(range(0, 30_001, 1000)), default_interval(range(0, 6001, 100))
    (2000, 500)
    >>> default_interval([0, 100, 2000, 4000])
    2000
    """
    counts = {interval: len(_fixed_intervals(steps, interval)) for interval in INTERVALS}
    frequent = (interval for interval, n in counts.items() if n >= MIN_INTERVALS)
    return next(frequent, max(INTERVALS, key=lambda interval: counts[interval]))


def _fixed_intervals(steps: Sequence[int], interval: int) -> list[tuple[int, int]]:
    """Return pairs of checkpoints at successive multiples of the interval."""
    checkpoints = set(steps)
    return [
        (step - interval, step) for step in steps if step % interval == 0 and step - interval in checkpoints
    ]


def mask_changes(network: Network, masks: list[dict[str, np.ndarray]], interval: int) -> list[dict[str, Any]]:
    """Return the distances between successive masks of a network.

    Masks are compared at the fixed interval, and up to the first such step at every checkpoint. `velocity`
    is the distance per 1,000 steps; `gain` is the rise of the test accuracy over the interval, or the fall
    of log10 of the test loss.
    """
    steps = [int(step) for step in network.steps]
    place = {step: i for i, step in enumerate(steps)}
    pairs = [("fixed", a, b) for a, b in _fixed_intervals(steps, interval)]
    early = [step for step in steps if step <= interval]
    pairs += [("early", a, b) for a, b in itertools.pairwise(early)]
    score = _test_scores(network)
    rows = []
    for spacing, a, b in pairs:
        at = {"arm": network.arm, "seed": network.seed, "spacing": spacing, "from_step": a, "step": b}
        at["gain"] = score[b] - score[a] if a in score and b in score else None
        at["gain_of"] = network.setting.criterion.test
        before, after = masks[place[a]], masks[place[b]]
        chance = chance_jaccard_distances(before, after)
        for layer, distance in jaccard_distances(before, after).items():
            numbers = {"distance": distance, "chance": chance[layer], "velocity": 1000 * distance / (b - a)}
            rows.append(at | {"layer": layer} | numbers)
    return rows


def _test_scores(network: Network) -> dict[int, float]:
    """Return test accuracy, or minus log10 of the test loss, by step."""
    metrics, criterion = network.metrics, network.setting.criterion
    if metrics is None:
        return {}
    score = np.asarray(metrics[criterion.test], dtype=float)
    if criterion.direction == "down":
        with np.errstate(divide="ignore"):  # a loss of 0 has no logarithm, and is left out
            score = -np.log10(score)
    return {int(step): y for step, y in zip(metrics["step"], score.tolist(), strict=True) if math.isfinite(y)}


def turnover_peaks(distances: pd.DataFrame) -> list[dict[str, Any]]:
    """Return when each mask changes most, and when the gain is largest.

    Parameters
    ----------
    distances : DataFrame
        Rows of `mask_changes` of all networks. The first interval is left out: masks change most in the
        first steps, whatever the network learns.

    Returns
    -------
    list of mapping
        A row per arm, seed and layer. `lag` is from the largest gain to the largest distance; `holds` is
        True if at most `NEAR` intervals lie between them. `lead` is positive if velocity is half way up
        before the gain is: a sign of generalisation that needs no labels. `holds` and the rank correlation
        need `MIN_GAINS` intervals with a gain, and a positive one; else they are None.
    """
    late = distances[(distances["spacing"] == "fixed") & (distances["from_step"] > 0)]
    rows = []
    for (arm, seed, layer), intervals in groups(late, ["arm", "seed", "layer"]):
        peak = intervals.iloc[intervals["distance"].argmax()]
        row: dict[str, Any] = dict.fromkeys(PEAKS.measured_columns)
        row |= {"arm": arm, "seed": seed, "layer": layer, "n_intervals": len(intervals)}
        row |= {"peak_step": int(peak["step"]), "peak_velocity": peak["velocity"], "chance": peak["chance"]}
        row |= {"peak_distance": peak["distance"], "gain_of": peak["gain_of"]}
        row["velocity_half_step"] = _half_rise_step(intervals, "velocity")
        with_gain = intervals.dropna(subset="gain")
        if len(with_gain):
            best = with_gain.iloc[with_gain["gain"].argmax()]
            row |= {"gain_step": int(best["step"]), "gain": float(best["gain"])}
            row["lag"] = row["peak_step"] - row["gain_step"]
        if len(with_gain) >= MIN_GAINS and row["gain"] > 0:
            row["holds"] = abs(row["lag"]) <= NEAR * int(peak["step"] - peak["from_step"])
            row["gain_half_step"] = _half_rise_step(with_gain, "gain")
            if with_gain["velocity"].nunique() > 1 and with_gain["gain"].nunique() > 1:
                row["spearman"] = float(spearmanr(with_gain["velocity"], with_gain["gain"]).statistic)
        if row["velocity_half_step"] is not None and row["gain_half_step"] is not None:
            row["lead"] = row["gain_half_step"] - row["velocity_half_step"]
        rows.append(row)
    return rows


def _half_rise_step(intervals: pd.DataFrame, name: str) -> int | None:
    """Return the step half way up from the lowest value to the peak.

    The lowest value is that before the peak; None without such a rise. Half of the peak itself would say
    nothing: masks change at all times, and a velocity never far below its peak is past half of it in the
    first interval.
    """
    steps, values = intervals["step"].to_numpy(), intervals[name].to_numpy()
    lowest = int(values[: values.argmax() + 1].argmin())
    return half_decrease_step(steps[lowest:], -values[lowest:]).at
