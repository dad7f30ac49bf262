"""M8 on planted summaries."""

from analyses.claims.claim import verdict
from analyses.claims.norms import zones


def test_comparisons_that_disagree_hold_in_part():
    row = {"l2": "kept_l2", "l1": "kept_l1", "n": 9, "l2_log_sd": 0.07, "l1_log_sd": 0.06, "smaller": "l1"}
    other = row | {"l1": "l1", "l1_log_sd": 0.1, "smaller": "l2"}
    assert verdict(zones({"comparisons": [row, other]}), True) == "partly"
    assert verdict(zones({"comparisons": [other]}), True) == "reproduced"
    assert verdict(zones({"comparisons": [row]}), True) == "not reproduced"
    assert verdict(zones({"comparisons": []}), True) == "not measured"
