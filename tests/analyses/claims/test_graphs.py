"""M14 on planted summaries."""

from analyses.claims.claim import verdict
from analyses.claims.graphs import trends
from analyses.graph_props.summary import GRAPH_SHOWN


def test_a_trend_is_compared_with_that_of_each_z():
    row = {"where": "layered", "statistic": "latapy_clustering", "n_seeds": 3, "value_spearman": 0.9}
    up = row | {"density_z_spearman": 0.8, "degree_z_spearman": 0.5}
    down = up | {"statistic": "average_path_length", "degree_z_spearman": -0.5}
    flat = up | {"statistic": "dead_units", "density_z_spearman": None, "degree_z_spearman": None}
    together, *each = trends({"trends": [up, down, flat, down | {"where": "folded"}]})
    label = GRAPH_SHOWN["average_path_length"]
    assert (together.value, together.n_held, together.n_cases) == (label, 1, 2)
    assert [f.value for f in each] == ["+0.90 (z +0.80, +0.50)", "+0.90 (z +0.80, -0.50)"]
    assert verdict([together, *each], True) == "partly" and not any(f.decides for f in each)
    assert verdict(trends({"trends": [up]}), True) == "reproduced"
    assert verdict(trends({"trends": [down]}), True) == "not reproduced"
    assert verdict(trends({"trends": [flat]}), True) == "not measured"
