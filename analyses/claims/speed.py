"""Claims about when networks memorise and generalise: M1 to M7."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from analyses.claims.claim import Claim, Evidence, Finding
from analyses.claims.findings import (
    ARMS,
    COMPARED,
    CURVES,
    NETWORKS,
    PAIRS,
    Limit,
    amount,
    bounded,
    done,
    every_seed,
    of_row,
    over_seeds,
    ratio,
    seed_range,
    times,
)
from analyses.tables.long_format import arm_words, records
from interp.statistics.censored_times import Bounded

BEST = (0.6, 0.7, 0.8)


def groks_late(networks: pd.DataFrame) -> list[Finding]:
    """M1."""
    found = {quantity: times(networks, "dense", quantity) for quantity in ("t_mem", "t_gen", "tau")}
    return [
        every_seed("dense t_mem", Limit(50, 200), found["t_mem"]),
        over_seeds("dense median t_gen", Limit(12_000, 30_000), found["t_gen"]),
        every_seed("dense τ", Limit(100), found["tau"]),
    ]


def fast_recipe(networks: pd.DataFrame, curves: pd.DataFrame) -> list[Finding]:
    """M1f. The shuffled network is looked at when the ticket's accuracy is first at its highest."""
    beside = {}
    for seed in done(networks, "shuffled").index.intersection(done(networks, "grokked_ticket").index):
        ticket, shuffled = (
            curves[(curves["arm"] == arm) & (curves["seed"] == seed)]
            for arm in ("grokked_ticket", "shuffled")
        )
        at = ticket["step"].iloc[ticket["test_acc"].argmax()]
        beside[seed] = Bounded(float(shuffled.loc[shuffled["step"] <= at, "test_acc"].iloc[-1]))
    return [
        every_seed("dense t_gen", Limit(2_500, 9_000), times(networks, "dense", "t_gen")),
        every_seed("ticket t_gen", Limit(most=1_500), times(networks, "grokked_ticket", "t_gen")),
        every_seed(
            "shuffled test accuracy with the ticket at its best", Limit(most=0.5, strict=True), beside
        ),
    ]


def removes_delay(networks: pd.DataFrame, compared: pd.DataFrame, pairs: pd.DataFrame) -> list[Finding]:
    """M2."""
    sooner = ratio("t_gen, dense / ticket", Limit(8), compared, pairs, "reference", "grokked_ticket")
    return [sooner, every_seed("ticket τ", Limit(most=25), times(networks, "grokked_ticket", "tau"))]


def memorises_no_faster(networks: pd.DataFrame) -> list[Finding]:
    """M3, of one sparsity."""
    ticket, dense = (times(networks, arm, "t_mem") for arm in ("grokked_ticket", "dense"))
    ratios = {
        seed: Bounded(ticket[seed].value / dense[seed].value, ticket[seed].bound)
        for seed in ticket.keys() & dense.keys()
        if dense[seed].bound == "="
    }
    return [every_seed("t_mem, ticket / dense", Limit(0.8), ratios)]


def slower_when_sparser(arms: pd.DataFrame) -> list[Finding]:
    """M3, over sparsities."""
    rows = [row for row in _tickets(arms) if row["sparsity"] >= 0.5]
    medians = [of_row(row, "t_mem_median") for row in rows]
    order = [(x.value, x.bound == ">") for x in medians]
    said = ", ".join(f"{bounded(x)} at {row['sparsity']:g}" for x, row in zip(medians, rows, strict=True))
    return [
        Finding(
            name="median ticket t_mem by sparsity",
            expected="not decreasing from .5",
            value=said or "no network",
            n=min((row["n"] for row in rows), default=0),
            held=int(order == sorted(order)) if len(rows) > 1 else 0,
            of=int(len(rows) > 1),
        )
    ]


def best_sparsity(arms: pd.DataFrame) -> list[Finding]:
    """M4."""
    rows = _tickets(arms)
    medians = {row["sparsity"]: of_row(row, "tau_median") for row in rows}
    n = min((row["n"] for row in rows), default=0)
    known = {sparsity: x.value for sparsity, x in medians.items() if x.bound == "="}
    best = min(known, key=known.__getitem__) if known else None
    worse = None
    if 0.9 in medians and best is not None:
        worse = Bounded(medians[0.9].value / known[best], medians[0.9].bound)
    return [
        Finding(
            name="sparsity of the smallest median τ",
            expected=".6, .7 or .8",
            value="none has a τ" if best is None else f"{best:g}, where it is {amount(known[best])}",
            n=n,
            held=int(best in BEST),
            of=int(n > 0),
        ),
        Finding(
            name="median τ at .9 / the smallest",
            expected="at least 3, or no τ",
            value="not known" if worse is None else bounded(worse),
            n=n,
            held=int(worse is not None and (worse.bound == ">" or worse.value >= 3)),
            of=int(worse is not None),
        ),
    ]


