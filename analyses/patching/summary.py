"""Summary of patches and attributions at the last checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analyses.patching.schema import ATTRIBUTION, PATCHES
from analyses.tables.labels import arm_label
from analyses.tables.long_format import first_and_last, groups
from analyses.tables.number_text import decimals, number
from analyses.tables.schema import Table
from training.cli.printed_table import PrintedTable

JUDGED = "Judged on the test pairs; on all pairs where these are unknown or none."


def summarise(
    tables: Mapping[Table, pd.DataFrame], n_pairs: int, pair_seed: int
) -> tuple[dict[str, Any], list[PrintedTable]]:
    """Return the summary for JSON, and its printed tables."""
    _, patched = first_and_last(tables[PATCHES])
    _, attributed = first_and_last(tables[ATTRIBUTION])
    shares = [_shares(arm, rows) for (arm,), rows in groups(patched, ["arm"])]
    logits = [_logits(arm, rows) for (arm,), rows in groups(attributed, ["arm"])]
    parts = [row for (arm,), rows in groups(patched, ["arm"]) for row in _attention(arm, rows)]
    summary = {"pairs": n_pairs, "pair_seed": pair_seed, "recovered": shares, "attention": parts}
    printed = [_printed_shares(shares, n_pairs, pair_seed), _printed_logits(logits)]
    if parts:
        printed.insert(1, _printed_attention(parts))
    return summary | {"logits": logits}, printed


def _shares(arm: str, rows: pd.DataFrame) -> dict[str, Any]:
    """Return one arm's recovered shares, means over seeds."""
    inputs = rows[rows["site"] == "input"]
    by_frequency = rows[rows["site"] == "frequency"]
    keys = by_frequency[by_frequency["is_key"]]
    n_keys = keys.groupby("seed")["unit"].nunique().reindex(rows["seed"].unique(), fill_value=0)
    return {
        "arm": arm,
        "n_seeds": rows["seed"].nunique(),
        "first": _mean(inputs.loc[inputs["unit"] == 0, "recovered"]),
        "second": _mean(inputs.loc[inputs["unit"] == 1, "recovered"]),
        "n_keys": float(n_keys.mean()),
        "keys": _mean(keys.groupby("seed")["recovered"].sum(min_count=1)),
        "largest": _mean(by_frequency.groupby("seed")["recovered"].max()),
        "rest": _mean(rows.loc[rows["site"] == "rest", "recovered"]),
        "neurons": _mean(rows.loc[rows["site"] == "neurons", "recovered"]),
        "difference": _mean(rows.groupby("seed")["clean_difference"].first()),
    }


def _attention(arm: str, rows: pd.DataFrame) -> list[dict[str, Any]]:
    chosen = rows[rows["site"].isin(("head", "attention"))]
    return [
        {"arm": arm, "site": site, "unit": int(unit), "recovered": _mean(found["recovered"])}
        for (site, unit), found in groups(chosen, ["site", "unit"])
    ]


def _logits(arm: str, rows: pd.DataFrame) -> dict[str, Any]:
    """Return what one arm's key frequencies add to logits above their mean, means over seeds."""
    centred = rows.assign(**{name: rows[name] - rows["mean"] for name in ("right", "ghost", "neighbor")})
    keys = centred[centred["is_key"] & (centred["component"] == "frequency")]
    sums = keys.groupby("seed")[["right", "ghost", "neighbor"]].sum(min_count=1)
    others = centred[~centred["is_key"] & centred["component"].isin(("frequency", "rest"))]
    whole = centred[centred["component"] == "network"]
    return {
        "arm": arm,
        "n_seeds": rows["seed"].nunique(),
        **{str(name): _mean(sums[name]) for name in sums},
        "others": _mean(others.groupby("seed")["right"].sum()),
        "around": _mean(centred.loc[centred["component"] == "around", "right"]),
        "network": _mean(whole["right"]),
        "network_ghost": _mean(whole["ghost"]),
    }


def _mean(values: pd.Series) -> float | None:
    mean = values.mean()
    return None if pd.isna(mean) else float(mean)


def _share(value: float | None) -> str:
    return "-" if value is None else decimals(value)


def _printed_shares(shares: list[dict[str, Any]], n_pairs: int, pair_seed: int) -> PrintedTable:
    rows = [
        {
            "arm": arm_label(row["arm"]),
            "seeds": row["n_seeds"],
            "first input": _share(row["first"]),
            "second input": _share(row["second"]),
            "key frequencies": f"{_share(row['keys'])} ({number(row['n_keys'], 2)})",
            "largest of all": _share(row["largest"]),
            "other neurons": _share(row["rest"]),
        }
        for row in shares
    ]
    return PrintedTable(
        "Share of the logit difference that activations of another pair recover at the last checkpoint.",
        rows,
        f"Means over seeds, of {n_pairs} runs drawn with seed {pair_seed}; 0: as without the patch, 1: as "
        "the pair that they are taken from. In parentheses: number of key frequencies; largest: of one "
        f"frequency. '-': no clean run prefers its answer. {JUDGED}",
    )


def _printed_attention(parts: list[dict[str, Any]]) -> PrintedTable:
    rows = [
        {
            "arm": arm_label(row["arm"]),
            "site": f"head {row['unit']}" if row["site"] == "head" else "all heads",
            "recovered": _share(row["recovered"]),
        }
        for row in parts
    ]
    return PrintedTable(
        "Share that heads recover at the last checkpoint, mean over seeds.",
        rows,
        "Shares of heads do not add up: the neurons read their sum.",
    )


def _printed_logits(logits: list[dict[str, Any]]) -> PrintedTable:
    rows = [
        {
            "arm": arm_label(row["arm"]),
            "right answer": number(row["network"]),
            "by keys": number(row["right"]),
            "keys, ghosts": number(row["ghost"]),
            "keys, neighbors": number(row["neighbor"]),
            "by others": number(row["others"]),
            "around": number(row["around"]),
        }
        for row in logits
    ]
    return PrintedTable(
        "What adds to the logit of the right answer at the last checkpoint, above the mean logit.",
        rows,
        "Means over pairs and seeds; the right answer is the sum of key frequencies, other neurons and what "
        "goes around the neurons. What keys add to wrong answers: ghosts, those to (a, a) and (b, b); "
        "neighbors, those beside the right one that each frequency tells apart least.",
    )
