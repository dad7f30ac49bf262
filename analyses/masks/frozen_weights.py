"""Whether networks whose scores alone are trained still hold the very weights they began with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from analyses.loading.trained_network import Network
from analyses.tables.long_format import arm_words
from training.runs.atomic_files import RunError
from training.runs.run_directory import RunDir

COLUMNS = ["arm", "seed", "source", "from_step", "n_checkpoints", "n_kept", "n_changed"]


def frozen_weights(run: RunDir, network: Network, weights: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    """A row for a network of frozen weights, if a checkpoint of its source still has them; else none.

    `n_kept` counts the weights of all its checkpoints that are not zero, `n_changed` those whose bits differ
    from the source's.

    Raises
    ------
    RunError
        If the source's checkpoints are damaged.
    """
    own = network.recipe.arms[network.arm]
    keeps_values = own.form in ("edge_popup", "supermask") and not own.train_weights
    if not keeps_values or own.from_step is None:
        return []
    source = run.arm(network.recipe.lineage(network.arm)[0], network.seed)
    places = np.flatnonzero(source.steps() == own.from_step)
    if not len(places):
        raise RunError(f"{source.path}: checkpoints: step {own.from_step} is missing")
    began = source.checkpoints(*weights)
    n_kept = n_changed = 0
    for name, W in weights.items():
        kept = W != 0
        changed = W.view(np.uint32) != began[name][places[0]].view(np.uint32)
        n_kept, n_changed = n_kept + int(kept.sum()), n_changed + int((kept & changed).sum())
    at = (network.arm, network.seed, source.arm, own.from_step, len(network.steps), n_kept, n_changed)
    return [dict(zip(COLUMNS, at, strict=True))]


def show_frozen(rows: Sequence[Mapping[str, Any]]) -> str:
    """As it is printed; empty without such a network."""
    return "\n".join(
        f"{arm_words(row['arm'])} seed {row['seed']}: {row['n_changed']:,} of {row['n_kept']:,} weights at "
        f"{row['n_checkpoints']} checkpoints differ from {arm_words(row['source'])} at {row['from_step']:,}"
        for row in rows
    )