def timing(summary: Mapping[str, Any]) -> list[Finding]:
    """M5, at every fixed step, of each seed and of all pooled."""
    rows, limit, findings = summary["correlations"], Limit(0.8), []
    for step in dict.fromkeys(row["step"] for row in rows):
        own = [row for row in rows if row["step"] == step and row["spearman"] is not None]
        found = {row["seed"]: Bounded(row["spearman"]) for row in own}
        seeds = {seed: x for seed, x in found.items() if seed is not None}
        findings.append(
            Finding(
                name=f"Spearman at step {step:,}",
                expected=f"{limit}, pooled and by seed",
                value=f"{bounded(found[None])} pooled" if None in found else "not defined",
                interval=seed_range(seeds),
                n=len(seeds),
                held=sum(map(limit.holds, found.values())),
                of=len(found),
            )
        )
    return findings


def later_than_ticket(*arms: str) -> Callable[..., list[Finding]]:
    """M6 and M7: these arms take at least five times as long as the ticket."""

    def judge(compared: pd.DataFrame, pairs: pd.DataFrame) -> list[Finding]:
        return [
            ratio(f"t_gen, {arm_words(arm)} / ticket", Limit(5), compared, pairs, "ticket", arm)
            for arm in arms
        ]

    return judge


def _tickets(arms: pd.DataFrame) -> list[dict[str, Any]]:
    """The trained magnitude tickets by rising sparsity."""
    own = arms[(arms["method"] == "magnitude") & (arms["n"] > 0)]
    return records(own.sort_values("sparsity", kind="stable"))


CLAIMS = (
    Claim(
        id="M1",
        words="the dense network groks late",
        holds_when="t_mem is 50 to 200 and τ at least 100 in every seed; median t_gen 12,000 to 30,000",
        kind="hard",
        evidence=(Evidence("modadd_ticket", (NETWORKS,), groks_late),),
    ),
    Claim(
        id="M1f",
        words="so it does in the half-size run",
        holds_when="t_gen 2,500 to 9,000, of the ticket at most 1,500; the shuffled mask is below .5 when "
        "the ticket is at 1",
        kind="hard",
        evidence=(Evidence("modadd_fast", (NETWORKS, CURVES), fast_recipe),),
    ),
    Claim(
        id="M2",
        words="the grokked ticket removes the delay",
        holds_when="in every seed t_gen of dense / ticket is at least 8, and the ticket's τ at most 25",
        kind="hard",
        evidence=(Evidence("modadd_ticket", (NETWORKS, COMPARED, PAIRS), removes_delay),),
    ),
    Claim(
        id="M3",
        words="the ticket is not merely faster",
        holds_when="its t_mem is at least .8 times dense, and does not decrease with sparsity from .5",
        kind="hard",
        evidence=(
            Evidence("modadd_ticket", (NETWORKS,), memorises_no_faster),
            Evidence("m_prune_rates", (ARMS,), slower_when_sparser),
        ),
    ),
    Claim(
        id="M4",
        words="there is a best sparsity",
        holds_when="median τ is smallest at .6, .7 or .8; .9 fails or is at least 3 times worse",
        kind="medium",
        evidence=(Evidence("m_prune_rates", (ARMS,), best_sparsity),),
    ),
    Claim(
        id="M5",
        words="the better the dense network was, the better the ticket",
        holds_when="Spearman of the ticket's test accuracy at a fixed step with the dense accuracy where its "
        "mask was taken is at least .8",
        kind="hard",
        evidence=(Evidence("m_timing", (("speed", ".json"),), timing),),
    ),
    Claim(
        id="M6",
        words="the weights' norm is not enough",
        holds_when="t_gen of dense networks that start with the ticket's L1 or L2 is at least 5 times the "
        "ticket's",
        kind="hard",
        evidence=(
            Evidence(
                "m_norms",
                (COMPARED, PAIRS),
                later_than_ticket("norm_l1", "norm_l2", "norm_l1_mean", "norm_l2_mean"),
            ),
        ),
    ),
    Claim(
        id="M7",
        words="sparsity is not enough",
        holds_when="t_gen of random, snip, grasp and synflow masks, and of the ticket's shuffled within "
        "layers, is at least 5 times the ticket's",
        kind="hard",
        evidence=(
            Evidence(
                "m_pai",
                (COMPARED, PAIRS),
                later_than_ticket("random", "snip", "grasp", "synflow", "synflow_one_shot", "shuffled"),
            ),
        ),
    ),
)
