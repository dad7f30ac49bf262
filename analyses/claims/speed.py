"""Claims about when networks memorise and generalise: M1 to M7."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from analyses.claims.claim import Claim, Evidence, Finding
from analyses.claims.findings import (
    OUTCOMES_AND_RATIOS,
    Limit,
    bounded_from_row,
    bounded_text,
    finding_by_seed,
    finding_of_median,
    finished_networks,
    first_arm,
    ratio_finding,
    seed_range,
    time_by_seed,
)
from analyses.grokking.schema import CURVES, OUTCOMES
from analyses.speed.schema import ANALYSIS as SPEED
from analyses.speed.schema import ARMS, PAIRS, RATIOS
from analyses.tables.labels import arm_label
from analyses.tables.long_format import records
from interp.statistics.censored_times import Bounded, possible_smallest

SHUFFLED = "shuffled"
"""Arm of `modadd_fast` with the ticket's mask shuffled within layers."""
NORM_ARMS = ("norm_l1", "norm_l2", "norm_l1_mean", "norm_l2_mean")
"""Arms of `m_norms`: dense networks that start with a norm of the ticket."""
EARLY_METHODS = ("random", "snip", "grasp", "synflow", "synflow_minegishi", "shuffled")
"""Methods whose masks have a ticket's sparsity, but not its choice of weights."""
BEST_SPARSITIES = (0.6, 0.7, 0.8)


def groks_late(outcomes: pd.DataFrame) -> list[Finding]:
    """Judge M1."""
    dense = first_arm(outcomes, "dense")
    t_mem, t_gen, tau = (time_by_seed(outcomes, dense, quantity) for quantity in ("t_mem", "t_gen", "tau"))
    return [
        finding_by_seed("dense t_mem", Limit(50, 200), t_mem),
        finding_of_median("dense median t_gen", Limit(12_000, 30_000), t_gen),
        finding_by_seed("dense τ", Limit(100), tau),
    ]


def fast_recipe(outcomes: pd.DataFrame, curves: pd.DataFrame) -> list[Finding]:
    """Judge M1f.

    The shuffled network's accuracy is read at the step at which the ticket's is first at its highest.
    """
    dense, ticket = first_arm(outcomes, "dense"), first_arm(outcomes, "ticket")
    shuffled_accuracy = {}
    seeds = finished_networks(outcomes, SHUFFLED).index
    for seed in seeds.intersection(finished_networks(outcomes, ticket).index):
        of_ticket, of_shuffled = (
            curves[(curves["arm"] == arm) & (curves["seed"] == seed)] for arm in (ticket, SHUFFLED)
        )
        best_step = of_ticket["step"].iloc[of_ticket["test_acc"].argmax()]
        until_then = of_shuffled.loc[of_shuffled["step"] <= best_step, "test_acc"]
        shuffled_accuracy[seed] = Bounded(float(until_then.iloc[-1]))
    return [
        finding_by_seed("dense t_gen", Limit(2_500, 9_000), time_by_seed(outcomes, dense, "t_gen")),
        finding_by_seed("ticket t_gen", Limit(most=1_500), time_by_seed(outcomes, ticket, "t_gen")),
        finding_by_seed(
            "test accuracy of the shuffled ticket when the ticket's is at its highest",
            Limit(most=0.5, strict=True),
            shuffled_accuracy,
        ),
    ]


def removes_delay(outcomes: pd.DataFrame, ratios: pd.DataFrame, pairs: pd.DataFrame) -> list[Finding]:
    """Judge M2."""
    ticket = first_arm(outcomes, "ticket")
    return [
        ratio_finding("t_gen, dense / ticket", Limit(8), ratios, pairs, "reference", ticket),
        finding_by_seed("ticket τ", Limit(most=25), time_by_seed(outcomes, ticket, "tau")),
    ]


