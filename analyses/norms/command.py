"""Command `analyses.norms`: L1 and L2 norms of weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analyses.norms.schema import ANALYSIS, ENDS, MASKED, NORMS, SPREAD
from analyses.running.command import Command
from analyses.running.command_line import Result

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from training.inspection.trained_network import Network
    from training.runs.run_directory import RunDir


def measure(run: RunDir, networks: list[Network]) -> Result:
    """Return norms at every checkpoint, and their spread."""
    import pandas as pd

    from analyses.loading.checkpoint_masks import checkpoint_masks
    from analyses.loading.needs import lacks
    from analyses.norms.generalization_zone import norms_at_landmarks, spreads
    from analyses.norms.summary import comparisons, printed
    from analyses.tables.long_format import records

    norms, masked, ends = [], [], []
    for network in networks:
        weights = network.weights()
        if lacks(network, "mask") is None:
            masks_by_step = {"": None, "kept_": checkpoint_masks(network, weights)}
            network_norms = _norm_rows(network, weights, masks_by_step)
        else:
            unknown = {"kept_l1": None, "kept_l2": None}
            network_norms = [row | unknown for row in _norm_rows(network, weights, {"": None})]
        for ticket, mask in _ticket_masks(network, networks).items():
            rows = _norm_rows(network, weights, {"": [mask] * len(network.steps)})
            masked += [{"ticket": ticket} | row for row in rows]
        ends += norms_at_landmarks(network, network_norms)
        norms += network_norms
    end_table = pd.DataFrame(ends)
    spread = spreads(end_table)
    tables = {NORMS: pd.DataFrame(norms), ENDS: end_table, MASKED: pd.DataFrame(masked), SPREAD: spread}
    summary = {"comparisons": comparisons(spread), "ends": ends, "spreads": records(spread)}
    return Result(tables, summary, printed(tables))


def _norm_rows(
    network: Network,
    weights: Mapping[str, np.ndarray],
    masks: Mapping[str, list[dict[str, np.ndarray]] | None],
) -> list[dict[str, Any]]:
    """Return L1 and L2 of every layer under each mask.

    Parameters
    ----------
    masks : mapping
        A mask per checkpoint, or None for all weights, by the prefix of its columns. Masks do not cover
        biases, which have no norm under them.
    """
    from interp.masks.weight_norms import weight_norm

    rows = []
    for t, step in enumerate(network.steps):
        weights_now = {name: w[t] for name, w in weights.items()}
        norms: dict[str, dict[str, float]] = {}
        for prefix, mask_by_step in masks.items():
            mask = None if mask_by_step is None else mask_by_step[t]
            covered = weights_now if mask is None else {name: weights_now[name] for name in mask}
            norms |= {f"{prefix}l{q}": weight_norm(covered, q, mask) for q in (1, 2)}
        at = {"arm": network.arm, "seed": network.seed, "step": int(step)}
        for layer in norms["l1"]:
            rows.append(at | {"layer": layer} | {name: norm.get(layer) for name, norm in norms.items()})
    return rows


def _ticket_masks(network: Network, networks: list[Network]) -> dict[str, dict[str, np.ndarray]]:
    """Return the masks that were drawn from this network, by arm."""
    masks: dict[str, dict[str, np.ndarray]] = {}
    for other in networks:
        settings = other.recipe.arms[other.arm]
        if other.seed == network.seed and settings.source == network.arm:
            mask = other.mask
            fits = other.setting.shapes() == network.setting.shapes()
            if settings.reads_weights and fits and mask is not None:
                masks[other.arm] = mask
    return masks


COMMAND = Command(
    analysis=ANALYSIS,
    measure=lambda run, networks, args: measure(run, networks),
)
main = COMMAND.main
