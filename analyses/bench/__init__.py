"""Speed of the analyses on one small run, and of reading checkpoints.

A command, `python -m analyses.bench`. May import every question and `training.bench`; none imports it.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(__name__, {"measure_analyses": "timed_analyses"})