def memorises_no_faster(outcomes: pd.DataFrame) -> list[Finding]:
    """Judge M3 at the sparsity of `modadd_ticket`."""
    ticket, dense = (time_by_seed(outcomes, first_arm(outcomes, r), "t_mem") for r in ("ticket", "dense"))
    ratios = {
        seed: Bounded(ticket[seed].value / dense[seed].value, ticket[seed].bound)
        for seed in ticket.keys() & dense.keys()
        if dense[seed].bound == "="
    }
    return [finding_by_seed("t_mem, ticket / dense", Limit(0.8), ratios)]


def slower_when_sparser(arms: pd.DataFrame) -> list[Finding]:
    """Judge M3 over sparsities."""
    rows = [row for row in _trained_tickets(arms) if row["sparsity"] >= 0.5]
    medians = [bounded_from_row(row, "t_mem_median") for row in rows]
    order = [(median.value, median.bound == ">") for median in medians]
    listed = [f"{bounded_text(m)} at {row['sparsity']:g}" for m, row in zip(medians, rows, strict=True)]
    return [
        Finding(
            name="median ticket t_mem by sparsity",
            expected="not decreasing from .5",
            value=", ".join(listed) or "no network",
            n=min((row["n"] for row in rows), default=0),
            n_held=int(order == sorted(order)) if len(rows) > 1 else 0,
            n_cases=int(len(rows) > 1),
        )
    ]


def best_sparsity(arms: pd.DataFrame) -> list[Finding]:
    """Judge M4.

    A median of which only a bound is known may be the smallest too, unless its bound excludes it.
    """
    rows = _trained_tickets(arms)
    medians = {row["sparsity"]: bounded_from_row(row, "tau_median") for row in rows}
    n = min((row["n"] for row in rows), default=0)
    lowest_bound = min((median.upper for median in medians.values()), default=math.inf)
    best = possible_smallest(medians) if math.isfinite(lowest_bound) else []
    over_best = None
    if 0.9 in medians and best:
        is_decided = all(medians[sparsity].bound == "=" for sparsity in best)
        bound = medians[0.9].bound if is_decided else ">"
        over_best = Bounded(medians[0.9].value / lowest_bound, bound)
    listed = " or ".join(f"{sparsity:g}" for sparsity in best)
    return [
        Finding(
            name="sparsity of the smallest median τ",
            expected=".6, .7 or .8",
            value=f"{listed}, where it is {_smallest_text(medians, best)}" if best else "none has a τ",
            n=n,
            n_held=int(bool(best) and set(best) <= set(BEST_SPARSITIES)),
            n_cases=int(n > 0),
        ),
        Finding(
            name="median τ at sparsity .9 / smallest median τ",
            expected="at least 3, or no τ",
            value="not known" if over_best is None else bounded_text(over_best),
            n=n,
            n_held=int(over_best is not None and (medians[0.9].bound == ">" or over_best.value >= 3)),
            n_cases=int(over_best is not None),
        ),
    ]


def _smallest_text(medians: Mapping[float, Bounded], best: Sequence[float]) -> str:
    """Return the medians that may be the smallest as text, each once."""
    return " or ".join(dict.fromkeys(bounded_text(medians[sparsity]) for sparsity in best))


def timing(summary: Mapping[str, Any]) -> list[Finding]:
    """Judge M5 at every fixed step, for each seed and for all pooled."""
    rows, limit, findings = summary["correlations"], Limit(0.8), []
    for step in dict.fromkeys(row["step"] for row in rows):
        correlations = {
            row["seed"]: Bounded(row["spearman"])
            for row in rows
            if row["step"] == step and row["spearman"] is not None
        }
        by_seed = {seed: value for seed, value in correlations.items() if seed is not None}
        findings.append(
            Finding(
                name=f"Spearman's rank correlation at step {step:,}",
                expected=f"{limit}, pooled and by seed",
                value=f"{bounded_text(correlations[None])} pooled" if None in correlations else "not defined",
                interval=seed_range(by_seed),
                n=len(by_seed),
                n_held=sum(map(limit.holds, correlations.values())),
                n_cases=len(correlations),
            )
        )
    return findings


