import numpy as np

from training.pruning.elastic import copied
from training.pruning.registry import METHODS

DEEPER = {"W_0": "W_0", "W_1": "W_1", "W_2": "W_1", "W_3": "W_2"}
SHALLOWER = {"W_0": "W_0", "W_1": "W_2"}


def test_every_layer_has_the_mask_of_its_source_layer(subject):
    ticket = METHODS["magnitude"].prune(subject("mlp"))
    for layers in (DEEPER, SHALLOWER):
        mask = METHODS["elastic"].prune(subject("mlp", source_mask=ticket, layers=layers))
        assert list(mask) == list(layers)
        for to, of in layers.items():
            assert (mask[to] == ticket[of]).all() and mask[to] is not ticket[of]


def test_repeated_layers_are_separate_copies():
    arrays = {f"W_{i}": np.full((2, 2), i) for i in range(3)}
    deeper = copied(arrays, DEEPER)
    deeper["W_1"][0, 0] = 7
    assert deeper["W_2"][0, 0] == 1 and arrays["W_1"][0, 0] == 1
