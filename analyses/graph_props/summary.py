"""Summary of mask statistics: last masks, and trends of dense masks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from scipy import stats

from analyses.graph_props.mask_statistics import CONSTRUCTIONS
from analyses.graph_props.schema import GRAPH_SHOWN, LAYER_SHOWN, PROPERTIES
from analyses.tables.labels import arm_label
from analyses.tables.long_format import groups, records
from analyses.tables.number_text import change, number
from analyses.tables.roles import main_arm
from analyses.tables.schema import Table
from interp.mechanism.effective_weights import graph_layer_names
from training.cli.printed_table import PrintedTable

MEANS = ("value", "density_mean", "density_z", "degree_mean", "degree_z")
"""Columns of which the summary has means over seeds."""
NOTABLE_Z = 2
GRAPH_LEGEND = (
    "Path length: edges on a shortest path, mean over reachable pairs of units. Global efficiency: mean of "
    "1 / distance. Triangle clustering is 0 in a bipartite graph; two measures for such graphs: Latapy, "
    "overlap of the neighbours of units at distance 2; Robins–Alexander, share of paths of three edges that "
    "a fourth closes. Variation of degrees: standard deviation over mean. Dead units: hidden units on no "
    "path from input to output."
)
GAP_LEGEND = (
    "Spectral gap: difference of the two largest singular values of the mask. Most of it follows from the "
    "density, so only z against random masks, in brackets, says something of the structure."
)
LAYER_LEGEND = (
    "Spectral gap: difference of the two largest singular values of the mask; weighted: of the kept weights. "
    "Ramanujan gap: an upper bound by mean degrees (three are published) minus the second singular value; "
    "positive in a good expander. Iterative mean difference: mean of Hoang's gap over rows of equal degree."
)
CONSTRUCTION_WORDS = {
    "layered": "a node per unit, an edge per kept weight",
    "folded": "each residue's input and output are one node",
}

Row = Mapping[str, Any]


def summarise(
    tables: Mapping[Table, pd.DataFrame], n_nulls: int
) -> tuple[dict[str, Any], list[PrintedTable]]:
    """Return the summary for JSON, and its printed tables."""
    properties = tables[PROPERTIES]
    steps = properties.groupby(["arm", "seed"], sort=False)["step"]
    last = properties[properties["step"] == steps.transform("max")]
    by_statistic = last.groupby(["where", "statistic", "arm"], sort=False)
    means = by_statistic[list(MEANS)].mean()
    means["n_seeds"] = by_statistic["seed"].nunique()
    last_rows = records(means.reset_index())
    trends = _trends(properties[properties["dense"]])
    n_masks = properties["mask"].nunique()
    summary = {"n_masks": n_masks, "n_nulls": n_nulls, "last": last_rows, "trends": trends}
    by_place = {(row["where"], row["statistic"], row["arm"]): row for row in last_rows}
    arms = list(dict.fromkeys(properties["arm"]))
    printed = [
        *_graph_tables(by_place, arms, n_nulls, _conclusion(last, by_place), _nodes(properties)),
        *_layer_tables(by_place, arms, main_arm(last), n_nulls),
        *_trend_tables(trends, n_nulls),
    ]
    return summary, printed


def _graph_tables(
    by_place: Mapping[tuple[str, str, str], Row],
    arms: Sequence[str],
    n_nulls: int,
    conclusion: str,
    nodes: str,
) -> list[PrintedTable]:
    """Return a table per graph construction; only the first is printed without --verbose."""
    constructions = [c for c in CONSTRUCTIONS if any(where == c for where, *_ in by_place)]
    tables = []
    for construction in constructions:
        title = (
            f"Graph of the last masks, {construction} ({CONSTRUCTION_WORDS[construction]}), mean over seeds."
        )
        rows = [
            _statistic_row(by_place, arms, (construction, name), GRAPH_SHOWN[name]) for name in GRAPH_SHOWN
        ]
        if construction == "layered":
            lines = [conclusion, _brackets(n_nulls), GRAPH_LEGEND, nodes]
            tables.append(PrintedTable(title, rows, "\n".join(filter(None, lines))))
        else:
            tables.append(PrintedTable(title, rows, _brackets(n_nulls), details=True))
    return tables


def _layer_tables(
    by_place: Mapping[tuple[str, str, str], Row], arms: Sequence[str], arm: str, n_nulls: int
) -> list[PrintedTable]:
    """Return a table of every layer's spectral gap, and a detailed one per layer."""
    layers = [where for where in dict.fromkeys(where for where, *_ in by_place) if where not in CONSTRUCTIONS]
    layers = [layer for layer in layers if " head " not in layer]
    gaps = [
        _statistic_row(by_place, arms, (layer, "spectral_gap"), layer, header="layer") for layer in layers
    ]
    tables = [
        PrintedTable(
            "Spectral gap of each layer's last mask, mean over seeds.",
            gaps,
            "\n".join(filter(None, [_gaps_of_arm(by_place, layers, arm), GAP_LEGEND])),
        )
    ]
    for layer in layers:
        rows = [_statistic_row(by_place, arms, (layer, name), LAYER_SHOWN[name]) for name in LAYER_SHOWN]
        title = f"Spectrum of the last masks of {layer}, mean over seeds."
        tables.append(PrintedTable(title, rows, LAYER_LEGEND, details=True))
    return tables


