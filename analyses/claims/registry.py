"""Registry of the claims, in the order of the report."""

from functools import partial

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