def norms_are_later(ratios: pd.DataFrame, pairs: pd.DataFrame) -> list[Finding]:
    """Judge M6."""
    return [_later_than_ticket(f"dense with {arm_label(arm)}", arm, ratios, pairs) for arm in NORM_ARMS]


def masks_are_later(arms: pd.DataFrame, ratios: pd.DataFrame, pairs: pd.DataFrame) -> list[Finding]:
    """Judge M7 by the first arm of each method."""
    first_arms = {row["method"]: row["arm"] for row in reversed(records(arms))}
    return [
        _later_than_ticket(arm_label(method), first_arms.get(method, ""), ratios, pairs)
        for method in EARLY_METHODS
    ]


def _later_than_ticket(label: str, arm: str, ratios: pd.DataFrame, pairs: pd.DataFrame) -> Finding:
    return ratio_finding(f"t_gen, {label} / ticket", Limit(5), ratios, pairs, "ticket", arm)


def _trained_tickets(arms: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of trained tickets by rising sparsity."""
    tickets = arms[(arms["arm_role"] == "ticket") & (arms["n"] > 0)]
    return records(tickets.sort_values("sparsity", kind="stable"))


CLAIMS = (
    Claim(
        id="M1",
        statement="the dense network groks late",
        holds_when="t_mem is 50 to 200 and τ at least 100 in every seed; median t_gen 12,000 to 30,000",
        kind="hard",
        evidence=(Evidence("modadd_ticket", (OUTCOMES,), groks_late),),
    ),
    Claim(
        id="M1f",
        statement="the dense network groks late in the half-size run too",
        holds_when="t_gen is 2,500 to 9,000, and at most 1,500 for the ticket; test accuracy of the shuffled "
        "ticket is below .5 when the ticket's is at its highest",
        kind="hard",
        evidence=(Evidence("modadd_fast", (OUTCOMES, CURVES), fast_recipe),),
    ),
    Claim(
        id="M2",
        statement="the grokked ticket removes the delay",
        holds_when="in every seed t_gen of dense / ticket is at least 8, and the ticket's τ at most 25",
        kind="hard",
        evidence=(Evidence("modadd_ticket", OUTCOMES_AND_RATIOS, removes_delay),),
    ),
    Claim(
        id="M3",
        statement="the ticket is not merely faster",
        holds_when="its t_mem is at least .8 times dense, and does not decrease with sparsity from .5",
        kind="hard",
        evidence=(
            Evidence("modadd_ticket", (OUTCOMES,), memorises_no_faster),
            Evidence("m_prune_rates", (ARMS,), slower_when_sparser),
        ),
    ),
    Claim(
        id="M4",
        statement="there is a best sparsity",
        holds_when="median τ is smallest at .6, .7 or .8; .9 fails or is at least 3 times worse",
        kind="medium",
        evidence=(Evidence("m_prune_rates", (ARMS,), best_sparsity),),
    ),
    Claim(
        id="M5",
        statement="the better the dense network was, the better the ticket",
        holds_when="Spearman's rank correlation of the ticket's test accuracy at a fixed step with the dense "
        "network's when the mask was taken is at least .8",
        kind="hard",
        evidence=(Evidence("m_timing", (SPEED,), timing),),
    ),
    Claim(
        id="M6",
        statement="the weights' norm is not enough",
        holds_when="t_gen of dense networks that start with the ticket's L1 or L2 is at least 5 times the "
        "ticket's",
        kind="hard",
        evidence=(Evidence("m_norms", (RATIOS, PAIRS), norms_are_later),),
    ),
    Claim(
        id="M7",
        statement="sparsity is not enough",
        holds_when="t_gen of random, snip, grasp and synflow masks, and of the ticket's shuffled within "
        "layers, is at least 5 times the ticket's",
        kind="hard",
        evidence=(Evidence("m_pai", (ARMS, RATIOS, PAIRS), masks_are_later),),
    ),
)
