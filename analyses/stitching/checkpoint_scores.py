"""Scores of one checkpoint's neurons under several output maps.

Every worker process imports this module.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analyses.loading.pairs import examples_of, part_starts
from analyses.stitching.neuron_layers import Neurons
from analyses.stitching.readers import Reader
from interp.interventions.stitching import (
    NO_NEURON,
    matched_neurons,
    spectrum_similarity,
    stitched_logits,
    wave_similarity,
)
from interp.mechanism.ablation import part_scores
from training.config.settings import Setting

SIMILARITIES = {"wave": wave_similarity, "spectrum": spectrum_similarity}


@dataclass(frozen=True)
class StitchedCheckpoint:
    """Neurons of one checkpoint, and the output maps that read them."""

    step: int
    setting: Setting
    neurons: Neurons
    readers: Sequence[Reader]


def measure_checkpoint(checkpoint: StitchedCheckpoint) -> list[dict[str, Any]]:
    """Return a row per reader, without the columns that name the network."""
    activations = checkpoint.neurons.activations()
    starts, parts = part_starts(checkpoint.setting)
    labels = examples_of(checkpoint.setting.task).labels
    assert labels is not None, "the gate leaves out tasks without classes"
    sizes = np.diff([*starts, len(labels)])
    rows = []
    for reader in checkpoint.readers:
        places, similarity = _places(checkpoint.neurons, reader)
        logits = stitched_logits(activations, reader.output_map, places, reader.kept, starts)
        scores = part_scores(logits, labels, starts)
        row = {
            "step": checkpoint.step,
            "reader": reader.arm,
            "reader_seed": reader.seed,
            "reader_step": reader.step,
            "start": reader.start,
            "places": reader.places,
            "neurons": "all" if reader.kept is None else "kept",
            "n_neurons": int((places != NO_NEURON).sum() if reader.kept is None else reader.kept.sum()),
            "similarity": similarity,
        }
        for name, values in (("loss", scores.loss), ("acc", scores.accuracy)):
            by_part = dict(zip(parts, values.tolist(), strict=True))
            row |= {f"{part}_{name}": by_part.get(part, np.nan) for part in ("train", "test")}
            row[f"all_{name}"] = float(values @ sizes / sizes.sum())
        rows.append(row)
    return rows


def _places(neurons: Neurons, reader: Reader) -> tuple[np.ndarray, float]:
    """Return the neuron of each place, and how much these neurons correlate with the reader's own."""
    own, target = neurons.signature(), reader.target.signature()
    if reader.places in SIMILARITIES:
        places = matched_neurons(SIMILARITIES[reader.places](own, target))
    else:
        places = np.arange(len(own)) if reader.neurons is None else reader.neurons
    filled = places != NO_NEURON
    read, replaced = own[places[filled]], target[filled]
    both = (np.ptp(read, axis=1) > 0) & (np.ptp(replaced, axis=1) > 0)
    if not both.any():
        return places, np.nan
    return places, float(np.diagonal(wave_similarity(read[both], replaced[both])).mean())
