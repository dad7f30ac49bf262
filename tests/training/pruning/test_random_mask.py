from interp.masks.random_masks import random_mask
from interp.masks.topk import keep_count
from training.pruning.registry import METHODS


def test_random_masks_depend_on_the_generator_only(subject, model, scope, same):
    s = subject(model, scope=scope)
    mask = METHODS["random"].prune(s)
    turned = {name: -w[::-1] for name, w in s.initial.items()}
    assert same(mask, METHODS["random"].prune(subject(model, scope=scope, initial=turned)))
    assert not same(mask, METHODS["random"].prune(subject(model, scope=scope, seed=1)))


def test_a_global_random_mask_equals_that_of_interp(subject, model, same):
    s = subject(model)
    shapes = {name: w.shape for name, w in s.initial.items()}
    assert same(METHODS["random"].prune(s), random_mask(shapes, 0.4, subject(model).generator))


def test_a_layerwise_random_mask_has_one_density(subject, model):
    mask = METHODS["random"].prune(subject(model, scope="layer"))
    assert all(int(is_kept.sum()) == keep_count(is_kept.size, 0.4) for is_kept in mask.values())


def test_a_random_mask_has_the_minimum_per_layer(subject):
    mask = METHODS["random"].prune(subject(density=0.15, min_per_layer=5))
    assert all(is_kept.sum() >= 5 for is_kept in mask.values())
    assert sum(int(is_kept.sum()) for is_kept in mask.values()) == keep_count(144, 0.15)
