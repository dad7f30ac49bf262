"""Speed of training: the engine against research code and its floor.

A command, `python -m training.bench`: rounds (`timing`), `contestants`, `floor`, what is compared
(`comparison`, `device_speed`, `growth`, `overhead`), and the Markdown of all benches (`report`). May import
every other folder of `training`; none of them imports it.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(__name__, {"matrix_products": "floor", "measure": "comparison"})
