"""Command `analyses.masks`: densities, change and overlap of masks."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from analyses.masks.schema import ANALYSIS, DENSITY, DISTANCES, FROZEN, OVERLAP, PEAKS
from analyses.running.command import Command
from analyses.running.command_line import Result, whole_number_from

if TYPE_CHECKING:
    import numpy as np

    from training.inspection.trained_network import Network
    from training.runs.run_directory import RunDir

FIGURES = ("masks", "mask_overlap")


def measure(run: RunDir, networks: list[Network], interval: int | None) -> Result:
    """Return densities, changes, overlaps and frozen weights of masks."""
    import pandas as pd

    from analyses.loading.checkpoint_masks import checkpoint_masks, masks_change
    from analyses.masks.frozen_weights import frozen_weights
    from analyses.masks.overlap import overlap_table
    from analyses.masks.summary import last_densities, printed
    from analyses.masks.turnover import default_interval, mask_changes, turnover_peaks
    from analyses.tables.long_format import records
    from interp.masks.topk import density

    changing = [network.steps.tolist() for network in networks if masks_change(network)]
    interval = interval or default_interval(max(changing, key=len, default=[]))
    densities, changes, frozen = [], [], []
    last_masks: dict[tuple[str, int], dict[str, np.ndarray]] = {}
    for network in networks:
        weights = network.weights()
        masks = checkpoint_masks(network, weights)
        frozen += frozen_weights(run, network, weights)
        last_masks[network.arm, network.seed] = masks[-1]
        different_masks = [(network.steps[0], masks[0])]
        if masks_change(network):
            changes += mask_changes(network, masks, interval)
            different_masks = list(zip(network.steps, masks, strict=True))
        for step, mask in different_masks:
            at = {"arm": network.arm, "seed": network.seed, "step": int(step)}
            densities += [at | {"layer": layer, "density": value} for layer, value in density(mask).items()]
    roots = {network.arm: network.recipe.first_of_lineage(network.arm) for network in networks}
    distances = pd.DataFrame(changes, columns=DISTANCES.measured_columns).astype({"gain": float})
    density_table, overlaps = pd.DataFrame(densities), overlap_table(last_masks, roots)
    peaks = turnover_peaks(distances)
    tables = {
        DISTANCES: distances,
        PEAKS: pd.DataFrame(peaks, columns=PEAKS.measured_columns),
        DENSITY: density_table,
        OVERLAP: overlaps,
        FROZEN: pd.DataFrame(frozen, columns=FROZEN.measured_columns),
    }
    summary = {
        "every": interval,
        "peaks": peaks,
        "overlaps": records(overlaps.drop(columns="by_construction")),
        "densities": records(last_densities(density_table)),
        "frozen": frozen,
    }
    return Result(tables, summary, printed(tables, interval))


def _add_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--every",
        type=whole_number_from(1),
        metavar="STEPS",
        help="compare a network's masks this many steps apart, and up to the first such step at every "
        "checkpoint (default: 2000, or less for short runs)",
    )


COMMAND = Command(
    analysis=ANALYSIS,
    measure=lambda run, networks, args: measure(run, networks, args.every),
    figures=FIGURES,
    add_arguments=_add_arguments,
    options={"every": None},
)
main = COMMAND.main
