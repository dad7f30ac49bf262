"""Every claim, in the order of the report."""

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

CLAIMS: tuple[Claim, ...] = (
    *speed.CLAIMS,
    *norms.CLAIMS,
    *masks.CLAIMS,
    *fourier.CLAIMS,
    *other_conditions.CLAIMS,
    *graphs.CLAIMS,
    *sorted((*mechanism.CLAIMS, *dynamics.CLAIMS), key=lambda claim: claim.id),
    *progress.CLAIMS,
)
