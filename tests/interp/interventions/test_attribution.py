"""Direct attribution, exact by linearity and on networks whose answer is known."""

import numpy as np
import pytest
from builders import rng

from interp.interventions.attribution import class_attribution, ghost_classes, nearest_shift
from interp.mechanism.flawed_indicator import ideal_neurons

P = 11


def test_contributions_sum_to_the_logit():
    hidden, output_map = rng(0).normal(size=(40, 9)), rng(1).normal(size=(9, P))
    classes = rng(2).integers(P, size=40)
    added = class_attribution(hidden, output_map, classes)
    logits = hidden @ output_map
    np.testing.assert_allclose(added.sum(axis=1), logits[np.arange(40), classes], atol=1e-10)


def test_planted_cosines_add_what_their_formula_says():
    counts = np.array([3, 5, 0, 6, 7])
    input_map, output_map = ideal_neurons(counts, 1.3, 0.7)
    k = np.repeat(np.arange(1, 6), counts)
    x, y = (n.ravel() for n in np.indices((P, P)))
    hidden = (input_map[:, x] + input_map[:, y]).T ** 2
    omega = 2 * np.pi / P
    for frequency in (1, 2, 4, 5):
        own = k == frequency
        strength = counts[frequency - 1] * 1.3**2 * 0.7 / 2
        d = omega * frequency * (x - y)
        for classes, expected in (
            ((x + y) % P, 1 + np.cos(d)),
            (2 * x % P, np.cos(d) + 0.5 + 0.5 * np.cos(2 * d)),
        ):
            added = class_attribution(hidden[:, own], output_map[own], classes).sum(axis=1)
            np.testing.assert_allclose(added, strength * expected, atol=1e-10)


def test_ghosts_are_the_wrong_answers_to_doubled_inputs():
    x, y = np.triu_indices(P)
    pairs, labels = np.column_stack([x, y]), (x + y) % P
    ghosts = ghost_classes(pairs, labels, P)
    for (a, b), found, label in zip(pairs.tolist(), ghosts.tolist(), labels.tolist(), strict=True):
        assert found == ([-1, -1] if a == b else [2 * a % P, 2 * b % P])
        assert label not in found
    missing = pairs[:, 0] != pairs[:, 1]
    assert (ghost_classes(pairs[missing], labels[missing], P) == -1).all()


@pytest.mark.parametrize("p", [7, 11, 67])
def test_neighbors_are_one_step_of_the_wave_away(p):
    r, k = nearest_shift(p), np.arange(1, p // 2 + 1)
    assert set((r * k % p).tolist()) <= {1, p - 1}


def test_a_divisor_leaves_classes_that_a_frequency_does_not_tell_apart():
    r = nearest_shift(15)
    assert (r[[2, 4]] == [5, 3]).all() and np.cos(2 * np.pi * 3 * 5 / 15) == pytest.approx(1)
