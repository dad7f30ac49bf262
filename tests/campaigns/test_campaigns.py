"""A small share of each campaign; `make campaign` runs all of them."""

from campaigns.malformed import KINDS, campaign


def test_malformed_inputs_leave_no_traceback(tmp_path):
    counts, failures = campaign(60, 0, tmp_path)
    assert counts == dict.fromkeys(KINDS, 12) and failures == []
