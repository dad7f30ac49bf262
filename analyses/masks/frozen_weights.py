"""Check that weights stay frozen where only scores are trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from training.inspection.trained_network import Network
from training.runs.atomic_files import RunError
from training.runs.run_directory import RunDir

FREEZING_FORMS = ("edge_popup", "supermask")
"""Parametrizations by scores that leave the weights' values as they are."""


def frozen_weights(run: RunDir, network: Network, weights: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    """Compare a network's frozen weights with the checkpoint they came from.

    Returns
    -------
    list of mapping
        One row; none for a network whose weights are trained, or that started at its own θ₀. `n_kept` counts
        the weights of all its checkpoints that are not zero, `n_changed` those whose bits differ from the
        source's.

    Raises
    ------
    RunError
        If the source's checkpoints are damaged, or lack that step.
    """
    settings = network.recipe.arms[network.arm]
    is_frozen = settings.form in FREEZING_FORMS and not settings.train_weights
    if not is_frozen or settings.from_step is None:
        return []
    source = run.arm(network.recipe.first_of_lineage(network.arm), network.seed)
    places = np.flatnonzero(source.steps() == settings.from_step)
    if not len(places):
        raise RunError(
            f"{source.path}: checkpoints: expected one at step {settings.from_step}, got none; "
            "train the run again"
        )
    source_weights = source.checkpoints(*weights)
    n_kept = n_changed = 0
    for name, W in weights.items():
        is_kept = W != 0
        changed = W.view(np.uint32) != source_weights[name][places[0]].view(np.uint32)
        n_kept, n_changed = n_kept + int(is_kept.sum()), n_changed + int((is_kept & changed).sum())
    return [
        {
            "arm": network.arm,
            "seed": network.seed,
            "source": source.arm,
            "from_step": settings.from_step,
            "n_checkpoints": len(network.steps),
            "n_kept": n_kept,
            "n_changed": n_changed,
        }
    ]
