"""M9 on planted tables."""

from builders import filled_table

from analyses.claims.claim import verdict
from analyses.claims.masks import turnover
from analyses.masks.schema import PEAKS

ROLES = {"base": "dense", "scores": "variant"}


def test_the_whole_mask_is_judged_and_its_matrices_are_context():
    rows = [{"arm": "base", "seed": s, "layer": "global", "lag": 2_000, "holds": True} for s in range(3)]
    matrix = [row | {"layer": "W_U", "lag": -8_000, "holds": False} for row in rows]
    other = [row | {"arm": "scores", "holds": False} for row in rows]
    findings = turnover(filled_table(PEAKS, matrix + rows + other, ROLES))
    assert verdict(findings, True) == "reproduced" and [f.decides for f in findings] == [True, False]
    assert findings[1].value == "-8,000, -8,000, -8,000 (by seed)" and findings[1].n_held == 0
    late = [row | {"lag": 6_000, "holds": False} for row in rows]
    assert verdict(turnover(filled_table(PEAKS, late, ROLES)), True) == "not reproduced"
    assert verdict(turnover(filled_table(PEAKS, [*late[:1], *rows[1:]], ROLES)), True) == "partly"
    unknown = [row | {"lag": None, "holds": None} for row in rows]
    assert verdict(turnover(filled_table(PEAKS, unknown, ROLES)), True) == "not measured"
