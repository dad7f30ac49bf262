"""Key frequencies of networks of which only the logits are known."""

import numpy as np
import pytest
from builders import rng

from interp.pairs.evaluation import all_pairs
from interp.pairs.logit_frequencies import fitted_key_frequencies

P = 13


def clock(amplitudes, labels=None):
    labels = all_pairs(P).sum(axis=1) if labels is None else labels.ravel()
    distance = labels[:, None] - np.arange(P)
    return sum(a * np.cos(2 * np.pi * k * distance / P) for k, a in amplitudes.items())


def test_planted_frequencies_come_back():
    logits = clock({2: 5.0, 4: 3.0, 5: 1.0, 6: -9.0}) + 0.1 * rng(0).standard_normal((P * P, P))
    assert fitted_key_frequencies(logits).tolist() == [2, 4]
    assert fitted_key_frequencies(lambda pairs: logits, P, threshold=0.1).tolist() == [2, 4, 5]
    assert fitted_key_frequencies(logits, threshold=1.0).tolist() == [2]


def test_labels_of_another_operation():
    labels = np.subtract.outer(np.arange(P), np.arange(P)) % P
    assert fitted_key_frequencies(clock({3: 1.0}, labels), labels=labels).tolist() == [3]
    assert fitted_key_frequencies(clock({3: 1.0}, labels), P, threshold=0.1).tolist() != [3]


def test_constant_logits_and_a_lowered_class_have_none():
    assert fitted_key_frequencies(clock({2: -5.0})).tolist() == []
    assert fitted_key_frequencies(np.ones((P, P, P))).tolist() == []


def test_a_threshold_outside_is_refused():
    with pytest.raises(ValueError, match=r"threshold: expected a number in \(0, 1\], got 1.5"):
        fitted_key_frequencies(np.ones((P, P, P)), threshold=1.5)
