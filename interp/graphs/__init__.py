"""Graph of a pruning mask: its construction, measures, and null models.

Units are nodes and kept weights are edges. May import `interp.spectra` and `interp.masks`.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(
    __name__,
    {
        "adjacency": "mask_graph",
        "biadjacency": "mask_graph",
        "compare_properties_with_null": "null_models",
        "compare_with_null": "null_models",
        "count_dead_units": "reachability",
        "expander_properties": "expander_spectrum",
        "iterative_mean_difference": "expander_spectrum",
        "live_units": "reachability",
        "null_masks": "null_models",
        "properties": "graph_measures",
        "reachable_outputs": "reachability",
        "to_networkx": "mask_graph",
        "validated_projection": "mask_projection",
    },
)
