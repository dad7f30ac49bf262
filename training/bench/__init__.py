"""Speed of training: the engine against research code and its floor.

A command, `python -m training.bench`. May import every other folder of `training`; none imports it.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(__name__, {"matrix_products": "floor", "measure": "comparison"})
