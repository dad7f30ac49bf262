"""Summary of steered answers at the last checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analyses.steering.schema import SIZES, STEPS
from analyses.tables.labels import arm_label
from analyses.tables.long_format import first_and_last, groups
from analyses.tables.number_text import decimals, number
from analyses.tables.schema import Table
from training.cli.printed_table import PrintedTable

ENOUGH = 0.95
"""Share of pairs with the moved answer that counts as steered."""
PRINTED_SIZES = (1, 2, 4, 6, 9)
"""Numbers of frequencies whose shares are printed."""


def summarise(tables: Mapping[Table, pd.DataFrame], shift: int) -> tuple[dict[str, Any], list[PrintedTable]]:
    """Return the summary for JSON, and its printed tables."""
    sizes = tables[SIZES]
    _, last = first_and_last(tables[STEPS])
    arms = [_arm(arm, rows, sizes[sizes["arm"] == arm]) for (arm,), rows in groups(last, ["arm"])]
    by_size = [
        {"arm": arm, "chosen": chosen, "size": int(size)}
        | {name: float(rows[name].mean()) for name in ("target", "own", "other")}
        for (arm, chosen, size), rows in groups(sizes, ["arm", "chosen", "size"])
    ]
    printed = [_printed_keys(arms, shift), _printed_sizes(by_size, shift)]
    return {"shift": shift, "arms": arms, "sizes": by_size}, printed


def _arm(arm: str, last: pd.DataFrame, sizes: pd.DataFrame) -> dict[str, Any]:
    """Return one arm's answers with key frequencies moved, and with all others, means over seeds."""
    row: dict[str, Any] = {"arm": arm, "n_seeds": last["seed"].nunique()}
    for chosen, rows in last.groupby("chosen", sort=False):
        row |= {f"{chosen}_{name}": float(rows[name].mean()) for name in ("size", "target", "own")}
    strongest = sizes[sizes["chosen"] == "strongest"]
    enough = strongest[strongest["target"] >= ENOUGH].groupby("seed")["size"].min()
    n_keys = last[last["chosen"] == "keys"].set_index("seed")["size"]
    others = sizes[sizes["chosen"] == "others"].merge(n_keys.rename("size"), on=["seed", "size"])
    row["as_many_target"] = float(others["target"].mean()) if len(others) else None
    row["as_many_own"] = float(others["own"].mean()) if len(others) else None
    return row | {"n_enough": len(enough), "enough": float(enough.median()) if len(enough) else None}


def _printed_keys(arms: list[dict[str, Any]], shift: int) -> PrintedTable:
    rows = [
        {
            "arm": arm_label(row["arm"]),
            "keys": number(row["keys_size"], 2),
            "new by keys": decimals(row["keys_target"], 3),
            "new by others": _share(row["as_many_target"]),
            "old by all others": decimals(row["others_own"], 3),
            "new by all": decimals(row["all_target"], 3),
            f"for {ENOUGH:g}": _enough(row),
        }
        for row in arms
    ]
    return PrintedTable(
        f"Answers at the last checkpoint after the first input was moved by {shift} in some frequencies.",
        rows,
        "Shares of judged pairs, means over seeds: new answers (to the moved input) after the key "
        "frequencies, as many random others, or all were moved; old answers kept after all but the keys "
        f"were. Last column: number of strongest frequencies that give {ENOUGH:g} of the new answers, "
        "median over the seeds that reach it.",
    )


def _enough(row: Mapping[str, Any]) -> str:
    if row["enough"] is None:
        return "never"
    missing = row["n_seeds"] - row["n_enough"]
    return number(row["enough"], 2) + (f" ({missing} never)" if missing else "")


def _share(value: float | None) -> str:
    return "-" if value is None else decimals(value, 3)


def _printed_sizes(by_size: list[dict[str, Any]], shift: int) -> PrintedTable:
    shares = {(row["arm"], row["chosen"], row["size"]): row["target"] for row in by_size}
    named = [
        (arm, chosen)
        for arm, chosen in dict.fromkeys((r["arm"], r["chosen"]) for r in by_size)
        if chosen != "weakest"
    ]
    rows = [
        {"arm": arm_label(arm), "frequencies": chosen}
        | {f"{size}": _share(shares.get((arm, chosen, size))) for size in PRINTED_SIZES}
        for arm, chosen in named
    ]
    return PrintedTable(
        "Share of new answers at the last checkpoint by the number of frequencies moved.",
        rows,
        "Strongest: of most power in the embedding; others: random ones that are not among as many "
        "strongest. Means over seeds.",
    )
