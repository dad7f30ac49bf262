"""Pruning methods on the host: scores in float64, once per arm; no method touches the device."""

import pytest
from pretended_gpu import PretendedGPU

from training.models.weight_names import prunable
from training.pruning.registry import METHODS


@pytest.mark.parametrize("method", METHODS)
def test_no_pruning_method_touches_the_device(subject, model, method):
    dense = subject(model)
    source_mask = {name: w > -1 for name, w in prunable(dense.initial).items()}
    layers = {name: name for name in dense.initial}
    pruned = subject(
        model,
        source_mask=source_mask if METHODS[method].source == "mask" else None,
        layers=layers if METHODS[method].takes_layers else None,
        scope="layer",
    )
    with PretendedGPU() as gpu:
        assert set(METHODS[method].prune(pruned)) == set(prunable(dense.initial))
        assert gpu.counts() == (0, 0, 0)
