"""Summary of stitched networks, on numbers whose medians and ranks are known."""

import pandas as pd
import pytest

from analyses.stitching.summary import summarise

ROLES = {"teacher": "dense", "pupil": "ticket"}
LAST = {0: 0.9, 1: 0.5, 2: 0.7}
"""Last accuracy of the pupil's neurons under the teacher's output map, by seed."""


def row(seed, step, acc, arm="pupil", reader="teacher", reader_step=500, **more):
    """Return a row of the table."""
    start = "itself" if arm == reader else "shared"
    at = {"arm": arm, "arm_role": ROLES[arm], "seed": seed, "step": step, "reader": reader, "start": start}
    at |= {"reader_seed": seed, "reader_step": reader_step, "places": "place", "neurons": "all"}
    return at | {"test_acc": acc, "all_acc": acc, "similarity": acc**2} | more


@pytest.fixture(scope="module")
def summary():
    """Return the summary of three seeds, and its printed tables."""
    rows = []
    for seed, last in LAST.items():
        for step, acc in ((0, 0.1), (90, last / 2), (400, last)):
            rows.append(row(seed, step, acc))
            rows.append(row(seed, step, 0.3 if step else 0.0, reader="pupil", reader_step=step))
        rows += [row(seed, step, 1.0, arm="teacher") for step in (0, 500)]
    return summarise(pd.DataFrame(rows))


def stitched(summary, **wanted):
    (found,) = [r for r in summary[0]["stitched"] if wanted.items() <= r.items()]
    return found


def test_medians_ranges_and_seeds_above_the_network_itself(summary):
    read = stitched(summary, arm="pupil", reader="teacher")
    assert (read["n_seeds"], read["first_acc"], read["last_acc"]) == (3, 0.1, 0.7)
    assert (read["last_low"], read["last_high"], read["early_acc"]) == (0.5, 0.9, 0.35)
    assert (read["first_above"], read["early_above"], read["last_above"]) == (3, 2, 3)
    (own,) = [r for r in summary[0]["networks"] if r["arm"] == "pupil"]
    assert (own["first_acc"], own["early_acc"], own["last_acc"]) == (0.0, 0.3, 0.3)


def test_the_rank_correlation_is_over_seeds_and_unknown_without_spread(summary):
    assert stitched(summary, arm="pupil", reader="teacher")["similarity_rank"] == pytest.approx(1)
    assert stitched(summary, arm="teacher")["similarity_rank"] is None


def test_both_tables_are_printed_and_the_ticket_is_concluded_on(summary):
    first, second = summary[1]
    assert "pupil: near step 100" in first.conclusion and "in 2 of 3 seeds" in first.conclusion
    assert "0.700 (0.500–0.900)" in [cells["end"] for cells in first.rows]
    assert [cells["neurons of"] for cells in second.rows] == ["pupil"]
    alone = pd.DataFrame([row(0, step, 1.0, arm="teacher") for step in (0, 500)])
    assert len(summarise(alone)[1]) == 1
