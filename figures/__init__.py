"""Figures: saved tables in, pictures out; nothing is measured here.

One folder per question, each declaring its figures in its `__init__.py`; `drawing` is the house style and
the saving, `catalogue` the registry, `pipeline` what `make figures` runs. Of other packages they read the
schemas and tables of `analyses`, and `training.runs`; only the pipeline, which also measures, reads more.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(
    __name__,
    {
        "FIGURES": "catalogue.registry",
        "draw": "pipeline.shown_figure",
        "explore": "explorer.shown_page",
        "list_figures": "pipeline.shown_figure",
        "style": "drawing.render",
    },
)
