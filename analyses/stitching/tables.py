"""Table of stitched networks."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from analyses.running.spreading import spread
from analyses.stitching.checkpoint_scores import StitchedCheckpoint, measure_checkpoint
from analyses.stitching.neuron_layers import layers_of
from analyses.stitching.readers import Readers, reading_arms
from analyses.tables.long_format import gather
from training.inspection.trained_network import Network

if TYPE_CHECKING:
    from training.execution.scheduling.executor import Executor


def stitching_table(
    networks: Sequence[Network], asked: Sequence[str], workers: int | Executor
) -> pd.DataFrame:
    """Return a row per checkpoint and reader.

    Networks of other tasks, starts or sizes are named on stderr.

    Parameters
    ----------
    asked : sequence of str
        Arms whose output maps read; a few by default.
    """
    arms = list(dict.fromkeys(network.arm for network in networks))
    layers = [layers_of(network) for network in networks]
    readers = Readers(layers, reading_arms(networks[0].recipe, arms, asked))
    tasks = [
        StitchedCheckpoint(int(step), own.network.setting, own.neurons(t), reading)
        for own in layers
        for t, (step, reading) in enumerate(zip(own.network.steps, readers.of(own), strict=True))
    ]
    for line in readers.refused:
        print(line, file=sys.stderr)
    measured = spread(measure_checkpoint, tasks, workers, "checkpoints")
    parts = []
    for network in networks:
        rows = list(itertools.chain(*itertools.islice(measured, len(network.steps))))
        name = {"arm": network.arm, "arm_role": network.role, "seed": network.seed}
        parts.append(pd.DataFrame([name | row for row in rows]))
    return gather(parts)
