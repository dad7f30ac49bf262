"""Overlap of masks, compared with chance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analyses.masks.schema import OVERLAP
from analyses.tables.long_format import pairs_of
from interp.masks.overlap import (
    chance_jaccard_distance,
    chance_jaccard_distances,
    jaccard_distances,
    overlap_excess,
    overlap_z_scores,
)
from interp.masks.topk import GLOBAL, density


def overlap_table(
    last_masks: Mapping[tuple[str, int], Mapping[str, np.ndarray]], roots: Mapping[str, str]
) -> pd.DataFrame:
    """Return the overlaps of every two arms, and of every two seeds.

    Two arms are compared at one seed, and two seeds of one arm. Networks whose weights have other names or
    shapes are not compared.

    Parameters
    ----------
    last_masks : mapping
        Last mask of each network, by arm and seed.
    roots : mapping
        First arm of the lineage of each arm. Equal masks of arms with one root are equal by construction.

    Returns
    -------
    DataFrame
        `chance`, `excess` and `z` compare with masks shuffled within their layers, `flat_chance` and
        `flat_excess` with masks of the same global densities, scattered over all layers.
    """
    rows: list[dict[str, Any]] = []
    for (arm_a, seed_a), (arm_b, seed_b) in pairs_of(list(last_masks)):
        a, b = last_masks[arm_a, seed_a], last_masks[arm_b, seed_b]
        same_shapes = {name: m.shape for name, m in a.items()} == {name: m.shape for name, m in b.items()}
        if (arm_a != arm_b and seed_a != seed_b) or not same_shapes:
            continue
        at = {"arm_a": arm_a, "seed_a": seed_a, "arm_b": arm_b, "seed_b": seed_b}
        equal = all(np.array_equal(a[name], b[name]) for name in a)
        at["by_construction"] = seed_a == seed_b and roots[arm_a] == roots[arm_b] and equal
        chances, z = chance_jaccard_distances(a, b), overlap_z_scores(a, b)
        flat = 1 - chance_jaccard_distance(density(a)[GLOBAL], density(b)[GLOBAL])
        for layer, distance in jaccard_distances(a, b).items():
            overlap, chance = 1 - distance, 1 - chances[layer]
            row = at | {"layer": layer, "overlap": overlap, "chance": chance, "z": z[layer]}
            row |= {"excess": overlap_excess(overlap, chance), "flat_chance": flat}
            rows.append(row | {"flat_excess": overlap_excess(overlap, flat)})
    return pd.DataFrame(rows, columns=OVERLAP.measured_columns)
