"""Printed table, and JSON, of a run's status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, get_args

from training.cli.printed_table import PrintedTable
from training.execution.status.states import NetworkStatus, RunStatus, State
from training.execution.time_estimate import time_text
from training.schema.plain_content import shortened

MOST_ROWS = 40
"""Networks, or arms, up to which each has a row without --verbose."""
MOST_REASONS = 8
"""Failed networks that a grouped table names."""
LONGEST_REASON = 80
"""Characters of a reason in a row."""
FIRST = ("failed", "damaged", "training", "stopped")
"""States whose arms are printed first where not all are."""


def status_table(status: RunStatus, verbose: bool = False) -> PrintedTable:
    """Return a row per network, or per arm if the networks are many, and what to conclude."""
    title = f"Training of {status.path.name}: what each network is at."
    if verbose or len(status.networks) <= MOST_ROWS:
        return PrintedTable(title, list(map(_row, status.networks)), summary(status))
    by_arm: dict[str, list[NetworkStatus]] = {}
    for network in status.networks:
        by_arm.setdefault(network.arm, []).append(network)
    arms = sorted(by_arm, key=lambda arm: _rank(by_arm[arm])) if len(by_arm) > MOST_ROWS else list(by_arm)
    rows = [_arm_row(arm, by_arm[arm], status.counts) for arm in arms[:MOST_ROWS]]
    lines = [summary(status)]
    if rest := [network for arm in arms[MOST_ROWS:] for network in by_arm[arm]]:
        lines.append(f"{len(arms) - MOST_ROWS} further arms: {counts_text(rest)}.")
    lines += _reasons(status.networks)
    lines.append("--verbose prints a row for each network.")
    return PrintedTable(
        f"Training of {status.path.name}: number of networks by state.", rows, "\n".join(lines)
    )


def status_json(status: RunStatus) -> dict[str, Any]:
    """Return everything that is known, as JSON."""
    return {
        "run": str(status.path),
        "finished": status.is_finished,
        "counts": {state: status.counts[state] for state in get_args(State)},
        "workers": list(status.workers),
        "networks_per_hour": status.networks_per_hour,
        "steps_per_second": status.steps_per_second,
        "seconds_left": status.seconds_left,
        "networks": list(map(asdict, status.networks)),
    }


def summary(status: RunStatus) -> str:
    """Return counts, number of workers, speed and the time that is left, as lines."""
    line = f"{len(status.networks):,} networks: {counts_text(status.networks)}."
    if status.is_finished:
        return line
    if not status.workers:
        cure = f"unless one is on its way, 'python -m training {status.path}' goes on"
        return f"{line}\nNo worker trains this run now; {cure}."
    n = len(status.workers)
    parts = [f"{n} worker{'s' if n > 1 else ''}"]
    if status.steps_per_second is not None:
        parts.append(f"{status.steps_per_second:,.0f} steps/s")
    if status.networks_per_hour:
        parts.append(f"{status.networks_per_hour:,.0f} networks per hour")
    if status.seconds_left is not None:
        parts.append(f"about {time_text(status.seconds_left)} left at this speed")
    return f"{line}\n{', '.join(parts)}."


def counts_text(networks: Iterable[NetworkStatus]) -> str:
    """Return the number of networks in each state that there is.

    Examples
    --------
    >>> counts_text([NetworkStatus("dense", 0, "done"), NetworkStatus("dense", 1, "waiting")])
    '1 waiting, 1 done'
    """
    counts = Counter(network.state for network in networks)
    return ", ".join(f"{counts[state]:,} {state}" for state in get_args(State) if counts[state])


def state_text(network: NetworkStatus) -> str:
    """Return what a network is at, in words.

    Examples
    --------
    >>> state_text(NetworkStatus("dense", 0, "training", step=120, max_steps=8000))
    'at step 120 of 8,000'
    >>> state_text(NetworkStatus("dense", 0, "failed", reason="no space left"))
    'failed: no space left'
    """
    step = "" if network.step is None else f" {network.step:,}"
    if network.state == "training":
        of = "" if network.max_steps is None else f" of {network.max_steps:,}"
        return f"at step{step}{of}" if step else "starting"
    if network.state == "done":
        return f"done at step{step}"
    if network.state == "stopped":
        return f"stopped at step{step} (no worker has it now)"
    return f"{network.state}: {network.reason}" if network.reason else network.state


def _row(network: NetworkStatus) -> dict[str, Any]:
    left, rate, test_acc = network.seconds_left, network.steps_per_second, network.test_acc
    return {
        "arm": network.arm,
        "seed": network.seed,
        "state": shortened(state_text(network), LONGEST_REASON),
        "test accuracy": None if test_acc is None else f"{test_acc:.3f}",
        "steps/s": None if rate is None else f"{rate:,.0f}",
        "left, at most": None if left is None else time_text(left),
        "worker": network.worker,
    }


def _arm_row(arm: str, networks: Sequence[NetworkStatus], there: Counter[str]) -> dict[str, Any]:
    """Return an arm's networks by state; a state that the run does not have has no column."""
    counts = Counter(network.state for network in networks)
    columns = {state: counts[state] for state in get_args(State) if there[state]}
    return {"arm": arm, "networks": len(networks), **columns}


def _rank(networks: Sequence[NetworkStatus]) -> int:
    """Return the place of an arm among those that are printed first."""
    states = {network.state for network in networks}
    return next((i for i, state in enumerate(FIRST) if state in states), len(FIRST))


def _reasons(networks: Sequence[NetworkStatus]) -> list[str]:
    """Return a line per network that failed or is damaged, the first few."""
    bad = [network for network in networks if network.state in ("failed", "damaged")]
    lines = [f"{network}: {state_text(network)}" for network in bad[:MOST_REASONS]]
    return [*lines, f"{len(bad) - MOST_REASONS} further ones failed."] if len(bad) > MOST_REASONS else lines
