"""Maps of neurons from residues, and those of a model with two input maps."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from analyses.loading.neuron_maps import neuron_maps, second_input_map
from training.models.base import Model
from training.models.embed_mlp.architecture import EmbedMLP


@dataclass(frozen=True, kw_only=True)
class TwoMaps(Model):
    """A plug-in's model whose neurons read a and b by weights of their own."""

    reads = "tokens"
    name: str = "two_maps"

    def shapes(self, n_inputs, n_outputs):
        return {"W_a": (n_inputs, 4), "W_b": (n_inputs, 4), "W_out": (4, n_outputs)}

    def implementation(self):
        raise NotImplementedError

    def neuron_maps(self, weights):
        first, second = (weights[name].swapaxes(-1, -2) for name in ("W_a", "W_b"))
        return {"input": first, "output": weights["W_out"], "second input": second}


def test_the_second_input_map_is_that_of_b_and_none_with_one_map():
    rng = np.random.default_rng(0)
    for model, has_two in ((TwoMaps(), True), (EmbedMLP(d_emb=3, d_mlp=4), False)):
        weights = {name: rng.normal(size=(2, *shape)) for name, shape in model.shapes(7, 7).items()}
        network = SimpleNamespace(setting=SimpleNamespace(model=model))
        first, output = neuron_maps(network, weights)
        second = second_input_map(network, weights)
        assert first.shape == output.shape == (2, 4, 7)
        if has_two:
            np.testing.assert_array_equal(second, weights["W_b"].swapaxes(1, 2))
        else:
            assert second is None
