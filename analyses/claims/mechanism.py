"""Claims about the mechanism of modular addition, H1 to H8: what they say, and what will measure them."""

from analyses.claims.claim import Claim, not_yet

CLAIMS = (
    Claim(
        id="H1",
        words="neurons are Fourier features",
        holds_when="input and output frequency agree for at least 97 % of the neurons; IPR .63 to .67",
        kind="hard",
        evidence=not_yet("h_standard", "fourier", "phases"),
    ),
    Claim(
        id="H2",
        words="output phases are twice the input phases",
        holds_when="mean |sin D| at most .12 and mean cos D at least .98; 2/π within .03 at the start",
        kind="hard",
        evidence=not_yet("h_standard", "phases"),
    ),
    Claim(
        id="H3",
        words="neurons spread over frequencies and phases",
        holds_when="χ² against uniform frequencies has p above .01; R of the phases beside its Rayleigh "
        "baseline",
        kind="medium",
        evidence=not_yet("h_standard", "phases"),
    ),
    Claim(
        id="H4",
        words="the network's output is the flawed indicator",
        holds_when="ideal neurons give it to 1e-10; of trained networks the fitted ratio is reported",
        kind="hard",
        evidence=not_yet("h_quad", "logits"),
    ),
    Claim(
        id="H5",
        words="the decoupled flow is the training",
        holds_when="amplitudes within 2e-4 and D within 5e-4 of SGD to step 6,000; invariants drift at "
        "most 2e-7",
        kind="hard",
        evidence=not_yet("h_quad_single_freq", "lottery"),
    ),
    Claim(
        id="H6",
        words="a neuron's frequency is decided by a lottery at the start",
        holds_when="the least blow-up time names at least 95 % of grown Quad-SGD neurons; |D| alone only at "
        "equal amplitudes",
        kind="hard",
        evidence=not_yet("h_quad", "lottery"),
    ),
    Claim(
        id="H7",
        words="ReLU leaks into harmonics by known ratios",
        holds_when="3/|r²−4| and 3/(4r²−1) within 2e-3 for p of 97 and more",
        kind="hard",
        evidence=not_yet("h_relu_single_freq", "lottery"),
    ),
    Claim(
        id="H8",
        words="grokking has three stages, and memorisation its classes",
        holds_when="stages end near the published steps; the plateau is exact; common pairs are memorised "
        "before rare ones",
        kind="hard",
        evidence=not_yet("h_grokking", "grokking", "logits"),
    ),
)