def _gaps_of_arm(by_place: Mapping[tuple[str, str, str], Row], layers: Sequence[str], arm: str) -> str:
    """Return the layers whose spectral gap differs from random masks'."""
    z = {layer: by_place.get((layer, "spectral_gap", arm), {}).get("degree_z", math.nan) for layer in layers}
    wider = [layer for layer in layers if z[layer] >= NOTABLE_Z]
    narrower = [layer for layer in layers if z[layer] <= -NOTABLE_Z]
    if all(math.isnan(value) for value in z.values()):
        return ""
    return (
        f"{arm_label(arm)} against random masks of the same degrees: wider gap in "
        f"{', '.join(wider) or 'no layer'}, narrower in {', '.join(narrower) or 'no layer'} (|z| at least "
        f"{NOTABLE_Z})."
    )


def _trend_tables(trends: Sequence[Row], n_nulls: int) -> list[PrintedTable]:
    """Return the table of the dense masks' trends in the layered graph."""
    rows = [row for row in trends if row["where"] == "layered" and row["statistic"] in GRAPH_SHOWN]
    if not rows:
        return []
    title = (
        "Magnitude masks of unpruned networks, first → last checkpoint, layered graph, mean over networks."
    )
    legend = "In square brackets: rank correlation with the step, mean over networks."
    rising = [row for row in rows if _degree_z_rise(row) == _degree_z_rise(row)]
    conclusion = ""
    if rising:
        most = max(rising, key=_degree_z_rise)
        conclusion = (
            f"Largest rise of z against masks of the same degrees: {GRAPH_SHOWN[most['statistic']]}, "
            f"{_z(most['degree_z_first'])} → {_z(most['degree_z_last'])}.\n"
        )
    return [PrintedTable(title, [_printed_trend(row, n_nulls) for row in rows], conclusion + legend)]


def _degree_z_rise(row: Row) -> float:
    """Return the change of z against masks of the same degrees."""
    return float(row["degree_z_last"] - row["degree_z_first"])


def _conclusion(last: pd.DataFrame, by_place: Mapping[tuple[str, str, str], Row]) -> str:
    """Return differences from random masks, and arms of one mask."""
    arm = main_arm(last)
    beyond: dict[str, list[str]] = {"both": [], "densities": []}
    compared = False
    for name, title in GRAPH_SHOWN.items():
        row = by_place.get(("layered", name, arm), {})
        density_z, degree_z = (abs(row.get(f"{kind}_z", math.nan)) for kind in ("density", "degree"))
        compared |= not math.isnan(density_z)
        if density_z >= NOTABLE_Z:
            beyond["both" if degree_z >= NOTABLE_Z else "densities"].append(title)
    if not compared:
        return _shared_masks(last)
    text = f"{arm_label(arm)} differs from random masks of the same densities and of the same degrees in "
    text += f"{', '.join(beyond['both']) or 'nothing'}"
    if beyond["densities"]:
        text += f"; from those of the same densities alone in {', '.join(beyond['densities'])}"
    return "\n".join(filter(None, [f"{text} (|z| at least {NOTABLE_Z}).", _shared_masks(last)]))


def _shared_masks(last: pd.DataFrame) -> str:
    """Return a sentence on arms that have equal masks in every seed."""
    columns = ["arm", "seed", "mask"]
    arms_by_masks: dict[tuple[tuple[int, str], ...], list[str]] = {}
    for (arm,), rows in groups(last[columns].drop_duplicates(), ["arm"]):
        masks = tuple(sorted(zip(rows["seed"], rows["mask"], strict=True)))
        arms_by_masks.setdefault(masks, []).append(arm_label(arm))
    shared = [" = ".join(arms) for arms in arms_by_masks.values() if len(arms) > 1]
    return f"One mask by construction: {'; '.join(shared)}." if shared else ""


