"""Registry of the claims, in the order of the report."""

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

CLAIMS: Registry[Claim] = Registry("claim")
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
