"""The explorer: one self-contained page in which a researcher sees networks of runs learn.

`python -m figures.explorer --run DIR` writes it; `explore` shows it in a notebook. `sources` reads runs and
their saved tables, `network_content` and `packing` make arrays of them, `plots` the empty plots of `views`,
and `page` puts these and the scripts of `page_files` into one file. Since it measures what is missing, it
may import what the pipeline may: `analyses.running`, `training.inspection`, `training.cli`.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(__name__, {"explore": "shown_page"})
