from functools import partial

import numpy as np
import pytest
import torch

from training.pruning.grasp import grasp
from training.pruning.registry import METHODS


def gradient_norm(subject, weights, temperature=200.0):
    """Return ‖g‖², g the gradient of the loss of outputs/T."""
    thetas = {name: torch.tensor(w, requires_grad=True) for name, w in weights.items()}
    loss = subject.loss(subject.outputs(thetas) / temperature)
    return sum(float((g**2).sum()) for g in torch.autograd.grad(loss, list(thetas.values())))


def norm_when_scaled(subject, name, place, factor, temperature=200.0):
    moved = {key: w.copy() for key, w in subject.initial.items()}
    moved[name][place] *= factor
    return gradient_norm(subject, moved, temperature)


@pytest.mark.parametrize("targets", [False, True])
def test_removing_a_weight_changes_the_gradient_norm_by_minus_twice_its_score(
    subject, model, scores_of, targets
):
    """A score is half the derivative of ‖g‖² along a factor on the weight."""
    s, step = subject(model, targets=targets), 1e-5
    scores = scores_of(grasp, s)
    largest = max(abs(score).max() for score in scores.values())
    for name, w in s.initial.items():
        for place in np.ndindex(w.shape):
            up, down = (norm_when_scaled(s, name, place, factor) for factor in (1 + step, 1 - step))
            assert scores[name][place] == pytest.approx((up - down) / (4 * step), abs=1e-6 * largest)


def test_weights_whose_removal_raises_the_gradient_norm_are_pruned_first(subject, model, scores_of):
    s = subject(model, density=0.9)
    scores, mask = scores_of(grasp, s), METHODS["grasp"].prune(s)
    gone = np.concatenate([scores[name][~mask[name]] for name in mask])
    stay = np.concatenate([scores[name][mask[name]] for name in mask])
    assert gone.max() < 0 and gone.max() <= stay.min()
    before = gradient_norm(s, s.initial)
    name, place = next((n, p) for n in mask for p in np.ndindex(mask[n].shape) if not mask[n][p])
    assert norm_when_scaled(s, name, place, 1 - 1e-3) > before


def test_the_mask_keeps_the_largest(subject, model, scope, same, slow_keep, scores_of):
    for density in (0.3, 0.5):
        s = subject(model, density, scope=scope)
        assert same(METHODS["grasp"].prune(s), slow_keep(scores_of(grasp, s), density, scope))


def test_masks_ignore_a_factor_on_the_loss_but_not_the_temperature(subject, model, same, scores_of):
    s = subject(model)
    assert same(METHODS["grasp"].prune(s), METHODS["grasp"].prune(subject(model, loss_factor=8.0)))
    cold, hot = (scores_of(partial(grasp, temperature=t), s) for t in (1.0, 1e6))
    order = [np.argsort(np.concatenate([v.ravel() for v in scores.values()])) for scores in (cold, hot)]
    assert (order[0] != order[1]).any()
