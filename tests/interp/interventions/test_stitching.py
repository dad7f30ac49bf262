"""Stitched logits and matched neurons, against loops and planted networks."""

import itertools

import numpy as np
import pytest
from builders import rng

from interp.interventions.stitching import (
    matched_neurons,
    spectrum_similarity,
    stitched_logits,
    wave_similarity,
)
from interp.mechanism.two_layer_forward import pair_activations, pair_logits

P, M = 11, 12
STARTS = (0, 50)


def cosine_network(frequencies, phases):
    """Return input and output map of neurons that add: output phases are twice the input phases."""
    angle = 2 * np.pi * np.outer(frequencies, np.arange(P)) / P
    return np.cos(angle + phases[:, None]), np.cos(angle + 2 * phases[:, None])


def activations_of(input_map):
    """Return the activations of every pair, (m, p²)."""
    return pair_activations(input_map).reshape(P * P, -1).T


@pytest.fixture
def planted():
    """Return the maps of a network of two frequencies, evenly spread phases."""
    phases = 2 * np.pi * np.tile(np.arange(M // 2), 2) / (M // 2) + 0.1
    return cosine_network(np.repeat([2, 5], M // 2), phases)


def test_stitched_logits_are_those_of_the_loop():
    activations, output_map = rng(0).normal(size=(5, 70)), rng(1).normal(size=(4, 3))
    kept, neurons = np.array([True, False, True, True, False]), np.array([4, -1, 0, 2])
    expected = np.zeros((3, 70))
    for place, neuron in enumerate(neurons):
        if neuron < 0:
            continue
        for n in range(70):
            part = slice(0, 50) if n < 50 else slice(50, 70)
            value = activations[neuron, n] if kept[neuron] else activations[neuron, part].mean()
            expected[:, n] += value * output_map[place]
    found = stitched_logits(activations, output_map, neurons, kept, STARTS)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_a_network_read_by_itself_is_itself(planted):
    input_map, output_map = planted
    found = stitched_logits(activations_of(input_map), output_map)
    expected = pair_logits(input_map, output_map).reshape(P * P, P).T
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    everything = np.ones(M, dtype=bool)
    assert (found == stitched_logits(activations_of(input_map), output_map, np.arange(M), everything)).all()


@pytest.mark.parametrize("similarity", [wave_similarity, spectrum_similarity])
def test_a_permuted_copy_is_matched_back_exactly(similarity):
    input_map, output_map = rng(0).normal(size=(2, M, P))
    order = rng(1).permutation(M)
    copy = input_map[order]
    neurons = matched_neurons(similarity(copy, input_map))
    assert (order[neurons] == np.arange(M)).all()
    found = stitched_logits(activations_of(copy), output_map, neurons)
    assert (found == stitched_logits(activations_of(input_map), output_map)).all()
    assert not np.allclose(found, stitched_logits(activations_of(copy), output_map))


def test_a_planted_network_is_read_if_phases_match_and_not_by_frequency_alone(planted):
    input_map, output_map = planted
    labels = np.add.outer(np.arange(P), np.arange(P)).ravel() % P
    order = rng(2).permutation(M)
    copy = 3.0 * input_map[order]  # scale is not compared
    assert (stitched_logits(activations_of(input_map), output_map).argmax(0) == labels).all()
    by_wave = matched_neurons(wave_similarity(copy, input_map))
    assert (stitched_logits(activations_of(copy), output_map, by_wave).argmax(0) == labels).all()
    turned = np.roll(np.arange(M).reshape(2, -1), 1, axis=1).ravel()  # the frequency alone fits
    assert np.trace(spectrum_similarity(input_map[turned], input_map)) == pytest.approx(M)
    logits = stitched_logits(activations_of(input_map[turned]), output_map)
    assert (logits.argmax(0) == labels).mean() < 0.2


def test_kept_neurons_alone_vary(planted):
    input_map, output_map = planted
    activations = activations_of(input_map)
    kept = np.arange(M) < M // 2
    found = stitched_logits(activations, output_map, kept=kept)
    own = stitched_logits(activations, output_map, np.where(kept, np.arange(M), -1))
    np.testing.assert_allclose(found - own, (found - own)[:, :1].repeat(P * P, 1), atol=1e-12)
    one = np.zeros((2, P, P))
    one[0, 0, 0] = 1
    assert (wave_similarity(one[0], input_map)[1:] == 0).all()


def test_the_assignment_is_the_best_of_all():
    similarity = rng(3).normal(size=(4, 4))
    best = max(itertools.permutations(range(4)), key=lambda rows: similarity[rows, range(4)].sum())
    assert matched_neurons(similarity).tolist() == list(best)
    wide = matched_neurons(rng(4).normal(size=(2, 5)))
    assert sorted(wide.tolist()) == [-1, -1, -1, 0, 1]
    assert len(set(matched_neurons(rng(4).normal(size=(5, 2))).tolist())) == 2


def test_the_wave_similarity_is_the_sum_over_frequencies():
    first, second = rng(5).normal(size=(3, P)), rng(6).normal(size=(2, P))
    for i, j in itertools.product(range(3), range(2)):
        expected = np.corrcoef(first[i], second[j])[0, 1]
        assert wave_similarity(first, second)[i, j] == pytest.approx(expected)
        a, b = (np.fft.rfft(x)[1:] for x in (first[i], second[j]))
        by_frequency = (abs(a) * abs(b) * np.cos(np.angle(a) - np.angle(b))).sum()
        assert by_frequency / np.linalg.norm(a) / np.linalg.norm(b) == pytest.approx(expected)
        spectrum = (abs(a) @ abs(b)) / np.linalg.norm(a) / np.linalg.norm(b)
        assert spectrum_similarity(first, second)[i, j] == pytest.approx(spectrum)


@pytest.mark.parametrize(
    ("neurons", "word"),
    [(None, "each of 4 places"), (np.array([0, 1]), "4 indices"), (np.array([0, 1, 2, 5]), "5 neurons")],
)
def test_places_without_a_neuron_or_an_unknown_one_are_refused(neurons, word):
    with pytest.raises(ValueError, match=word):
        stitched_logits(np.ones((5, 3)), np.ones((4, 2)), neurons)


def test_other_columns_and_infinite_similarities_are_refused():
    for similarity in (wave_similarity, spectrum_similarity):
        with pytest.raises(ValueError, match="equal columns"):
            similarity(np.ones((2, 5)), np.ones((2, 7)))
    with pytest.raises(ValueError, match="finite"):
        matched_neurons(np.array([[np.nan]]))
