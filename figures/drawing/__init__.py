"""House style of all figures: figures that record their numbers, looks, axes, legends, rendering.

Figures of questions, `figures.explorer` and `figures.catalogue` draw with it. May import `analyses.tables`,
schemas of analyses and `training.runs`; no folder of a question's figures. Importing it loads neither
matplotlib nor pandas.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(
    __name__,
    {
        "Animation": "animation",
        "Drawing": "recorded_figure",
        "FigureSpec": "figure_spec",
        "arm_legend": "recorded_figure",
        "draw_picture": "render",
        "letter": "recorded_figure",
        "seeds_and_centre": "recorded_figure",
        "step_axis": "style",
        "table_styles": "style",
    },
)
