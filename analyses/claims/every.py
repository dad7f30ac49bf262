"""Every claim, in the order of the report."""

from analyses.claims import elsewhere, fourier, graphs, masks, mechanism, norms, progress, speed
from analyses.claims.claim import Claim

CLAIMS: tuple[Claim, ...] = (
    *speed.CLAIMS,
    *norms.CLAIMS,
    *masks.CLAIMS,
    *fourier.CLAIMS,
    *elsewhere.CLAIMS,
    *graphs.CLAIMS,
    *mechanism.CLAIMS,
    *progress.CLAIMS,
)
