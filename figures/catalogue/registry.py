"""Registry of all figures, in the order of the papers."""

import importlib
from functools import partial

from figures.drawing.figure_spec import NEW, FigureSpec
from training.schema.registry import Registry
from training.schema.validation import check_instance

QUESTIONS = (
    *("grokking", "speed", "norms", "masks", "fourier", "graph_props", "snapshots", "phases"),
    *("logits", "stages", "lottery", "flow", "leakage", "progress", "ablation", "patching", "steering"),
    *("stitching", "events", "mechanism", "sweep", "compare"),
)
"""Folders of figures."""
PAPERS = ("Minegishi et al.", "He et al.", "Nanda et al.", "Furuta et al.", "Zhong et al.", NEW)


def _rank(figure: FigureSpec) -> int:
    """Return the place of a figure's paper; of any other paper, behind all."""
    ranks = (place for place, paper in enumerate(PAPERS) if figure.paper.startswith(paper))
    return next(ranks, len(PAPERS))


FIGURES: Registry[FigureSpec] = Registry("figure", check=partial(check_instance, cls=FigureSpec))
for _figure in sorted(
    (figure for question in QUESTIONS for figure in importlib.import_module(f"figures.{question}").FIGURES),
    key=_rank,
):
    FIGURES[_figure.name] = _figure
