"""Training step over arms stacked on a leading axis: engine, optimizers, parametrizations, evaluation.

The declarations in `optimizers` and `parametrizations.registry` import no torch; the rest does. May import
`interp`, `training.schema`, `training.tasks` and `training.models`.
"""
