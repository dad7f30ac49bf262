import numpy as np
import pytest
import torch

from training.pruning.method import CannotPrune
from training.pruning.registry import METHODS
from training.pruning.snip import snip


def loss_at(subject, weights):
    with torch.no_grad():
        return float(subject.loss(subject.outputs({name: torch.tensor(w) for name, w in weights.items()})))


def slow_scores(subject, step=1e-5):
    """Return |dL/dε| of weights times 1 + ε by central differences."""
    scores = {}
    for name, w in subject.initial.items():
        scores[name] = np.empty(w.shape)
        for place in np.ndindex(w.shape):
            ends = []
            for factor in (1 + step, 1 - step):
                moved = {key: v.copy() for key, v in subject.initial.items()}
                moved[name][place] *= factor
                ends.append(loss_at(subject, moved))
            scores[name][place] = abs(ends[0] - ends[1]) / (2 * step)
    return scores


@pytest.mark.parametrize("targets", [False, True])
def test_scores_equal_finite_differences_of_the_loss(subject, model, scores_of, targets):
    s = subject(model, targets=targets)
    scores, slow = scores_of(snip, s), slow_scores(s)
    for name in s.initial:
        assert scores[name].dtype == np.float64
        np.testing.assert_allclose(scores[name], slow[name], rtol=1e-5, atol=1e-9)


def test_the_mask_keeps_the_largest(subject, model, scope, same, slow_keep, scores_of):
    for density in (0.3, 0.5):
        s = subject(model, density, scope=scope)
        assert same(METHODS["snip"].prune(s), slow_keep(scores_of(snip, s), density, scope))


def test_masks_ignore_a_factor_on_the_loss_and_the_trained_weights(subject, model, same):
    mask = METHODS["snip"].prune(subject(model, loss_factor=1.0))
    assert same(mask, METHODS["snip"].prune(subject(model, loss_factor=-64.0)))
    assert same(mask, METHODS["snip"].prune(subject(model, final=None)))


def test_float32_weights_are_scored_in_float64(subject, model, scores_of):
    single = {name: w.astype(np.float32) for name, w in subject(model).initial.items()}
    double = {name: w.astype(np.float64) for name, w in single.items()}
    a = scores_of(snip, subject(model, initial=single, final=double))
    b = scores_of(snip, subject(model, initial=double, final=double))
    assert all(np.array_equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("name", ["snip", "grasp"])
def test_a_loss_that_is_not_finite_is_refused(subject, name):
    with pytest.raises(CannotPrune, match="scores of W_E are not finite"):
        METHODS[name].prune(subject(loss_factor=float("nan")))
