"""Models: one folder each, of settings and a torch implementation.

Settings are in `architecture`, what computes with the weights in `network`.
`base`, `registry`, `weight_names` and every `architecture` import neither torch nor NumPy. May
import `interp`, `training.schema`, `training.runs` and `training.tasks`.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(
    __name__,
    {
        "Implementation": "implementation",
        "MODELS": "registry",
        "Model": "base",
        "PairActivations": "pair_activations",
        "fan_in": "weight_names",
        "is_prunable": "weight_names",
        "prunable": "weight_names",
    },
)
