"""Which masks overlap more than by chance: those of a seed's arms, and, as a control, of an arm's seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analyses.tables.long_format import arm_words, number, pairs_of
from interp.masks.overlap import (
    chance_jaccard_distance,
    chance_jaccard_distances,
    jaccard_distances,
    overlap_excess,
    overlap_z_scores,
)
from interp.masks.topk import GLOBAL, density
from training.cli.parser import format_table

COLUMNS = ["arm_a", "seed_a", "arm_b", "seed_b", "layer"]
COLUMNS += ["overlap", "chance", "excess", "z", "flat_chance", "flat_excess"]
MOST_PAIRS = 12


def overlap_table(last: Mapping[tuple[str, int], Mapping[str, np.ndarray]]) -> pd.DataFrame:
    """Jaccard overlap of the last masks of every two arms of a seed, and of every two seeds of an arm.

    `chance`, `excess` and `z` compare with masks shuffled within their layers, `flat_chance` and
    `flat_excess` with masks of the same global densities, scattered alike over all layers.
    Networks with other weights than each other's are not compared.
    """
    rows: list[dict[str, Any]] = []
    for (arm_a, seed_a), (arm_b, seed_b) in pairs_of(list(last)):
        a, b = last[arm_a, seed_a], last[arm_b, seed_b]
        alike = {name: m.shape for name, m in a.items()} == {name: m.shape for name, m in b.items()}
        if (arm_a != arm_b and seed_a != seed_b) or not alike:
            continue
        at = {"arm_a": arm_a, "seed_a": seed_a, "arm_b": arm_b, "seed_b": seed_b}
        chances, z = chance_jaccard_distances(a, b), overlap_z_scores(a, b)
        flat = 1 - chance_jaccard_distance(density(a)[GLOBAL], density(b)[GLOBAL])
        for layer, distance in jaccard_distances(a, b).items():
            overlap, chance = 1 - distance, 1 - chances[layer]
            row = at | {"layer": layer, "overlap": overlap, "chance": chance, "z": z[layer]}
            row |= {"excess": overlap_excess(overlap, chance), "flat_chance": flat}
            rows.append(row | {"flat_excess": overlap_excess(overlap, flat)})
    return pd.DataFrame(rows, columns=COLUMNS)


def show_overlaps(table: pd.DataFrame) -> str:
    """As it is printed: pairs of arms, at most `MOST_PAIRS`, and the control. Empty without any pair."""
    own = table[table["layer"] == GLOBAL]
    arms, seeds = own[own["arm_a"] != own["arm_b"]], own[own["arm_a"] == own["arm_b"]]
    text = []
    if len(arms):
        means = arms.groupby(["arm_a", "arm_b"], sort=False)[COLUMNS[5:]].mean()
        strongest = means["excess"].abs().sort_values(ascending=False, kind="stable").index[:MOST_PAIRS]
        shown = [pair for pair in means.index if pair in set(strongest)]
        text += [
            "Overlap |a∩b| / |a∪b| of the last masks, all weights, mean over seeds. Chance: masks shuffled"
        ]
        text += [
            "within layers (flat: over all weights); excess: 0 at chance, 1 for equal masks; z: from chance."
        ]
        text.append(format_table([_shown(pair, arms, means.loc[pair]) for pair in shown]))
        if len(means) > len(shown):
            text.append(
                f"{len(shown)} of {len(means)} pairs, the farthest from chance; all are in the table."
            )
    if len(seeds):
        text.append(
            f"Control, one arm at different seeds: {len(seeds)} pairs of {seeds['arm_a'].nunique()} arms, "
            f"excess {number(seeds['excess'].min())} to {number(seeds['excess'].max())}, "
            f"z {number(seeds['z'].min())} to {number(seeds['z'].max())}."
        )
    return "\n".join(text)


def _shown(pair: tuple[str, str], arms: pd.DataFrame, mean: pd.Series) -> dict[str, Any]:
    a, b = pair
    row: dict[str, Any] = {"arms": f"{arm_words(a)} and {arm_words(b)}"}
    row["seeds"] = int(((arms["arm_a"] == a) & (arms["arm_b"] == b)).sum())
    names = {"overlap": "overlap", "chance": "chance", "excess": "excess", "z": "z"}
    names |= {"flat_chance": "flat chance", "flat_excess": "flat excess"}
    return row | {shown: number(mean[name]) for name, shown in names.items()}
