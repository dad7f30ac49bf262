"""Claims about other conditions and other tasks: M11 to M13."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pandas as pd

from analyses.claims.claim import Claim, Evidence, Finding
from analyses.claims.findings import (
    COMPARED,
    CURVES,
    NETWORKS,
    PAIRS,
    Limit,
    by_seed,
    done,
    every_seed,
    ratio,
)
from analyses.tables.long_format import arm_words, groups
from interp.statistics.censored_times import Bounded

OPERATIONS = ("sub", "mul", "x2_plus_y2", "x2_plus_xy_plus_y2")
BY_STEP = 2_000
HALF, THIRD = Limit(2), Limit(3)
"""Dense over ticket, for a ticket that takes at most half or a third of the steps."""


def without_decay(networks: pd.DataFrame, curves: pd.DataFrame) -> list[Finding]:
    """M11: the sparsity at which most seeds reach the level, the others beside; dense at its highest."""
    level, most = Limit(0.99), Limit(most=0.5, strict=True)
    own = networks[networks["arm"].str.startswith("ticket_") & (networks["status"] == "done")]
    own = own[own["sparsity"].between(0.7, 0.85)]
    tickets = [
        every_seed(f"{arm_words(arm)}, final test accuracy", level, by_seed(rows, "test_acc"))
        for (arm,), rows in groups(own, ["arm"])
    ]
    tickets = tickets or [every_seed("ticket, final test accuracy", level, {})]
    dense = _highest(curves[curves["arm"] == "dense_no_wd"])
    best = max(tickets, key=lambda finding: finding.held)
    others = [replace(finding, beside=True) for finding in tickets if finding is not best]
    return [best, every_seed("dense, largest test accuracy", most, dense), *others]


def edge_popup(frozen: pd.DataFrame, curves: pd.DataFrame) -> list[Finding]:
    """M12; the same weights trained on, without scores, stand beside."""
    arms = list(dict.fromkeys(frozen["arm"]))
    changed, kept = (int(frozen[name].sum()) for name in ("n_changed", "n_kept"))
    bits = Finding(
        name="frozen weights whose bits differ, over all checkpoints",
        expected="0 in every seed",
        value=f"{changed:,} of {kept:,}" if kept else "no network",
        n=frozen["seed"].nunique(),
        held=int((frozen["n_changed"] == 0).sum()),
        of=len(frozen),
    )

    def by_then(arm: str) -> Finding:
        found = _highest(curves[(curves["arm"] == arm) & (curves["step"] <= BY_STEP)])
        return every_seed(f"{arm_words(arm)}, test accuracy by step {BY_STEP:,}", Limit(0.8), found)

    return [bits, *map(by_then, arms), replace(by_then("dense_from_1000"), beside=True)]


def halves(
    task: str, *tickets: str, dense: str = "dense", limit: Limit = HALF
) -> Callable[..., list[Finding]]:
    """M13 of one task: dense t_gen over each ticket's, within the limit.

    A seed whose ticket could not be taken, since its dense network never generalised, does not hold.
    """

    def judge(networks: pd.DataFrame, compared: pd.DataFrame, pairs: pd.DataFrame) -> list[Finding]:
        tables = (networks, compared, pairs)
        return [_sooner(task, ticket, dense, limit, *tables) for ticket in tickets]

    return judge


def operations(networks: pd.DataFrame, compared: pd.DataFrame, pairs: pd.DataFrame) -> list[Finding]:
    """M13 of modular operations: at least three of them, each in all seeds."""
    each = [
        replace(found, beside=True)
        for name in OPERATIONS
        for found in halves(arm_words(name), f"{name}_ticket", dense=f"{name}_dense")(
            networks, compared, pairs
        )
    ]
    n_held = sum(found.held == found.of > 0 for found in each)
    n_known = sum(found.of > 0 for found in each)
    together = Finding(
        name="operations with that in every seed",
        expected="at least 3",
        value=f"{n_held} of {n_known}",
        n=min(found.n for found in each),
        held=int(n_held >= 3),
        of=int(n_known >= 3),
    )
    return [together, *each]


def images(networks: pd.DataFrame, compared: pd.DataFrame, pairs: pd.DataFrame) -> list[Finding]:
    """M13 of images; beside it the control: how much sooner the shuffled mask is."""
    ticket, control = halves("images", "grokked_ticket", "shuffled")(networks, compared, pairs)
    return [ticket, replace(control, beside=True)]


def _highest(curves: pd.DataFrame) -> dict[int, Bounded]:
    """The largest test accuracy of one arm's seeds."""
    return by_seed(curves.groupby("seed")[["test_acc"]].max().reset_index(), "test_acc")


def _sooner(
    task: str,
    ticket: str,
    dense: str,
    limit: Limit,
    networks: pd.DataFrame,
    compared: pd.DataFrame,
    pairs: pd.DataFrame,
) -> Finding:
    name = f"{task}: t_gen, dense / {arm_words(ticket).removeprefix(f'{task} ')}"
    found = ratio(name, limit, compared, pairs, "reference", ticket)
    skipped = networks[(networks["arm"] == ticket) & (networks["status"] == "skipped")]["seed"]
    n_refused = int(done(networks, dense).index.isin(skipped).sum())
    value = "no ticket: dense never generalised" if n_refused and found.of == 0 else found.value
    return replace(found, value=value, n=found.n + n_refused, of=found.of + n_refused)


def _half(recipe: str, judge: Callable[..., list[Finding]]) -> Evidence:
    return Evidence(recipe, (NETWORKS, COMPARED, PAIRS), judge)


CLAIMS = (
    Claim(
        id="M11",
        words="weight decay finds structure, and the structure needs no weight decay",
        holds_when="without weight decay a ticket of some sparsity in .7 to .85 ends at test accuracy .99, "
        "and the dense network stays below .5",
        kind="medium",
        evidence=(Evidence("m_no_wd", (NETWORKS, CURVES), without_decay),),
    ),
    Claim(
        id="M12",
        words="choosing weights makes a memorising network generalise",
        holds_when="edge-popup's frozen weights are bit-identical, and its test accuracy is .8 by step 2,000",
        kind="hard",
        evidence=(Evidence("m_edge_popup", (("masks", "_frozen.parquet"), CURVES), edge_popup),),
    ),
    Claim(
        id="M13",
        words="it holds for other tasks and for the transformer",
        holds_when="the ticket's t_gen is at most half of dense on 3 operations, parity, polynomials and "
        "images, and a third on the transformer",
        kind="medium",
        evidence=(
            _half("m_ops", operations),
            _half("m_parity", halves("parity", "grokked_ticket", "sparse_ticket")),
            _half("m_polynomial", halves("polynomial", "grokked_ticket")),
            _half("m_images", images),
            _half("m_transformer", halves("transformer", "grokked_ticket", limit=THIRD)),
        ),
    ),
)
