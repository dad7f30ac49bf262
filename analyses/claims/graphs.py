"""Claim about the graphs of masks: M14."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analyses.claims.claim import Claim, Evidence, Finding
from analyses.graph_props.schema import ANALYSIS
from analyses.graph_props.summary import GRAPH_SHOWN, LAYER_SHOWN

NULLS = ("density_z", "degree_z")


def trends(summary: Mapping[str, Any]) -> list[Finding]:
    """Judge M14: trends of statistics against trends of their z.

    A statistic of single matrices holds in each matrix where both trends have one sign. One whose random
    masks do not vary has no z, and is left out.
    """
    labels = GRAPH_SHOWN | LAYER_SHOWN
    rows = [row for row in summary["trends"] if row["where"] != "folded" and row["statistic"] in labels]
    by_statistic = []
    for statistic in dict.fromkeys(row["statistic"] for row in rows):
        measured = [
            row
            for row in rows
            if row["statistic"] == statistic and row["value_spearman"] is not None and _z_trends(row)
        ]
        if measured:
            by_statistic.append(
                Finding(
                    name=labels[statistic],
                    expected="its trend and that of z have one sign",
                    value="; ".join(map(_trend_text, measured)),
                    n=min(row["n_seeds"] for row in measured),
                    n_held=sum(map(_has_one_sign, measured)),
                    n_cases=len(measured),
                    decides=False,
                )
            )
    failing = [finding.name for finding in by_statistic if finding.n_held < finding.n_cases]
    together = Finding(
        name="graph statistics whose trend random masks may share",
        expected="none",
        value="; ".join(failing) or "none",
        n=min((finding.n for finding in by_statistic), default=0),
        n_held=len(by_statistic) - len(failing),
        n_cases=len(by_statistic),
    )
    return [together, *by_statistic]


def _z_trends(row: Mapping[str, Any]) -> list[float]:
    """Return the rank correlation with the step of each z that is defined."""
    return [row[f"{null}_spearman"] for null in NULLS if row[f"{null}_spearman"] is not None]


def _has_one_sign(row: Mapping[str, Any]) -> bool:
    return all(trend * row["value_spearman"] > 0 for trend in _z_trends(row))


def _trend_text(row: Mapping[str, Any]) -> str:
    where = "" if row["where"] == "layered" else f"{row['where']} "
    return f"{where}{row['value_spearman']:+.2f} (z {', '.join(f'{x:+.2f}' for x in _z_trends(row))})"


CLAIMS = (
    Claim(
        id="M14",
        statement="the graph of the mask takes on structure as the network generalises",
        holds_when="each statistic of the dense network's masks rises or falls in the direction of its z "
        "against random masks of the same densities, and of the same degrees (rank correlations with the "
        "step, mean over seeds)",
        kind="report",
        evidence=(Evidence("modadd_ticket", (ANALYSIS,), trends),),
    ),
)
