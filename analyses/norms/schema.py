"""Tables of `analyses.norms`."""

from analyses.tables.columns import ARM_ROLE, LAYER, NETWORK, STEP
from analyses.tables.schema import Analysis, Column, Table

NORM_LABELS = {"l1": "L1, all weights", "l2": "L2, all weights", "kept_l1": "L1, kept", "kept_l2": "L2, kept"}
"""Printed name of each norm, by its column."""
ALL_ARMS = "all"
"""Value of the column `arm` for the spread over the networks of all arms."""
NORM_SOURCE = "Minegishi et al., Sec. 4"
SPREAD_SOURCE = "Minegishi et al., Sec. 4; the measures are ours"

L1 = Column("l1", float, "Sum of the weights' magnitudes.", unit="units of the weights", source=NORM_SOURCE)
L2 = Column(
    "l2", float, "Root of the weights' summed squares.", unit="units of the weights", source=NORM_SOURCE
)
NO_MASK = "adopted weights have no mask, and no sparsity to draw one at"
KEPT = "kept by the arm's mask (of a dense arm: its magnitude mask at the recipe's sparsity)"


def _kept(name: str, norm: str, missing: str) -> Column:
    return Column(
        name,
        float,
        f"{norm} norm of the weights {KEPT}.",
        unit="units of the weights",
        missing=missing,
        source=NORM_SOURCE,
        needs=("mask",),
    )


AT = Column("at", str, "Checkpoint: t_gen, the first one from t_gen on; or end, the last one.")

NORMS = Table(
    analysis="norms",
    meaning="L1 and L2 norms of every layer at every checkpoint, of all weights and of the kept ones.",
    key=("arm", "seed", "step", "layer"),
    columns=(
        *NETWORK,
        STEP,
        LAYER,
        L1,
        L2,
        _kept("kept_l1", "L1", missing=f"the layer is a bias: masks do not cover it; or {NO_MASK}"),
        _kept("kept_l2", "L2", missing=f"the layer is a bias; or {NO_MASK}"),
    ),
)
ENDS = Table(
    analysis="norms",
    part="ends",
    meaning="Norms over all layers where a network generalised, and at its last checkpoint.",
    key=("arm", "seed", "at"),
    columns=(
        *NETWORK,
        AT,
        STEP,
        Column(
            "outcome",
            str,
            "Outcome: generalised; never, within its budget; or unknown, for a network without metrics.",
        ),
        Column(
            "t_gen",
            int,
            "First step at which the test curve reached the threshold.",
            unit="steps",
            missing="the network never generalised, or has no metrics",
            source="DEFINITIONS.md, section 1",
        ),
        L1,
        L2,
        _kept("kept_l1", "L1", missing=NO_MASK),
        _kept("kept_l2", "L2", missing=NO_MASK),
    ),
)
MASKED = Table(
    analysis="norms",
    part="masked",
    meaning="Norms of a network at every checkpoint, under the mask of each arm that drew its mask from it.",
    key=("ticket", "arm", "seed", "step", "layer"),
    columns=(
        Column("ticket", str, "Arm whose mask is applied."),
        Column(
            "ticket_role",
            str,
            "Role of the arm whose mask is applied.",
            source="DEFINITIONS.md, section 1",
            role_of="ticket",
        ),
        *NETWORK,
        STEP,
        LAYER,
        Column("l1", float, "L1 norm of the weights under the mask.", unit="units of the weights"),
        Column("l2", float, "L2 norm of the weights under the mask.", unit="units of the weights"),
    ),
)
SPREAD = Table(
    analysis="norms",
    part="spread",
    meaning="Spread of each norm over the networks that generalised: of all arms, and of each arm's seeds.",
    key=("at", "norm", "arm"),
    columns=(
        AT,
        Column("norm", str, "Norm over all layers: l1, l2, kept_l1 or kept_l2, as in the other tables."),
        Column("arm", str, "Arm whose seeds are compared; all: the networks of every arm."),
        ARM_ROLE,
        Column("n", int, "Number of networks that generalised."),
        Column("n_arms", int, "Number of their arms."),
        Column("least", float, "Least norm.", unit="units of the weights"),
        Column("mean", float, "Mean norm.", unit="units of the weights"),
        Column("largest", float, "Largest norm.", unit="units of the weights"),
        Column(
            "log_sd",
            float,
            "Standard deviation (n − 1) of the norm's natural logarithm.",
            missing="one network has no spread",
            source=SPREAD_SOURCE,
        ),
        Column(
            "cv",
            float,
            "Standard deviation (n − 1) over the mean.",
            missing="one network has no spread",
            source=SPREAD_SOURCE,
        ),
        Column("max_over_min", float, "Largest over least norm.", source=SPREAD_SOURCE),
        Column(
            "never",
            int,
            "Number of networks that never generalised.",
            missing="counted at the end and over all arms only",
        ),
        Column(
            "inside",
            int,
            "Number of those whose last norm is between the least and the largest.",
            missing="counted at the end and over all arms only",
        ),
    ),
)

ANALYSIS = Analysis(
    name="norms",
    answers="At which weight norms do networks generalise, and do they end at one norm?",
    takes="networks of any task and model",
    cost="3 s",
    tables=(NORMS, ENDS, MASKED, SPREAD),
)
