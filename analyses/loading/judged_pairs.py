"""Pairs of a task on which networks are judged, and their neurons' frequencies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from analyses.loading.pairs import examples_of
from interp.spectra.pair_spectrum import activation_frequency
from interp.spectra.weight_spectrum import neuron_frequency
from training.models.base import Model
from training.tasks.dataset import Task


class JudgedPairs(NamedTuple):
    """Pairs of a task, with their answers."""

    pairs: np.ndarray
    """(n, 2)"""
    labels: np.ndarray
    """(n,)"""


def judged_pairs(task: Task) -> JudgedPairs:
    """Return the test pairs of a task over residues; all where these are unknown or none."""
    data = examples_of(task)
    assert data.labels is not None
    start = data.n_train if task.split_known and data.n_train < len(data.inputs) else 0
    return JudgedPairs(data.inputs[start:], data.labels[start:])


def frequencies_of_neurons(model: Model, weights: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return each neuron's frequency at one checkpoint, (m,); 0 for a dead one.

    By its activations if the network attends, else by its input map.

    Raises
    ------
    RunError
        If the model has no activations on pairs.
    """
    found = model.pair_activations(weights)
    if found.attention.shape[-1]:
        return activation_frequency(found.hidden)[0]
    return neuron_frequency(model.neuron_maps(weights)["input"])[0]
