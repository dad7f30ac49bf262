"""The claim about the graphs of masks: M14."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analyses.claims.claim import Claim, Evidence, Finding
from analyses.graph_props.summary import GRAPH_SHOWN, LAYER_SHOWN

NULLS = ("density_z", "degree_z")


def trends(summary: Mapping[str, Any]) -> list[Finding]:
    """M14: which statistics go the same way through training as their distance from both nulls; each beside.

    A statistic of single matrices does where it does in every matrix. One whose nulls have no spread has no
    distance from them, and is left out.
    """
    titles, rows = GRAPH_SHOWN | LAYER_SHOWN, [row for row in summary["trends"] if row["where"] != "folded"]
    each = []
    for statistic in dict.fromkeys(row["statistic"] for row in rows if row["statistic"] in titles):
        own = [row for row in rows if row["statistic"] == statistic]
        own = [row for row in own if row["value_spearman"] is not None and _distances(row)]
        if own:
            each.append(
                Finding(
                    name=titles[statistic],
                    expected="its trend and that of z have one sign",
                    value="; ".join(map(_said, own)),
                    n=min(row["n_seeds"] for row in own),
                    held=sum(_one_way(row) for row in own),
                    of=len(own),
                    beside=True,
                )
            )
    follow = [found.name for found in each if found.held < found.of]
    together = Finding(
        name="statistics whose trend may be that of their nulls",
        expected="none",
        value="; ".join(follow) or "none",
        n=min((found.n for found in each), default=0),
        held=len(each) - len(follow),
        of=len(each),
    )
    return [together, *each]


def _distances(row: Mapping[str, Any]) -> list[float]:
    """Rank correlation with the step of the z against each null that has one."""
    return [row[f"{null}_spearman"] for null in NULLS if row[f"{null}_spearman"] is not None]


def _one_way(row: Mapping[str, Any]) -> bool:
    return all(x * row["value_spearman"] > 0 for x in _distances(row))


def _said(row: Mapping[str, Any]) -> str:
    where = "" if row["where"] == "layered" else f"{row['where']} "
    return f"{where}{row['value_spearman']:+.2f} (z {', '.join(f'{x:+.2f}' for x in _distances(row))})"


CLAIMS = (
    Claim(
        id="M14",
        words="the graph of the mask takes on structure as the network generalises",
        holds_when="the trend of each statistic of the dense network's masks has the sign of that of its z "
        "against random masks of the same densities, and of the same degrees (rank correlations with the "
        "step, mean over seeds)",
        kind="report",
        evidence=(Evidence("modadd_ticket", (("graph_props", ".json"),), trends),),
    ),
)
