"""Printed table and JSON of a run's status."""

import json
from pathlib import Path

import pytest

from training.execution.status.states import NetworkStatus, RunStatus
from training.execution.status.status_table import (
    MOST_REASONS,
    MOST_ROWS,
    state_text,
    status_json,
    status_table,
    summary,
)


def many(state, n, arm="dense", **more):
    return [NetworkStatus(arm, seed, state, **more) for seed in range(n)]


def status_of(networks, **more):
    return RunStatus(Path("runs/tiny"), networks, **more)


@pytest.mark.parametrize(
    ("network", "text"),
    [
        (NetworkStatus("dense", 0, "waiting", None, 500), "waiting"),
        (NetworkStatus("dense", 0, "training", None, 500), "starting"),
        (NetworkStatus("dense", 0, "training", 0, 500), "at step 0 of 500"),
        (NetworkStatus("dense", 0, "training", 1200), "at step 1,200"),
        (NetworkStatus("dense", 0, "stopped", 1200, 5000), "stopped at step 1,200 (no worker has it now)"),
        (NetworkStatus("dense", 0, "done", 1200, 5000), "done at step 1,200"),
        (NetworkStatus("dense", 0, "not trained", reason="diverged"), "not trained: diverged"),
        (NetworkStatus("dense", 0, "failed", 10, 500, reason="no space left"), "failed: no space left"),
        (NetworkStatus("dense", 0, "adopted"), "adopted"),
    ],
)
def test_a_state_in_words(network, text):
    assert state_text(network) == text


def test_a_row_has_state_accuracy_worker_speed_and_time_left():
    network = NetworkStatus("dense", 3, "training", 100, 500, 0.25, "node7:1", 50.0, 8.0)
    (row,) = status_table(status_of([network])).rows
    assert list(row.values()) == ["dense", 3, "at step 100 of 500", "0.250", "50", "8 seconds", "node7:1"]


def test_many_networks_are_counted_by_arm_and_failures_named():
    networks = many("done", MOST_ROWS) + many("failed", MOST_REASONS + 2, "ticket", reason="no space left")
    table = status_table(status_of(networks))
    assert table.rows == [
        {"arm": "dense", "networks": MOST_ROWS, "done": MOST_ROWS, "failed": 0},
        {"arm": "ticket", "networks": MOST_REASONS + 2, "done": 0, "failed": MOST_REASONS + 2},
    ]
    assert table.conclusion.count("no space left") == MOST_REASONS
    assert "\n2 further ones failed.\n" in table.conclusion and "--verbose" in table.conclusion
    assert len(status_table(status_of(networks), verbose=True).rows) == len(networks)
    assert len(status_table(status_of(networks[:MOST_ROWS])).rows) == MOST_ROWS


def test_of_many_arms_those_at_work_come_first():
    networks = [NetworkStatus(f"arm_{i}", 0, "waiting") for i in range(10_000)]
    networks[5000] = NetworkStatus("arm_5000", 0, "training", 10)
    networks[7000] = NetworkStatus("arm_7000", 0, "failed", reason="damaged")
    table = status_table(status_of(networks))
    assert [row["arm"] for row in table.rows[:3]] == ["arm_7000", "arm_5000", "arm_0"]
    assert (
        len(table.rows) == MOST_ROWS
        and f"{10_000 - MOST_ROWS} further arms: 9,960 waiting." in table.conclusion
    )
    assert table.text().count("\n") < MOST_ROWS + 10


def test_the_summary_says_counts_workers_speed_and_time_left():
    networks = [*many("waiting", 2), NetworkStatus("dense", 2, "training", 9, 500, None, "a:1", 40.0)]
    status = status_of(networks, workers=("a:1", "b:2"), networks_per_hour=120.4, seconds_left=150.0)
    assert summary(status).splitlines() == [
        "3 networks: 2 waiting, 1 training.",
        "2 workers, 40 steps/s, 120 networks per hour, about 2.5 minutes left at this speed.",
    ]
    assert summary(status_of(many("waiting", 1), workers=("a:1",))).endswith("\n1 worker.")
    assert "No worker trains this run now" in summary(status_of(networks))
    assert summary(status_of(many("done", 2))) == "2 networks: 2 done."


def test_json_has_every_network_and_only_json():
    networks = [NetworkStatus("dense", 3, "training", 100, 500, 0.25, "a:1", 50.0, 8.0), *many("done", 100)]
    content = json.loads(json.dumps(status_json(status_of(networks, workers=("a:1",))), allow_nan=False))
    assert content["counts"]["done"] == 100 and content["counts"]["failed"] == 0
    assert content["networks"][0] == vars(networks[0]) and len(content["networks"]) == 101
    assert (content["finished"], content["workers"], content["steps_per_second"]) == (False, ["a:1"], 50.0)
