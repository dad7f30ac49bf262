"""Summary of the masks: densities, change, overlap, frozen weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from analyses.masks.schema import DENSITY, DISTANCES, FROZEN, OVERLAP, PEAKS
from analyses.masks.turnover import NEAR
from analyses.tables.labels import arm_label, layer_words
from analyses.tables.long_format import groups, records
from analyses.tables.number_text import number
from analyses.tables.schema import Table
from interp.masks.topk import GLOBAL
from training.cli.printed_table import PrintedTable

GAINS = {"test_acc": "rise of test accuracy", "test_loss": "fall of log10 of the test loss"}
"""Words for the gain, by the curve in which an arm generalises."""
CLEARLY = 2
"""Factor by which an excess must exceed that of all control pairs to count as clearly off chance."""
MOST_PAIRS = 12
"""Number of pairs of arms that are printed."""


def printed(measured: Mapping[Table, pd.DataFrame], interval: int) -> list[PrintedTable]:
    """Return the printed tables.

    Parameters
    ----------
    interval : int
        Steps between the compared masks of one network.
    """
    tables = [_printed_densities(last_densities(measured[DENSITY]))]
    if len(measured[DISTANCES]):
        tables += _printed_turnover(measured[DISTANCES], records(measured[PEAKS]), interval)
    if len(measured[OVERLAP]):
        tables.append(printed_overlaps(measured[OVERLAP]))
    if len(measured[FROZEN]):
        tables.append(_printed_frozen(records(measured[FROZEN])))
    return tables


def last_densities(densities: pd.DataFrame) -> pd.DataFrame:
    """Return the densities of each network's last mask."""
    return densities.groupby(["arm", "seed", "layer"], sort=False).tail(1)


def _printed_densities(last: pd.DataFrame) -> PrintedTable:
    rows, words = [], layer_words(last["layer"])
    for (arm,), densities in groups(last, ["arm"]):
        layers = {
            layer: layer_rows["density"].mean() for (layer,), layer_rows in groups(densities, ["layer"])
        }
        row: dict[str, Any] = {"arm": arm_label(arm), "seeds": densities["seed"].nunique()}
        row["all weights"] = number(layers.pop(GLOBAL))
        rows.append(row | {words[layer]: number(density) for layer, density in layers.items()})
    whole = [row["all weights"] for row in rows]
    share = whole[0] if len(set(whole)) == 1 else f"{min(whole, key=float)} to {max(whole, key=float)}"
    return PrintedTable(
        "Share of weights that each arm's mask keeps at the last checkpoint, mean over seeds.",
        rows,
        f"Masks keep {share} of all weights. A dense arm's mask is its magnitude mask at the recipe's "
        "sparsity.",
    )


def _printed_turnover(
    distances: pd.DataFrame, peaks: Sequence[Mapping[str, Any]], interval: int
) -> list[PrintedTable]:
    """Return the tables of peaks, of velocity against gain, and of the first steps."""
    whole = [row for row in peaks if row["layer"] == GLOBAL]
    verdicts = [bool(row["holds"]) for row in whole if pd.notna(row["holds"])]
    gains = " or ".join(GAINS[curve] for curve in dict.fromkeys(distances["gain_of"]))
    if not whole:
        conclusion = f"No mask has two checkpoints {interval:,} steps apart after step {interval:,}."
    elif not verdicts:
        conclusion = f"No verdict: too few intervals with a gain ({gains})."
    else:
        conclusion = (
            f"Masks change most within {NEAR * interval:,} steps of the largest gain ({gains}) in "
            f"{sum(verdicts)} of {len(verdicts)} networks."
        )
    tables = [
        PrintedTable(
            f"Largest change of the masks that change in training: Jaccard distance over {interval:,} "
            f"steps, from step {interval:,} on.",
            [_peak_row(row, interval) for row in whole],
            conclusion,
        )
    ]
    if whole:
        leads = [row["lead"] for row in whole if pd.notna(row["lead"])]
        tables.append(
            PrintedTable(
                "Velocity of the mask (distance per 1,000 steps) against the gain over the same intervals.",
                [_velocity_row(row) for row in whole],
                f"Velocity is half way up to its peak before the gain is in "
                f"{sum(lead > 0 for lead in leads)} of {len(leads)} networks where both rise."
                if leads
                else "In no network do both velocity and gain rise after the first interval.",
                details=True,
            )
        )
    early = distances[(distances["spacing"] == "early") & (distances["layer"] == GLOBAL)]
    if len(early):
        tables.append(
            PrintedTable(
                "Distance between the masks of successive checkpoints in the first steps, mean over seeds.",
                [row for (arm,), rows in groups(early, ["arm"]) for row in _early_rows(arm, rows)],
                "The first and the last of these intervals.",
                details=True,
            )
        )
    return tables


def _peak_row(row: Mapping[str, Any], interval: int) -> dict[str, Any]:
    return {
        "arm": arm_label(row["arm"]),
        "seed": row["seed"],
        "distance": number(row["peak_distance"]),
        "at step": _step(row["peak_step"]),
        "largest gain": number(row["gain"]),
        "gain at step": _step(row["gain_step"]),
        f"within {NEAR * interval:,} steps": _verdict(row["holds"]),
        "distance by chance": number(row["chance"]),
        "intervals": row["n_intervals"],
    }


