"""What the mask tables say: the last masks beside their nulls, and the trend of a dense network's masks."""

from __future__ import annotations

from typing import Any

import pandas as pd
from scipy import stats

from analyses.graph_props.mask_statistics import CONSTRUCTIONS
from analyses.tables.long_format import arm_words, groups, number, records
from interp.mechanism.effective_weights import graph_layer_names
from training.cli.parser import format_table

GRAPH_SHOWN = {
    "average_path_length": "path length",
    "reachable_fraction": "reachable pairs",
    "global_efficiency": "global efficiency",
    "average_clustering": "triangles",
    "latapy_clustering": "Latapy clustering",
    "robins_alexander_clustering": "Robins–Alexander",
    "degree_cv": "CV of degrees",
    "dead_units": "dead units",
    "input_output_reachability": "in→out reachable",
}
LAYER_SHOWN = {
    "spectral_gap": "spectral gap",
    "ramanujan_gap_hoang": "Ramanujan, Hoang",
    "ramanujan_gap_minegishi": "Ramanujan, Minegishi",
    "ramanujan_gap_regular": "Ramanujan, regular",
    "iterative_mean_difference": "iterative mean diff.",
    "weighted_spectral_gap": "weighted gap",
}


COLUMNS = ["value", "density_mean", "density_z", "degree_mean", "degree_z"]


def summarise(table: pd.DataFrame, n_nulls: int) -> tuple[dict[str, Any], str]:
    """The summary for JSON, and its text."""
    n_masks = table["mask"].nunique()
    steps = table.groupby(["arm", "seed"], sort=False)["step"]
    last = table[table["step"] == steps.transform("max")]
    means = last.groupby(["where", "statistic", "arm"], sort=False)[COLUMNS].mean()
    means["n_seeds"] = last.groupby(["where", "statistic", "arm"], sort=False)["seed"].nunique()
    last_rows = records(means.reset_index())
    found = {(row["where"], row["statistic"], row["arm"]): row for row in last_rows}
    arms = list(dict.fromkeys(table["arm"]))
    trends = _trends(table[table["dense"]])
    text = [f"{n_masks} distinct masks. Last masks, means over seeds:"]
    if n_nulls:
        text.append(
            f"(in brackets: z against {n_nulls} random masks of the same densities, and of the same degrees)"
        )
    everywhere = list(dict.fromkeys(table["where"]))
    layers = [where for where in everywhere if where not in CONSTRUCTIONS]
    if (chain := graph_layer_names(layers)) != tuple(layers):
        text += ["", "Nodes of the graphs are the units between", f"  {', '.join(chain)};"]
        text += [
            "attention, and the stream's way around the neurons, are no edges. Single heads: in the table."
        ]
    for where in everywhere:
        if " head " in where:
            continue
        shown = GRAPH_SHOWN if where in CONSTRUCTIONS else LAYER_SHOWN
        text += ["", f"{where}{' graph' if shown is GRAPH_SHOWN else ' (layer)'}"]
        text.append(
            format_table([_shown(found, arms, (where, name), title) for name, title in shown.items()])
        )
    of_graph = [row for row in trends if row["where"] == "layered" and row["statistic"] in GRAPH_SHOWN]
    if of_graph:
        text += [
            "",
            "Dense masks, layered graph, first → last checkpoint [rank correlation with step], over seeds:",
        ]
        text.append(format_table([_shown_trend(row, n_nulls) for row in of_graph]))
    return {"n_masks": n_masks, "n_nulls": n_nulls, "last": last_rows, "trends": trends}, "\n".join(text)


def _shown(
    found: dict[tuple[str, str, str], dict[str, Any]], arms: list[str], at: tuple[str, str], title: str
) -> dict[str, Any]:
    row: dict[str, Any] = {"statistic": title}
    for arm in arms:
        own = found.get((*at, arm))  # an arm of another model has other layers
        row[arm_words(arm)] = "-" if own is None else number(own["value"]) + _beside(own)
    return row


def _beside(own: dict[str, Any]) -> str:
    """Both z; where random masks are all alike there is none, and their value is said if it is another."""
    if own["density_z"] == own["density_z"] or own["degree_z"] == own["degree_z"]:
        return f" ({_z(own['density_z'])}, {_z(own['degree_z'])})"
    null = own["density_mean"]
    return f" (null {number(null)})" if null == null and abs(null - own["value"]) > 1e-9 else ""


def _z(z: float) -> str:
    if z != z:
        return "-"
    return (
        f"{z:+.1f}" if abs(z) < 9.95 else f"{z:+.0f}" if abs(z) < 999.5 else f"{z:+.0e}".replace("e+0", "e")
    )


def _trends(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Per place and statistic: first and last value, and rank correlations with step, over seeds."""
    rows = []
    for (where, name), own in groups(table, ["where", "statistic"]):
        seeds = [curve.sort_values("step") for _, curve in groups(own, ["arm", "seed"])]
        row: dict[str, Any] = {"where": where, "statistic": name, "n_seeds": len(seeds)}
        for column in ("value", "density_z", "degree_z"):
            row[f"{column}_first"] = float(pd.Series([curve[column].iloc[0] for curve in seeds]).mean())
            row[f"{column}_last"] = float(pd.Series([curve[column].iloc[-1] for curve in seeds]).mean())
            correlations = pd.Series([_spearman(curve["step"], curve[column]) for curve in seeds])
            row[f"{column}_spearman"] = float(correlations.mean())
        rows.append(row)
    return rows


def _spearman(step: pd.Series, values: pd.Series) -> float:
    known = values.notna()
    if known.sum() < 3 or values[known].nunique() < 2:
        return float("nan")
    return float(stats.spearmanr(step[known], values[known]).statistic)


def _shown_trend(row: dict[str, Any], n_nulls: int) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "statistic": GRAPH_SHOWN[row["statistic"]],
        "value": f"{number(row['value_first'])} → {number(row['value_last'])}{_rank(row['value_spearman'])}",
    }
    titles = {"density_z": "z, same densities", "degree_z": "z, same degrees"} if n_nulls else {}
    return shown | {
        title: f"{_z(row[f'{z}_first'])} → {_z(row[f'{z}_last'])}{_rank(row[f'{z}_spearman'])}"
        for z, title in titles.items()
    }


def _rank(correlation: float) -> str:
    return "" if correlation != correlation else f" [{correlation:+.2f}]"
