"""The claim about progress measures, N1: what it says, and what will measure it."""

from analyses.claims.claim import Claim, not_yet

CLAIMS = (
    Claim(
        id="N1",
        words="restricted loss falls before test loss, and excluded loss rises",
        holds_when="so it does at the published main setting",
        kind="medium",
        evidence=not_yet("n_mainline", "progress"),
    ),
)
