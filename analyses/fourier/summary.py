"""Summary of the Fourier tables: fall of the entropy in every arm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analyses.fourier.schema import KEY_FREQUENCIES, MEANS
from analyses.tables.key_frequency_rows import printed_key_frequencies
from analyses.tables.labels import arm_label
from analyses.tables.long_format import first_and_last, groups
from analyses.tables.number_text import change, step_range
from analyses.tables.schema import Table
from interp.dynamics.threshold_crossings import first_crossing, half_decrease_step
from interp.mechanism.key_frequency_rules import KEY_RULES
from training.cli.printed_table import PrintedTable

PAPER_ENTROPY_MISSING = (
    " With p = 3 there is no entropy_paper: the published code leaves out frequency K, here the only one."
)


def summarise(
    tables: Mapping[Table, pd.DataFrame],
    n_frequencies: int,
    references: Mapping[str, str | None],
) -> tuple[dict[str, Any], list[PrintedTable]]:
    """Return the summary for JSON, and its printed tables.

    Beside the step at which each arm's entropy has half fallen is the step at which it reaches the dense
    network's half level: curves of different depth have both, and only the second compares them at one
    height.

    Parameters
    ----------
    references : mapping
        The dense arm that each arm is compared with.
    """
    means, key_frequencies = tables[MEANS], tables[KEY_FREQUENCIES]
    falls = _falls(means, references)
    arms = _arms(means, falls)
    chosen = _key_lists(means, key_frequencies)
    earlier = _earlier_than_dense(falls, references)
    printed = [
        PrintedTable(
            "Concentration of the neurons' spectra, first → last checkpoint, mean over neurons and seeds.",
            [_printed_arm(row) for row in arms],
            "A low entropy and an IPR (inverse participation ratio) near 1 are neurons of one frequency. "
            "Halved: step at which entropy is halfway to its lowest value. Dense level: step at which it "
            "reaches the level that the dense network of that seed has when its own entropy is halved."
            + (PAPER_ENTROPY_MISSING if n_frequencies == 1 else ""),
        ),
        printed_key_frequencies(chosen, n_frequencies),
    ]
    if earlier:
        printed.insert(
            1,
            PrintedTable(
                "Number of seeds whose entropy falls earlier than the dense network's.",
                [_printed_comparison(row) for row in earlier],
                "Halved: each arm by its own fall. Dense level: all arms at one height.",
            ),
        )
    summary = {"arms": arms, "falls": falls, "faster_than_dense": earlier, "key_frequencies": chosen}
    return summary, printed


def _falls(means: pd.DataFrame, references: Mapping[str, str | None]) -> list[dict[str, Any]]:
    """Return the fall of the entropy curve of every arm, seed and map."""
    curves = {
        key: (curve["step"].to_numpy(), curve["entropy"].to_numpy())
        for key, curve in groups(means.dropna(subset="entropy"), ["arm", "seed", "map"])
    }
    rows = []
    for (arm, seed, name), (steps, entropy) in curves.items():
        fall = half_decrease_step(steps, entropy)
        row = {"arm": arm, "seed": seed, "map": name, "fall": float(entropy[0] - entropy.min())}
        row |= {"half_fall_after": fall.last_before, "half_fall_step": fall.at, "dense_level_step": None}
        dense = (references.get(arm) or arm, seed, name)
        if dense in curves:
            dense_entropy = curves[dense][1]
            level = (dense_entropy[0] + dense_entropy.min()) / 2
            row["dense_level_step"] = first_crossing(steps, entropy, level, "down").at
        rows.append(row)
    return rows


def _arms(means: pd.DataFrame, falls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    columns = ["entropy", "entropy_paper", "ipr_frequency", "ipr_basis", "gini", "energy_share", "n_dead"]
    first, last = first_and_last(means)
    rows = []
    for (arm, name), group in groups(last, ["arm", "map"]):
        start = first[(first["arm"] == arm) & (first["map"] == name)]
        arm_falls = [fall for fall in falls if (fall["arm"], fall["map"]) == (arm, name)]
        row = {"arm": arm, "map": name, "n_seeds": len(group)}
        row |= {f"{c}_first": float(start[c].mean()) for c in columns}
        row |= {f"{c}_last": float(group[c].mean()) for c in columns}
        steps = ("half_fall_step", "dense_level_step")
        rows.append(row | {step: [fall[step] for fall in arm_falls] for step in steps})
    return rows


def _printed_arm(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "arm": arm_label(row["arm"]),
        "map": row["map"],
        "seeds": row["n_seeds"],
        "entropy (nats)": change(row["entropy_first"], row["entropy_last"]),
        "IPR": change(row["ipr_frequency_first"], row["ipr_frequency_last"]),
        "halved (step)": step_range(row["half_fall_step"]),
        "dense level (step)": step_range(row["dense_level_step"]),
    }


def _key_lists(means: pd.DataFrame, key_frequencies: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the key frequencies of every arm and seed, a list per rule."""
    rows = []
    for arm, seed in means[["arm", "seed"]].drop_duplicates().itertuples(index=False):
        network = key_frequencies[(key_frequencies["arm"] == arm) & (key_frequencies["seed"] == seed)]
        by_rule = {rule: network.loc[network["rule"] == rule, "frequency"].tolist() for rule in KEY_RULES}
        rows.append({"arm": arm, "seed": seed} | by_rule)
    return rows


def _earlier_than_dense(
    falls: list[dict[str, Any]], references: Mapping[str, str | None]
) -> list[dict[str, Any]]:
    """Count the seeds whose entropy falls earlier than the dense network's."""
    by_network = {(fall["arm"], fall["seed"], fall["map"]): fall for fall in falls}
    counts: dict[tuple[str, str], dict[str, Any]] = {}
    for fall in falls:
        dense = by_network.get((references.get(fall["arm"]), fall["seed"], fall["map"]))
        if dense is None:
            continue
        key = (fall["arm"], fall["map"])
        row = counts.setdefault(
            key, {"arm": key[0], "map": key[1], "n_seeds": 0, "by_half_fall": 0, "by_dense_level": 0}
        )
        row["n_seeds"] += 1
        for name, field in (("by_half_fall", "half_fall_step"), ("by_dense_level", "dense_level_step")):
            step, dense_step = fall[field], dense[field]
            row[name] += step is not None and (dense_step is None or step < dense_step)
    return list(counts.values())


def _printed_comparison(row: dict[str, Any]) -> dict[str, Any]:
    n = row["n_seeds"]
    return {
        "arm": arm_label(row["arm"]),
        "map": row["map"],
        "halved earlier": f"{row['by_half_fall']} of {n} seeds",
        "at dense level earlier": f"{row['by_dense_level']} of {n} seeds",
    }
