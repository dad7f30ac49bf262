"""Run directories: their paths and formats, atomic writes, locks.

`RunDir` and `ArmDir` are the only code that knows where a run keeps what. Reading needs neither torch nor a
lock library. May import `training.schema`.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(
    __name__,
    {
        "ArmDir": "arm_directory",
        "NoRunError": "run_directory",
        "RunDir": "run_directory",
        "RunError": "atomic_files",
        "thinned": "log_spacing",
    },
)
