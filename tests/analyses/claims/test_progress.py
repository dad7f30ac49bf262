"""N1 on planted summaries."""

import pytest
from builders import deciding_counts, filled_table

from analyses.claims.claim import verdict
from analyses.claims.progress import signs_of_progress
from analyses.progress.schema import MEASURES, RESTRICTED

TEST = (7_600, 8_000)


def moves(arm="base", seed=0, decades=4.4, **steps):
    """Return a row of the summary: an interval per loss, or None."""
    row = {"arm": arm, "seed": seed, "excluded_moves": decades}
    for loss in ("test", "excluded", *RESTRICTED):
        after, at = steps.get(loss, (6_800, 7_200)) or (40_000, None)
        row |= {f"{loss}_half_after": after, f"{loss}_half_step": at}
    return row


def judge(*rows):
    measures = [{"arm": arm, "seed": 0} for arm in ("base", "winner")]
    return signs_of_progress(
        filled_table(MEASURES, measures, {"base": "dense", "winner": "ticket"}), {"moves": rows}
    )


@pytest.mark.parametrize(
    ("row", "n_held"),
    [
        (moves(test=TEST), [1, 1, 1]),
        (moves(test=TEST, restricted_sum2=(7_200, 7_600)), [1, 1, 1]),
        (moves(test=TEST, restricted_sum2=(7_400, 7_800)), [0, 1, 1]),  # the intervals overlap
        (moves(test=TEST, excluded=(8_000, 8_400)), [1, 1, 0]),
        (moves(test=TEST, decades=0.9), [1, 0, 1]),
        (moves(test=TEST, restricted_sum2=None, excluded=None, decades=None), [0, 0, 0]),
        (moves(test=None), [0, 1, 0]),
        (moves("winner", test=TEST), []),
    ],
)
def test_n1_verdicts(row, n_held):
    findings = judge(row)
    assert deciding_counts(findings) == ([(n, 1) for n in n_held] or [(0, 0)] * 3)
    expected = {3: "reproduced", 0: "not reproduced"}.get(sum(n_held), "partly")
    assert verdict(findings, True) == (expected if n_held else "not measured")
    assert len(findings) == 6


def test_n1_lists_the_intervals_of_every_seed():
    first = judge(moves(test=TEST), moves(seed=1, test=(None, 200), restricted_sum2=None))[0]
    assert first.value == "6,800–7,200 against 7,600–8,000; never against 0–200"
    assert (first.n_held, first.n_cases, first.n) == (1, 2, 2)
