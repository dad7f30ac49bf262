"""Weight norms through training, and whether the networks that generalise end at one norm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analyses.running.command_line import Result, analyse, parser

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from analyses.loading.trained_network import Network


def main(argv: list[str] | None = None) -> int:
    """Parse, measure, write."""
    about = "L1 and L2 norms of all weights and of the kept ones, and how far generalised networks lie apart."
    return analyse("norms", parser("norms", about).parse_args(argv), lambda _, networks: measure(networks))


def measure(networks: list[Network]) -> Result:
    """Norms per checkpoint and layer, also under tickets' masks, and the zones of generalised networks."""
    import pandas as pd

    from analyses.norms.generalization_zone import comparisons, milestones, show, spreads
    from analyses.tables.long_format import records

    rows, masked, ends = [], [], []
    for network in networks:
        weights = network.weights()
        masks = network.masks(weights)
        own = _rows(network, weights, {"": None, "kept_": masks})
        tickets = _tickets_of(network, networks)
        for ticket, mask in tickets.items():
            under = _rows(network, weights, {"": [mask] * len(network.steps)})
            masked += [{"ticket": ticket} | row for row in under]
        ends += milestones(network, own)
        rows += own
    table, reached = pd.DataFrame(rows), pd.DataFrame(ends)
    columns = ["ticket", "arm", "seed", "step", "layer", "l1", "l2"]
    spread = spreads(reached)
    tables = {
        "": table,
        "_masked": pd.DataFrame(masked, columns=columns),
        "_ends": reached,
        "_spread": spread,
    }
    summary = {"comparisons": comparisons(spread), "ends": ends, "spreads": records(spread)}
    return Result(tables, summary, show(reached, spread))


def _rows(
    network: Network,
    weights: Mapping[str, np.ndarray],
    masks: Mapping[str, list[dict[str, np.ndarray]] | None],
) -> list[dict[str, Any]]:
    """L1 and L2 per checkpoint and layer under each of these masks; their columns begin with its key.

    Masks do not cover biases, which have no norm under them.
    """
    from interp.masks.weight_norms import weight_norm

    rows = []
    for t, step in enumerate(network.steps):
        now = {name: w[t] for name, w in weights.items()}
        norms: dict[str, dict[str, float]] = {}
        for key, mask in masks.items():
            covered = now if mask is None else {name: now[name] for name in mask[t]}
            kept = None if mask is None else mask[t]
            norms |= {f"{key}l{q}": weight_norm(covered, q, kept) for q in (1, 2)}
        at = {"arm": network.arm, "seed": network.seed, "step": int(step)}
        for layer in norms["l1"]:
            rows.append(at | {"layer": layer} | {name: norm.get(layer) for name, norm in norms.items()})
    return rows


def _tickets_of(network: Network, networks: list[Network]) -> dict[str, dict[str, np.ndarray]]:
    """Masks of the tickets that were drawn from this network, by arm."""
    found = {}
    for other in networks:
        arms = other.recipe.arms
        if other.seed == network.seed and arms[other.arm].source == network.arm:
            mask = other.mask()
            fits = other.setting.shapes() == network.setting.shapes()
            if other.recipe.arms[other.arm].reads_weights and fits and mask is not None:
                found[other.arm] = mask
    return found
