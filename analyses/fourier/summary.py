"""What the Fourier tables say of each arm: how far entropy fell, how early, onto which frequencies."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analyses.tables.key_frequencies import show_keys
from analyses.tables.long_format import arm_words, change, first_and_last, groups, step_range
from interp.dynamics.threshold_crossings import first_crossing, half_decrease_step
from interp.mechanism.key_frequency_rules import KEY_RULES
from training.cli.parser import format_table


def summarise(table: pd.DataFrame, keys: pd.DataFrame, n_frequencies: int) -> tuple[dict[str, Any], str]:
    """The summary for JSON, and its text.

    Besides the half fall of each curve stands the step at which it reaches the level of the dense network's
    half fall: curves of different depth have both, and only the second compares them at one height.
    """
    falls = _falls(table)
    arms = _arms(table, falls)
    chosen = _key_lists(table, keys)
    verdicts = _faster_than_dense(falls)
    text = [
        "Entropy (nats, amplitude shares) and IPR (over frequencies), mean over neurons and seeds:",
        format_table([_shown(row) for row in arms]),
        "Dense level: that of the dense network's half fall, same seed and map.",
        "\nKey frequencies at the last checkpoint, by rule:",
        show_keys(chosen, n_frequencies),
        *(["", format_table([_verdict(row) for row in verdicts])] if verdicts else []),
    ]
    summary = {"arms": arms, "falls": falls, "faster_than_dense": verdicts, "key_frequencies": chosen}
    return summary, "\n".join(text)


def _falls(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Per arm, seed and map: the fall of the entropy curve."""
    curves = {
        key: (curve["step"].to_numpy(), curve["entropy"].to_numpy())
        for key, curve in groups(table.dropna(subset="entropy"), ["arm", "seed", "map"])
    }
    rows = []
    for (arm, seed, name), (steps, entropy) in curves.items():
        fall = half_decrease_step(steps, entropy)
        row = {"arm": arm, "seed": seed, "map": name, "fall": float(entropy[0] - entropy.min())}
        row |= {"half_fall_after": fall.last_before, "half_fall_step": fall.at, "dense_level_step": None}
        if ("dense", seed, name) in curves:
            of_dense = curves["dense", seed, name][1]
            level = (of_dense[0] + of_dense.min()) / 2
            row["dense_level_step"] = first_crossing(steps, entropy, level, "down").at
        rows.append(row)
    return rows


def _arms(table: pd.DataFrame, falls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    columns = ["entropy", "entropy_paper", "ipr_frequency", "ipr_basis", "gini", "energy_share", "n_dead"]
    first, last = first_and_last(table)
    rows = []
    for (arm, name), group in groups(last, ["arm", "map"]):
        start = first[(first["arm"] == arm) & (first["map"] == name)]
        of_arm = [fall for fall in falls if (fall["arm"], fall["map"]) == (arm, name)]
        row = {"arm": arm, "map": name, "n_seeds": len(group)}
        row |= {f"{c}_first": float(start[c].mean()) for c in columns}
        row |= {f"{c}_last": float(group[c].mean()) for c in columns}
        steps = ("half_fall_step", "dense_level_step")
        rows.append(row | {step: [fall[step] for fall in of_arm] for step in steps})
    return rows


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "arm": arm_words(row["arm"]),
        "map": row["map"],
        "seeds": row["n_seeds"],
        "entropy": change(row["entropy_first"], row["entropy_last"]),
        "IPR": change(row["ipr_frequency_first"], row["ipr_frequency_last"]),
        "half fall at": step_range(row["half_fall_step"]),
        "dense level at": step_range(row["dense_level_step"]),
    }


def _key_lists(table: pd.DataFrame, keys: pd.DataFrame) -> list[dict[str, Any]]:
    rows = []
    for arm, seed in table[["arm", "seed"]].drop_duplicates().itertuples(index=False):
        own = keys[(keys["arm"] == arm) & (keys["seed"] == seed)]
        by_rule = {rule: own.loc[own["rule"] == rule, "frequency"].tolist() for rule in KEY_RULES}
        rows.append({"arm": arm, "seed": seed} | by_rule)
    return rows


def _faster_than_dense(falls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Per arm and map: in how many seeds the entropy has half fallen before the dense network's has."""
    dense = {(f["seed"], f["map"]): f for f in falls if f["arm"] == "dense"}
    counts: dict[tuple[str, str], dict[str, Any]] = {}
    for fall in falls:
        other = dense.get((fall["seed"], fall["map"]))
        if fall["arm"] == "dense" or other is None:
            continue
        key = (fall["arm"], fall["map"])
        row = counts.setdefault(
            key, {"arm": key[0], "map": key[1], "n_seeds": 0, "by_half_fall": 0, "by_dense_level": 0}
        )
        row["n_seeds"] += 1
        for name, step in (("by_half_fall", "half_fall_step"), ("by_dense_level", "dense_level_step")):
            mine, theirs = fall[step], other[step]
            row[name] += mine is not None and (theirs is None or mine < theirs)
    return list(counts.values())


def _verdict(row: dict[str, Any]) -> dict[str, Any]:
    n = row["n_seeds"]
    return {
        "earlier than dense": arm_words(row["arm"]),
        "map": row["map"],
        "by half fall": f"{row['by_half_fall']} of {n} seeds",
        "by dense level": f"{row['by_dense_level']} of {n} seeds",
    }
