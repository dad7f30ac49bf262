"""Training step of stacked arms.

`engine` trains many arms at once, by `optimizers` and `parametrizations`; `evaluation` measures them. The
declarations in `optimizers` and `parametrizations.registry` import no torch; the rest does. May import
`interp`, `training.schema`, `training.tasks` and `training.models`.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(
    __name__,
    {
        "Engine": "engine",
        "Evaluation": "evaluation",
        "METRICS": "evaluation",
        "training_objective": "objective",
    },
)
