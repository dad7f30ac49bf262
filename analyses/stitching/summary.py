"""Summary of stitched networks: accuracies of each arm's neurons under each output map."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analyses.stitching.schema import ALIKE, EARLY, OTHER_SEED, PLACES
from analyses.tables.labels import arm_label
from analyses.tables.long_format import first_and_last, groups, nearest_checkpoint
from analyses.tables.number_text import decimals
from analyses.tables.roles import main_arm
from training.cli.printed_table import PrintedTable

SHORT = {"unlike": "unlike", OTHER_SEED: "other"}
"""Short words for starts whose neurons are matched."""
BY = ("arm", "reader", "start", "places", "neurons")


def summarise(table: pd.DataFrame) -> tuple[dict[str, Any], list[PrintedTable]]:
    """Return the summary for JSON, and its printed table."""
    rows = table.assign(acc=table["test_acc"].fillna(table["all_acc"]))
    itself = rows[(rows["start"] == "itself") & (rows["reader_step"] == rows["step"])]
    itself = itself[(itself["places"] == "place") & (itself["neurons"] == "all")]
    own = {arm: _accuracies(of_arm) for (arm,), of_arm in groups(itself, ["arm"])}
    last = rows[rows["reader_step"] == _last_step(rows)]
    stitched = [
        dict(zip(BY, key, strict=True)) | _accuracies(of_key) | _gains(of_key, itself) | _similarity(of_key)
        for key, of_key in groups(last, BY)
    ]
    summary = {"networks": [{"arm": arm} | row for arm, row in own.items()], "stitched": stitched}
    printed = [_printed(stitched, own, main_arm(rows), str(rows["reader"].iloc[0]))]
    if alike := _printed_similarity(stitched):
        printed.append(alike)
    return summary, printed


def _last_step(rows: pd.DataFrame) -> pd.Series:
    """Return the last step of each row's reader."""
    return rows.groupby(["reader", "reader_seed"])["reader_step"].transform("max")


def at_moments(rows: pd.DataFrame, column: str = "acc") -> dict[str, pd.Series]:
    """Return a column by seed at the first checkpoint, near step 100, and at the last."""
    first, last = first_and_last(rows)
    moments = {"first": first, "early": nearest_checkpoint(rows, EARLY), "last": last}
    return {moment: chosen.set_index("seed")[column] for moment, chosen in moments.items()}


def _accuracies(rows: pd.DataFrame) -> dict[str, Any]:
    """Return the median over seeds, lowest and highest accuracy at every moment."""
    result: dict[str, Any] = {"n_seeds": int(rows["seed"].nunique())}
    for moment, acc in at_moments(rows).items():
        result |= {f"{moment}_acc": float(acc.median())}
        result |= {f"{moment}_low": float(acc.min()), f"{moment}_high": float(acc.max())}
    return result


def _gains(rows: pd.DataFrame, itself: pd.DataFrame) -> dict[str, Any]:
    """Return in how many seeds the neurons are more accurate than their own network at that step."""
    own = at_moments(itself[itself["arm"] == rows["arm"].iloc[0]])
    return {
        f"{moment}_above": int((acc > own[moment].reindex(acc.index)).sum())
        for moment, acc in at_moments(rows).items()
    }


def _similarity(rows: pd.DataFrame) -> dict[str, Any]:
    """Return the similarity of the neurons at every moment, and its rank correlation with the accuracy."""
    moments = at_moments(rows, "similarity")
    known = moments["last"].dropna()
    accuracy = at_moments(rows)["last"].reindex(known.index)
    ranks = known.rank(), accuracy.rank()
    varies = len(known) > 2 and all(rank.nunique() > 1 for rank in ranks)
    medians = {f"{moment}_similarity": float(similarity.median()) for moment, similarity in moments.items()}
    return medians | {"similarity_rank": float(ranks[0].corr(ranks[1])) if varies else None}


def _printed_similarity(stitched: list[dict[str, Any]]) -> PrintedTable | None:
    """Return the table of networks that began alike, in both directions; None if there are none."""
    shown = [
        row
        for row in stitched
        if row["start"] == "shared" and row["places"] == "place" and row["neurons"] == "all"
    ]
    if not shown:
        return None
    cells = [
        {
            "neurons of": arm_label(row["arm"]),
            "output map of": arm_label(row["reader"]),
            "end": _range(row, "last"),
            "alike at start": decimals(row["first_similarity"]),
            f"step {EARLY}": decimals(row["early_similarity"]),
            "alike at end": decimals(row["last_similarity"]),
            "rank": "-" if row["similarity_rank"] is None else decimals(row["similarity_rank"]),
        }
        for row in shown
    ]
    return PrintedTable(
        "Neurons of networks that began with the same weights: accuracy at the end, and likeness.",
        cells,
        "Alike: mean correlation of the input maps of neuron i and of the reader's last neuron i, median "
        "over seeds. Rank: rank correlation over seeds of likeness and accuracy at the end.",
    )


def _printed(
    stitched: list[dict[str, Any]], own: dict[str, dict[str, Any]], arm: str, reader: str
) -> PrintedTable:
    shown = [
        row
        for row in stitched
        if row["reader"] == reader
        and row["neurons"] == "all"
        and (row["arm"] == arm or (row["start"] in ALIKE and row["places"] == "place"))
    ]
    cells = [
        {
            "neurons of": arm_label(row["arm"]),
            "places": row["places"] if row["start"] in ALIKE else f"{SHORT[row['start']]}, {row['places']}",
            "seeds": row["n_seeds"],
            "start": decimals(row["first_acc"], 3),
            f"step {EARLY}": _range(row, "early"),
            "end": _range(row, "last"),
            "itself": decimals(own[row["arm"]]["early_acc"], 3),
        }
        for row in shown
    ]
    places = "; ".join(f"{name}: {words}" for name, words in PLACES.items())
    return PrintedTable(
        f"Accuracy of neurons read by the last output map of the network '{arm_label(reader)}'.",
        cells,
        f"{_conclusion(shown, arm)}Medians over seeds at the neurons' first checkpoint, near step {EARLY} "
        f"and at the last, in brackets lowest and highest; itself: the arm's own network near step {EARLY}. "
        f"Places: {places}; other: read by the next seed's network; unlike: by one that began with other "
        "weights. Judged on the test examples; on all where these are unknown or none.",
    )


def _conclusion(shown: list[dict[str, Any]], arm: str) -> str:
    """Return the sentence on the ticket's neurons, if they are read by place."""
    row = next((r for r in shown if r["arm"] == arm and r["start"] == "shared"), None)
    if row is None:
        return ""
    return (
        f"{arm_label(arm)}: near step {EARLY} its neurons are more accurate under this output map than under "
        f"its own in {row['early_above']} of {row['n_seeds']} seeds.\n"
    )


def _range(row: dict[str, Any], moment: str) -> str:
    median, low, high = (decimals(row[f"{moment}_{name}"], 3) for name in ("acc", "low", "high"))
    return median if row["n_seeds"] == 1 else f"{median} ({low}–{high})"
