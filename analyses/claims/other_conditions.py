"""Claims about other conditions and other tasks: M11 to M13."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pandas as pd

from analyses.claims.claim import Claim, Evidence, Finding
from analyses.claims.findings import (
    OUTCOMES_AND_RATIOS,
    Limit,
    dense_arm_of,
    finding_by_seed,
    finished_networks,
    ratio_finding,
    values_by_seed,
)
from analyses.grokking.schema import CURVES, OUTCOMES
from analyses.masks.schema import FROZEN
from analyses.tables.labels import arm_label
from analyses.tables.long_format import groups
from analyses.tables.roles import arms_with_role
from interp.statistics.censored_times import Bounded

DENSE_WITHOUT_DECAY = "dense_no_wd"
"""Arm of `m_no_wd`: the dense network without weight decay."""
TRAINED_ON = "dense_from_1000"
"""Arm of `m_edge_popup` that goes on to train the weights on which the others train scores."""
BY_STEP = 2_000
HALF, THIRD = Limit(2), Limit(3)
"""Limits of t_gen, dense / ticket, for a ticket that takes at most half or a third of the steps."""


def without_decay(outcomes: pd.DataFrame, curves: pd.DataFrame) -> list[Finding]:
    """Judge M11 by the sparsity at which most seeds reach the level.

    Other sparsities are context.
    """
    level = Limit(0.99)
    is_ticket = (outcomes["arm_role"] == "ticket") & (outcomes["status"] == "done")
    tickets = outcomes[is_ticket & outcomes["sparsity"].between(0.7, 0.85)]
    findings = [
        finding_by_seed(f"final test accuracy ({arm_label(arm)})", level, values_by_seed(rows, "test_acc"))
        for (arm,), rows in groups(tickets, ["arm"])
    ] or [finding_by_seed("final test accuracy (ticket)", level, {})]
    best = max(findings, key=lambda finding: finding.n_held)
    dense = finding_by_seed(
        f"largest test accuracy ({arm_label(DENSE_WITHOUT_DECAY)})",
        Limit(most=0.5, strict=True),
        _largest_accuracy(curves[curves["arm"] == DENSE_WITHOUT_DECAY]),
    )
    return [best, dense, *(finding.as_context() for finding in findings if finding is not best)]


def edge_popup(frozen: pd.DataFrame, curves: pd.DataFrame) -> list[Finding]:
    """Judge M12, with weights that are trained on, without scores, as context."""
    n_changed, n_weights = (int(frozen[name].sum()) for name in ("n_changed", "n_kept"))
    bits = Finding(
        name="frozen weights whose bits differ, over all checkpoints",
        expected="0 in every seed",
        value=f"{n_changed:,} of {n_weights:,}" if n_weights else "no network",
        n=frozen["seed"].nunique(),
        n_held=int((frozen["n_changed"] == 0).sum()),
        n_cases=len(frozen),
    )
    early = curves[curves["step"] <= BY_STEP]
    *accuracies, trained_on = (
        finding_by_seed(
            f"test accuracy by step {BY_STEP:,} ({arm_label(arm)})",
            Limit(0.8),
            _largest_accuracy(early[early["arm"] == arm]),
        )
        for arm in [*dict.fromkeys(frozen["arm"]), TRAINED_ON]
    )
    return [bits, *accuracies, trained_on.as_context()]


def sooner_than_dense(task: str, limit: Limit = HALF, n_tickets: int = 1) -> Callable[..., list[Finding]]:
    """Return the judge of M13 for the first tickets of one task.

    Parameters
    ----------
    limit : Limit
        Limit of t_gen, dense / ticket.
    """

    def judge(outcomes: pd.DataFrame, ratios: pd.DataFrame, pairs: pd.DataFrame) -> list[Finding]:
        tickets = arms_with_role(outcomes, "ticket")[:n_tickets]
        tickets += [""] * (n_tickets - len(tickets))  # without a network
        return [
            _over_dense(
                f"{task}: t_gen, dense / {arm_label(t) or 'ticket'}", t, limit, outcomes, ratios, pairs
            )
            for t in tickets
        ]

    return judge


def operations(outcomes: pd.DataFrame, ratios: pd.DataFrame, pairs: pd.DataFrame) -> list[Finding]:
    """Judge M13 for modular operations: at least three of them hold."""
    by_operation = [
        _over_dense(
            f"{arm_label(ticket).removesuffix(', ticket')}: t_gen, dense / ticket",
            ticket,
            HALF,
            outcomes,
            ratios,
            pairs,
        )
        for ticket in arms_with_role(outcomes, "ticket")
    ]
    n_held = sum(finding.n_held == finding.n_cases > 0 for finding in by_operation)
    n_measured = sum(finding.n_cases > 0 for finding in by_operation)
    together = Finding(
        name="operations whose ticket takes at most half of dense t_gen in every seed",
        expected="at least 3",
        value=f"{n_held} of {n_measured}",
        n=min((finding.n for finding in by_operation), default=0),
        n_held=int(n_held >= 3),
        n_cases=int(n_measured >= 3),
    )
    return [together, *(finding.as_context() for finding in by_operation)]


def images(outcomes: pd.DataFrame, ratios: pd.DataFrame, pairs: pd.DataFrame) -> list[Finding]:
    """Judge M13 for images, with the control, the shuffled ticket, as context."""
    tables = (outcomes, ratios, pairs)
    controls = [
        _over_dense(f"images: t_gen, dense / {arm_label(arm)}", arm, HALF, *tables).as_context()
        for arm in arms_with_role(outcomes, "control")
    ]
    return [*sooner_than_dense("images")(*tables), *controls]


def _largest_accuracy(curves: pd.DataFrame) -> dict[int, Bounded]:
    """Return the largest test accuracy by seed of one arm's curves."""
    return values_by_seed(curves.groupby("seed")[["test_acc"]].max().reset_index(), "test_acc")


