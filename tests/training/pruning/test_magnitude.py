import numpy as np
import pytest

from interp.masks.topk import keep_count
from training.pruning.method import CannotPrune
from training.pruning.registry import METHODS


@pytest.mark.parametrize("name", ["magnitude", "imp"])
@pytest.mark.parametrize("density", [0.25, 1 - 0.6, 0.333, 1.0])
def test_a_dense_source_keeps_its_largest_weights(subject, model, scope, name, density, same, slow_keep):
    s = subject(model, density, scope=scope)
    expected = slow_keep({key: abs(w) for key, w in s.final.items()}, density, scope)
    assert same(METHODS[name].prune(s), expected)


def test_magnitude_ignores_signs_and_theta_0(subject, same):
    s = subject()
    other = subject(final={name: -w for name, w in s.final.items()}, initial=dict(s.initial))
    assert same(METHODS["magnitude"].prune(s), METHODS["magnitude"].prune(other))


def test_masks_of_imp_are_nested_even_if_pruned_weights_are_not_zero(subject, model, scope):
    """Weights are drawn anew at every level, so only the masks are nested."""
    mask, rng, before = None, np.random.default_rng(0), 0
    for level in range(1, 7):
        weights = {name: rng.standard_normal(w.shape) for name, w in subject(model).initial.items()}
        s = subject(model, 0.8**level, scope=scope, source_mask=mask, final=weights)
        nested = METHODS["imp"].prune(s)
        total = sum(w.size for w in weights.values())
        if scope == "global":
            assert sum(int(m.sum()) for m in nested.values()) == keep_count(total, 0.8**level)
        if mask is not None:
            assert all((nested[name] <= mask[name]).all() for name in mask)
            assert sum(int(m.sum()) for m in nested.values()) < before
        mask, before = nested, sum(int(m.sum()) for m in nested.values())


@pytest.mark.parametrize("name", ["magnitude", "imp"])
def test_more_weights_than_the_source_has_are_refused(subject, name):
    source = METHODS["magnitude"].prune(subject(density=0.4))
    with pytest.raises(
        CannotPrune, match=r"density 0.5 keeps 72 of the 144 .* only 58 .* raise the sparsity"
    ):
        METHODS[name].prune(subject(density=0.5, source_mask=source))