def _velocity_row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "arm": arm_label(row["arm"]),
        "seed": row["seed"],
        "rank correlation": number(row["spearman"]),
        "velocity half risen (step)": _step(row["velocity_half_step"]),
        "gain half risen (step)": _step(row["gain_half_step"]),
        "velocity earlier by (steps)": _step(row["lead"]),
        "peak after largest gain by (steps)": _step(row["lag"]),
        "peak velocity": number(row["peak_velocity"]),
    }


def _early_rows(arm: str, early: pd.DataFrame) -> list[dict[str, Any]]:
    ends = [
        early[early["step"] == step] for step in dict.fromkeys([early["step"].min(), early["step"].max()])
    ]
    return [
        {
            "arm": arm_label(arm),
            "steps": f"{end['from_step'].iloc[0]:,} to {end['step'].iloc[0]:,}",
            "distance": number(end["distance"].mean()),
            "distance by chance": number(end["chance"].mean()),
        }
        for end in ends
    ]


def _step(step: int | float | None) -> str:
    return f"{step:,.0f}" if pd.notna(step) else "-"


def _verdict(holds: Any) -> str:
    return ("yes" if holds else "no") if pd.notna(holds) else "no verdict"


def printed_overlaps(overlaps: pd.DataFrame) -> PrintedTable:
    """Return the printed overlaps: the pairs of arms farthest from chance."""
    whole = overlaps[overlaps["layer"] == GLOBAL]
    arms, control = whole[whole["arm_a"] != whole["arm_b"]], whole[whole["arm_a"] == whole["arm_b"]]
    pairs = arms.groupby(["arm_a", "arm_b"], sort=False)
    numbers = ["overlap", "chance", "excess", "z", "flat_chance", "flat_excess"]
    means = pairs[numbers].mean().assign(seeds=pairs.size(), by_construction=pairs["by_construction"].all())
    farthest = means["excess"].abs().sort_values(ascending=False, kind="stable").index[:MOST_PAIRS]
    shown = [pair for pair in means.index if pair in set(farthest)]
    legend = (
        "Chance: masks shuffled within layers (mixed: over all layers). Excess: 0 at chance, 1 for equal "
        "masks; z: from chance, in standard deviations. "
    )
    if means["by_construction"].any():
        legend += "By construction: both arms have one mask, which is no finding. "
    if len(means) > len(shown):
        legend += f"{len(shown)} of {len(means)} pairs, the farthest from chance; all are in the table. "
    return PrintedTable(
        "Overlap of the last masks of two arms, |a ∩ b| / |a ∪ b| over all weights, mean over seeds.",
        [_overlap_row(pair, means.loc[pair]) for pair in shown],
        legend + _against_control(means, control),
    )


def _overlap_row(pair: tuple[str, str], mean: pd.Series) -> dict[str, Any]:
    a, b = pair
    return {
        "arm": arm_label(a),
        "and arm": arm_label(b),
        "overlap": number(mean["overlap"]),
        "chance": number(mean["chance"]),
        "excess": _excess(mean["excess"]),
        "z": "by construction" if mean["by_construction"] else number(mean["z"]),
        "seeds": int(mean["seeds"]),
        "excess, layers mixed": _excess(mean["flat_excess"]),
        "chance, layers mixed": number(mean["flat_chance"]),
    }


def _excess(value: float) -> str:
    return f"{value:.3f}" if pd.notna(value) else "-"


def _against_control(means: pd.DataFrame, control: pd.DataFrame) -> str:
    """Return the sentence that compares pairs of arms with one arm's seeds."""
    if not len(control):
        return "One seed: no control."
    others = means[~means["by_construction"]]
    beyond = others[others["excess"].abs() > CLEARLY * control["excess"].abs().max()]
    names = [f"{arm_label(a)} and {arm_label(b)}" for a, b in beyond.index]
    but = ", leaving out those by construction," if len(others) < len(means) else ""
    if not names:
        result = f"no pair of arms{but} is clearly off chance"
    elif len(names) > 3:
        result = f"{len(names)} of {len(others)} pairs of arms{but} are clearly off chance"
    else:
        result = f"{'; '.join(names)} {'is' if len(names) == 1 else 'are'} clearly off chance"
    return (
        f"Control, one arm at different seeds ({len(control)} pairs of {control['arm_a'].nunique()} arms): "
        f"excess {_excess(control['excess'].min())} to {_excess(control['excess'].max())}, "
        f"z {number(control['z'].min())} to {number(control['z'].max())}; {result} (more than {CLEARLY} "
        "times as far as any of these)."
    )


def _printed_frozen(rows: Sequence[Mapping[str, Any]]) -> PrintedTable:
    """Return the printed check of frozen weights."""
    n_changed = sum(row["n_changed"] for row in rows)
    n_kept = sum(row["n_kept"] for row in rows)
    return PrintedTable(
        "Weights that were to stay frozen while scores were trained, compared with their source.",
        [
            {
                "arm": arm_label(row["arm"]),
                "seed": row["seed"],
                "source": f"{arm_label(row['source'])} at step {row['from_step']:,}",
                "checkpoints": row["n_checkpoints"],
                "kept weights": f"{row['n_kept']:,}",
                "changed": f"{row['n_changed']:,}",
            }
            for row in rows
        ],
        f"{n_changed:,} of {n_kept:,} kept weights changed"
        + (": training did not freeze them." if n_changed else ": they stayed frozen, bit by bit."),
    )