def _over_dense(
    name: str,
    arm: str,
    limit: Limit,
    outcomes: pd.DataFrame,
    ratios: pd.DataFrame,
    pairs: pd.DataFrame,
) -> Finding:
    """Return the finding of t_gen of an arm's dense network over its own.

    A seed whose ticket could not be taken, since its dense network never generalised, does not hold.
    """
    finding = ratio_finding(name, limit, ratios, pairs, "reference", arm)
    skipped = outcomes[(outcomes["arm"] == arm) & (outcomes["status"] == "skipped")]["seed"]
    dense = finished_networks(outcomes, dense_arm_of(ratios, arm))
    n_refused = int(dense.index.isin(skipped).sum())
    value = finding.value
    if n_refused and finding.n_cases == 0:
        value = "no ticket: dense never generalised"
    return replace(finding, value=value, n=finding.n + n_refused, n_cases=finding.n_cases + n_refused)


CLAIMS = (
    Claim(
        id="M11",
        statement="weight decay finds structure, and the structure needs no weight decay",
        holds_when="without weight decay a ticket of some sparsity in .7 to .85 ends at test accuracy .99, "
        "and the dense network stays below .5",
        kind="medium",
        evidence=(Evidence("m_no_wd", (OUTCOMES, CURVES), without_decay),),
    ),
    Claim(
        id="M12",
        statement="choosing weights makes a memorising network generalise",
        holds_when="edge-popup's frozen weights are bit-identical, and its test accuracy is .8 by step 2,000",
        kind="hard",
        evidence=(Evidence("m_edge_popup", (FROZEN, CURVES), edge_popup),),
    ),
    Claim(
        id="M13",
        statement="tickets remove the delay on other tasks and for the transformer too",
        holds_when="the ticket's t_gen is at most half of dense on 3 operations, parity, polynomials and "
        "images, and a third on the transformer",
        kind="medium",
        evidence=tuple(
            Evidence(recipe, OUTCOMES_AND_RATIOS, judge)
            for recipe, judge in (
                ("m_ops", operations),
                ("m_parity", sooner_than_dense("parity", n_tickets=2)),
                ("m_polynomial", sooner_than_dense("polynomial")),
                ("m_images", images),
                ("m_transformer", sooner_than_dense("transformer", THIRD)),
            )
        ),
    ),
)
