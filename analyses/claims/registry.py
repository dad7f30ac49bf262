"""Registry of the claims, in the order of the report."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from analyses.claims import (
    dynamics,
    fourier,
    graphs,
    masks,
    mechanism,
    norms,
    other_conditions,
    progress,
    speed,
)
from analyses.claims.claim import Claim
from training.schema.registry import Registry
from training.schema.validation import check_instance

if TYPE_CHECKING:
    import pandas as pd

CLAIMS: Registry[Claim] = Registry("claim", check=partial(check_instance, cls=Claim))
"""Claims by id; one that is declared twice is an error."""

for claim in (
    *speed.CLAIMS,
    *norms.CLAIMS,
    *masks.CLAIMS,
    *fourier.CLAIMS,
    *other_conditions.CLAIMS,
    *graphs.CLAIMS,
    *sorted((*mechanism.CLAIMS, *dynamics.CLAIMS), key=lambda claim: claim.id),
    *progress.CLAIMS,
):
    CLAIMS[claim.id] = claim


def list_claims() -> pd.DataFrame:
    """Return the claims: id, statement, when each holds, and the recipes that judge it."""
    import pandas as pd

    rows = [
        {
            "id": claim.id,
            "statement": claim.statement,
            "holds_when": claim.holds_when,
            "recipes": ", ".join(dict.fromkeys(evidence.recipe for evidence in claim.evidence)),
        }
        for claim in CLAIMS.values()
    ]
    return pd.DataFrame(rows).set_index("id")
