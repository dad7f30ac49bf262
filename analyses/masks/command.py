"""Which weights masks keep, how they turn over in training, and which masks overlap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analyses.running.command_line import Result, analyse, parser, whole_number_from

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from analyses.loading.trained_network import Network
    from training.runs.run_directory import RunDir

FIGURES = ("masks", "mask_overlap")


def main(argv: list[str] | None = None) -> int:
    """Parse, measure, write."""
    about = "Densities of masks, how fast they change beside the gain on the test set, and how they overlap."
    p = parser("masks", about)
    p.add_argument(
        "--every",
        type=whole_number_from(1),
        metavar="STEPS",
        help="compare a network's masks this far apart, and before the first such step every checkpoint "
        "(default: 2000; of shorter runs a part of it)",
    )
    args = p.parse_args(argv)
    return analyse("masks", args, lambda run, networks: measure(run, networks, args.every), FIGURES)


def measure(run: RunDir, networks: list[Network], every: int | None) -> Result:
    """Densities, turnover (of arms whose mask changes), overlaps, and whether frozen weights are."""
    import pandas as pd

    from analyses.masks.frozen_weights import COLUMNS, frozen_weights, show_frozen
    from analyses.masks.overlap import overlap_table, show_overlaps
    from analyses.masks.turnover import CHANGES, PEAKS, mask_changes, show_turnover, spacing, turnover_peaks
    from analyses.tables.long_format import records
    from interp.masks.topk import density

    changing = [network.steps.tolist() for network in networks if network.mask_changes]
    every = every or spacing(max(changing, key=len, default=[]))
    densities, changes, frozen = [], [], []
    last: dict[tuple[str, int], dict[str, np.ndarray]] = {}
    for network in networks:
        weights = network.weights()
        masks = network.masks(weights)
        frozen += frozen_weights(run, network, weights)
        last[network.arm, network.seed] = masks[-1]
        seen = [(network.steps[0], masks[0])]
        if network.mask_changes:
            changes += mask_changes(network, masks, every)
            seen = list(zip(network.steps, masks, strict=True))
        for step, mask in seen:
            at = {"arm": network.arm, "seed": network.seed, "step": int(step)}
            densities += [at | {"layer": layer, "density": value} for layer, value in density(mask).items()]
    turned = pd.DataFrame(changes, columns=CHANGES).astype({"gain": float})
    kept = pd.DataFrame(densities)
    ends = kept.groupby(["arm", "seed", "layer"], sort=False).tail(1)
    peaks, overlaps = turnover_peaks(turned), overlap_table(last)
    tables = {
        "": turned,
        "_peaks": pd.DataFrame(peaks, columns=PEAKS),
        "_density": kept,
        "_overlap": overlaps,
        "_frozen": pd.DataFrame(frozen, columns=COLUMNS),
    }
    summary = {"every": every, "peaks": peaks, "overlaps": records(overlaps), "densities": records(ends)}
    summary["frozen"] = frozen
    shown = [_densities(ends), show_turnover(turned, peaks, every), show_overlaps(overlaps)]
    shown.append(show_frozen(frozen))
    return Result(tables, summary, "\n\n".join(filter(None, shown)))


def _densities(ends: pd.DataFrame) -> str:
    from analyses.tables.long_format import arm_words, groups, layer_words, number
    from training.cli.parser import format_table

    rows, words = [], layer_words(ends["layer"])
    for (arm,), own in groups(ends, ["arm"]):
        row: dict[str, Any] = {"arm": arm_words(arm), "seeds": own["seed"].nunique()}
        rows.append(
            row | {words[layer]: number(of["density"].mean()) for (layer,), of in groups(own, ["layer"])}
        )
    return "Share of weights kept, at the last checkpoint, mean over seeds:\n" + format_table(rows)
