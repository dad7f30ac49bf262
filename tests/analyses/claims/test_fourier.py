"""M10 on planted summaries."""

import pytest
from builders import filled_table

from analyses.claims.claim import verdict
from analyses.claims.fourier import FALLS, early
from analyses.fourier.schema import MEANS

ROLES = {"base": "dense", "winner": "ticket"}


@pytest.mark.parametrize(
    ("ticket", "dense", "expected"),
    [
        (200, 20_000, "reproduced"),
        (200, None, "reproduced"),
        (None, 20_000, "not reproduced"),  # a curve that never falls is never first
        (20_000, 200, "not reproduced"),
    ],
)
def test_the_ticket_falls_first(ticket, dense, expected):
    steps = {"winner": ticket, "base": dense}
    means = filled_table(MEANS, [{"arm": arm, "seed": 0} for arm in steps], ROLES)
    falls = [{"arm": a, "seed": 0, "map": "input"} | dict.fromkeys(FALLS, step) for a, step in steps.items()]
    assert verdict(early(means, {"falls": falls}), True) == expected
    in_part = [falls[0], falls[1] | {"half_fall_step": 100}]
    if ticket == 200:
        assert verdict(early(means, {"falls": in_part}), True) == "partly"
    assert verdict(early(means, {"falls": []}), True) == "not measured"
