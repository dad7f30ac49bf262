"""Command lines: parser, exit codes, printed tables, cores and stop signals.

Every command of the project uses these. Nothing here imports NumPy or torch. May import `training.runs` and
`training.schema`.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(
    __name__,
    {
        "Interrupted": "parser",
        "Parser": "parser",
        "PrintedTable": "printed_table",
        "available_cores": "machine",
        "render": "printed_table",
        "run_command": "parser",
    },
)