def _nodes(properties: pd.DataFrame) -> str:
    """Return which layers' units are the nodes, where some layers are no edges."""
    layers = [where for where in dict.fromkeys(properties["where"]) if where not in CONSTRUCTIONS]
    chain = graph_layer_names(layers)
    if chain == tuple(layers):
        return ""
    return (
        f"Edges: the weights of {', '.join(chain)}; attention, and the residual stream around the neurons, "
        "are no edges. Statistics of single heads are in the saved table."
    )


def _brackets(n_nulls: int) -> str:
    """Return the sentence on random masks, which explains the brackets."""
    if not n_nulls:
        return "Without random masks (--nulls 0) there is nothing to compare these numbers with."
    return (
        f"In brackets: z, the distance from the mean of {n_nulls} random masks in their standard deviations; "
        "first masks of the same layer densities, then of the same unit degrees; - where they are all alike."
    )


def _statistic_row(
    by_place: Mapping[tuple[str, str, str], Row],
    arms: Sequence[str],
    place: tuple[str, str],
    title: str,
    header: str = "statistic",
) -> dict[str, Any]:
    """Return a printed row: one statistic of every arm."""
    cells: dict[str, Any] = {header: title}
    for arm in arms:
        row = by_place.get((*place, arm))  # an arm of another model has other layers
        cells[arm_label(arm)] = "-" if row is None else number(row["value"]) + _comparison(row)
    return cells


def _comparison(row: Row) -> str:
    """Return both z in brackets.

    Without any z: the mean of the random masks, if it differs from the value."""
    if row["density_z"] == row["density_z"] or row["degree_z"] == row["degree_z"]:
        return f" ({_z(row['density_z'])}, {_z(row['degree_z'])})"
    null = row["density_mean"]
    return f" (random {number(null)})" if null == null and abs(null - row["value"]) > 1e-9 else ""


def _z(z: float) -> str:
    """Return a z with its sign in few digits."""
    if z != z:
        return "-"
    return (
        f"{z:+.1f}" if abs(z) < 9.95 else f"{z:+.0f}" if abs(z) < 999.5 else f"{z:+.0e}".replace("e+0", "e")
    )


def _trends(dense: pd.DataFrame) -> list[dict[str, Any]]:
    """Return first value, last value and rank correlation with the step, over networks."""
    trends = []
    for (where, name), rows in groups(dense, ["where", "statistic"]):
        curves = [curve.sort_values("step") for _, curve in groups(rows, ["arm", "seed"])]
        trend: dict[str, Any] = {"where": where, "statistic": name, "n_seeds": len(curves)}
        for column in ("value", "density_z", "degree_z"):
            trend[f"{column}_first"] = float(pd.Series([curve[column].iloc[0] for curve in curves]).mean())
            trend[f"{column}_last"] = float(pd.Series([curve[column].iloc[-1] for curve in curves]).mean())
            correlations = pd.Series([_spearman(curve["step"], curve[column]) for curve in curves])
            trend[f"{column}_spearman"] = float(correlations.mean())
        trends.append(trend)
    return trends


def _spearman(step: pd.Series, values: pd.Series) -> float:
    """Return the rank correlation with the step; nan for fewer than three different values."""
    defined = values.notna()
    if defined.sum() < 3 or values[defined].nunique() < 2:
        return float("nan")
    return float(stats.spearmanr(step[defined], values[defined]).statistic)


def _printed_trend(row: Row, n_nulls: int) -> dict[str, Any]:
    """Return a printed row: a statistic's value and both z, first → last."""
    cells: dict[str, Any] = {
        "statistic": GRAPH_SHOWN[row["statistic"]],
        "value": change(row["value_first"], row["value_last"]) + _correlation(row["value_spearman"]),
    }
    headers = {"density_z": "z, same densities", "degree_z": "z, same degrees"} if n_nulls else {}
    for z, header in headers.items():
        text = f"{_z(row[f'{z}_first'])} → {_z(row[f'{z}_last'])}"
        cells[header] = text + _correlation(row[f"{z}_spearman"])
    return cells


def _correlation(correlation: float) -> str:
    """Return a rank correlation in square brackets; nothing if it is undefined."""
    return "" if correlation != correlation else f" [{correlation:+.2f}]"
