"""Tables of `analyses.graph_props`, and words for the statistics."""

from analyses.tables.columns import NETWORK, STEP
from analyses.tables.schema import CHECKPOINTS, MASK, Analysis, Column, Table

SOURCE = "DEFINITIONS.md, section 7"
GRAPH_SHOWN = {
    "average_path_length": "path length",
    "reachable_fraction": "reachable pairs",
    "global_efficiency": "global efficiency",
    "average_clustering": "triangle clustering",
    "latapy_clustering": "Latapy clustering",
    "robins_alexander_clustering": "Robins–Alexander clustering",
    "degree_cv": "variation of degrees",
    "dead_units": "dead units",
    "input_output_reachability": "input–output reachability",
}
"""Words for statistics of graphs that are printed and drawn."""
LAYER_SHOWN = {
    "spectral_gap": "spectral gap",
    "ramanujan_gap_hoang": "Ramanujan gap (Hoang)",
    "ramanujan_gap_minegishi": "Ramanujan gap (Minegishi)",
    "ramanujan_gap_regular": "Ramanujan gap (regular)",
    "iterative_mean_difference": "iterative mean difference",
    "weighted_spectral_gap": "weighted spectral gap",
}
"""Words for statistics of single layers that are printed and drawn."""

WHERE = Column(
    "where",
    str,
    "Graph construction (layered or folded), or the layer or attention head by name.",
    source=SOURCE,
)
STATISTIC = Column(
    "statistic",
    str,
    "Name of the statistic: of the graph, or of the layer's mask; weighted: of its kept weights.",
    source=SOURCE,
)


def _null_columns(kind: str, masks: str) -> tuple[Column, ...]:
    """Return the columns of a statistic's comparison with one kind of random masks."""
    few = "fewer than two random masks have a value, or --nulls 0"
    return (
        Column(
            f"{kind}_mean",
            float,
            f"Mean over random masks {masks}; weighted: with the kept weights in random order.",
            missing="no random mask has a value, or --nulls 0",
            source=SOURCE,
        ),
        Column(f"{kind}_sd", float, "Standard deviation over these random masks.", missing=few),
        Column(
            f"{kind}_z",
            float,
            "Value minus their mean, over their standard deviation.",
            missing=f"these random masks are all alike, the value is missing, or {few}",
            source=SOURCE,
        ),
        Column(f"{kind}_n", int, "Number of these random masks in which the statistic has a value."),
    )


PROPERTIES = Table(
    analysis="graph_props",
    meaning="Every statistic of every mask, compared with random masks of equal densities and degrees.",
    key=("arm", "seed", "step", "where", "statistic"),
    columns=(
        *NETWORK,
        STEP,
        Column(
            "dense",
            bool,
            "True: the network has no mask, and this is the magnitude mask of its weights at this step.",
            source="DEFINITIONS.md, section 4",
        ),
        Column("mask", str, "Hash of the mask: equal masks have equal hashes."),
        WHERE,
        STATISTIC,
        Column("value", float, "Value of the statistic.", missing="the statistic is undefined for this mask"),
        *_null_columns("density", "with as many weights in every layer"),
        *_null_columns("degree", "with as many weights at every unit"),
    ),
)
WEIGHTS = Table(
    analysis="graph_props",
    part="weights",
    meaning="Weighted statistics of every layer's kept weights, at every checkpoint of every network.",
    key=("arm", "seed", "step", "where", "statistic"),
    columns=(
        *NETWORK,
        STEP,
        WHERE,
        STATISTIC,
        Column("value", float, "Value of the statistic.", missing="the mask keeps nothing in this layer"),
    ),
)

ANALYSIS = Analysis(
    name="graph_props",
    answers="Is the graph of a mask more structured than random masks of equal densities or degrees?",
    takes="networks of any task; one without a mask is read through its magnitude mask at each checkpoint",
    cost="2 min",
    needs=("mask",),
    reads=(CHECKPOINTS, MASK),
    tables=(PROPERTIES, WEIGHTS),
)
