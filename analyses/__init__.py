"""Analyses: from a run to saved tables and a summary.

One folder per question (`python -m analyses` lists them), each with its command, its schema, its tables and
its summary. `loading` opens runs, `tables` declares and saves tables, `running` is the command line that all
share, `claims` judges the papers' claims from saved tables, `report` writes what came of them. May import
`interp` and `training`.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(
    __name__,
    {
        "ANALYSES": "running.registry",
        "CLAIMS": "claims.registry",
        "Command": "running.command",
        "MeasuredTables": "running.measured_tables",
        "Result": "running.command_line",
        "list_analyses": "running.measured_tables",
        "list_claims": "claims.registry",
        "load_table": "running.measured_tables",
        "measure": "running.measured_tables",
    },
)
