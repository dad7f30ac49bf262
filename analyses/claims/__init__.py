"""Claims of the papers: statements, evidence, and judges of saved tables.

`registry` lists them; a file per subject declares them, `claim` and `findings` are shared. May import
questions' schemas and summaries, `analyses.loading` and `analyses.tables`, `interp` and `training`.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(
    __name__,
    {
        "CLAIMS": "registry",
        "Claim": "claim",
        "Evidence": "claim",
        "Finding": "claim",
        "verdict": "claim",
    },
)
