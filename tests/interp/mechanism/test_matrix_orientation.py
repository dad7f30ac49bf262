"""Matrices the wrong way round are named."""

import numpy as np
import pytest

from interp.mechanism.effective_weights import effective_maps
from interp.mechanism.key_frequency_rules import embedding_key_frequencies, key_frequencies_by_rule
from interp.mechanism.matrix_orientation import AXES
from interp.mechanism.phase_alignment import misalignment
from interp.mechanism.two_layer_forward import pair_logits
from interp.spectra.weight_spectrum import frequency_power

SIZES = {"tokens": 12, "classes": 11, "d": 8, "m": 6, "k": 4}


def weights_of(model):
    """Return weights of a model with three checkpoints and axes of different sizes."""
    rng = np.random.default_rng(0)
    shapes = {name: [SIZES[axis] for axis in labels.split()] for name, labels in AXES[model].items()}
    heads = {name: (2,) if name in ("W_V", "W_O") else () for name in shapes}
    return {name: rng.normal(size=(3, *heads[name], *shape)) for name, shape in shapes.items()}


@pytest.mark.parametrize("model", AXES)
def test_weights_that_fit_are_accepted(model):
    maps = effective_maps(model, weights_of(model))
    assert maps["output"].shape == (3, SIZES["m"], SIZES["classes"])


@pytest.mark.parametrize(
    ("model", "name"), [(m, n) for m, axes in AXES.items() if m != "one_hot_mlp" for n in axes]
)
def test_a_transposed_matrix_is_named(model, name):
    weights = weights_of(model)
    weights[name] = np.swapaxes(weights[name], -1, -2)
    axes = ", ".join(AXES[model][name].split())
    with pytest.raises(ValueError) as error:
        effective_maps(model, weights)
    expected = f"{name}: expected (..., {axes}), got shape {weights[name].shape}; transpose it?"
    assert str(error.value) == expected


def test_all_matrices_as_torch_keeps_them_are_named():
    weights = {name: np.swapaxes(W, -1, -2) for name, W in weights_of("embed_mlp").items()}
    with pytest.raises(ValueError, match=r"W_E: expected .*; W_U: expected .*; transpose them\?"):
        effective_maps("embed_mlp", weights)


def test_shapes_that_no_transposition_mends_are_shown():
    weights = weights_of("embed_mlp") | {"W_in": np.ones((3, 9, 7))}
    with pytest.raises(ValueError, match=r"weights: expected shapes that fit together: .*W_in.*\(3, 9, 7\)"):
        effective_maps("embed_mlp", weights)
    with pytest.raises(ValueError, match=r"W_in: expected \(..., tokens, m\), got shape \(7,\)"):
        effective_maps("one_hot_mlp", {"W_in": np.ones(7), "W_out": np.ones((4, 7))})


@pytest.mark.usefixtures("unchecked")
def test_key_frequencies_say_which_matrix_is_turned():
    rng = np.random.default_rng(0)
    W_E, W_L, activations = rng.normal(size=(7, 9)), rng.normal(size=(5, 7)), rng.normal(size=(7, 7, 5))
    with pytest.raises(ValueError, match=r"W_E: expected shape \(p, d_model\) with p = 7, got \(9, 7\)"):
        key_frequencies_by_rule(W_E.T, W_L, activations)
    with pytest.raises(ValueError, match=r"W_L: expected .* with p = 7, got \(7, 5\); transpose it\?"):
        key_frequencies_by_rule(W_E, W_L.T, activations)
    assert set(key_frequencies_by_rule(W_E, W_L, activations))


def test_an_even_number_of_residues_beside_an_odd_axis_is_asked_about():
    W_E = np.random.default_rng(0).normal(size=(7, 10))
    for measure in (frequency_power, embedding_key_frequencies):
        with pytest.raises(ValueError, match=r"got p = 10; the axis beside it has 7: transpose it\?"):
            measure(W_E.T)


@pytest.mark.usefixtures("unchecked")
def test_maps_that_differ_by_a_transposition_are_asked_about():
    input_map = np.random.default_rng(0).normal(size=(4, 7))
    for measure in (misalignment, pair_logits):
        with pytest.raises(ValueError, match=r"transpose one of them\?"):
            measure(input_map, input_map.T)
        with pytest.raises(ValueError, match=r"got \(4, 7\) and \(5, 7\)$"):
            measure(input_map, np.ones((5, 7)))
