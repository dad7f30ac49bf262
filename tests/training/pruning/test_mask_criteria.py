import numpy as np
import pytest

from training.pruning.mask_criteria import CRITERIA, large_init_large_final
from training.pruning.method import CannotPrune
from training.pruning.registry import METHODS

FORMULAS = {
    "large_final": lambda i, f: abs(f),
    "small_final": lambda i, f: -abs(f),
    "large_init": lambda i, f: abs(i),
    "small_init": lambda i, f: -abs(i),
    "magnitude_increase": lambda i, f: abs(f) - abs(i),
    "movement": lambda i, f: abs(f - i),
}


def slow_scores(s, name, same_sign):
    all_i, all_f = ([abs(v) for w in ws.values() for v in w.flat] for ws in (s.initial, s.final))
    scores = {}
    for layer, w in s.initial.items():
        scores[layer] = np.empty(w.shape)
        for place in np.ndindex(w.shape):
            i, f = w[place], s.final[layer][place]
            if name == "large_init_large_final":
                ranked_i, ranked_f = (
                    (abs(w).ravel(), abs(s.final[layer]).ravel()) if s.scope == "layer" else (all_i, all_f)
                )
                score = min(sum(v < abs(i) for v in ranked_i), sum(v < abs(f) for v in ranked_f))
            else:
                score = FORMULAS[name](i, f)
            scores[layer][place] = -np.inf if same_sign and i * f < 0 else score
    return scores


@pytest.mark.parametrize("name", CRITERIA)
@pytest.mark.parametrize("same_sign", [False, True])
def test_masks_equal_the_slow_version(subject, model, scope, same, slow_keep, name, same_sign):
    method = METHODS[f"{name}_same_sign" if same_sign else name].prune
    for density in (0.25, 0.4):
        s = subject(model, density, scope=scope, min_per_layer=0)
        expected = slow_keep(slow_scores(s, name, same_sign), density, scope)
        if not all(is_kept.any() for is_kept in expected.values()):
            with pytest.raises(CannotPrune, match="without a weight"):
                method(s)
            continue
        mask = method(s)
        assert same(mask, expected)
        if same_sign:
            assert all(
                (np.sign(s.initial[k]) == np.sign(s.final[k]))[is_kept].all() for k, is_kept in mask.items()
            )


def test_large_final_is_magnitude(subject, model, scope, same):
    s = subject(model, scope=scope)
    assert same(METHODS["large_final"].prune(s), METHODS["magnitude"].prune(s))


def test_large_and_small_share_no_weight_at_half_density(subject, model):
    s = subject(model, 0.5, scope="layer")
    for when in ("init", "final"):
        large, small = (METHODS[f"{size}_{when}"].prune(s) for size in ("large", "small"))
        assert all((large[name] ^ small[name]).all() for name in large)


def test_turning_all_signs_changes_no_mask(subject, model, scope, same):
    s = subject(model, scope=scope)
    turned = {key: {n: -w for n, w in getattr(s, key).items()} for key in ("initial", "final")}
    for name in CRITERIA:
        for method in (name, f"{name}_same_sign"):
            masks = []
            for t in (s, subject(model, scope=scope, **turned)):
                try:
                    masks.append(METHODS[method].prune(t))
                except CannotPrune as reason:
                    masks.append(str(reason))
            assert masks[0] == masks[1] if isinstance(masks[0], str) else same(*masks)


def test_large_init_large_final_is_the_quadrant_of_the_papers_code():
    """The kept weights are above one percentile at the start and the end."""
    rng = np.random.default_rng(0)
    w_i, w_f = rng.standard_normal(400), 30 * rng.standard_normal(400)
    scores = large_init_large_final(w_i, w_f)
    is_kept = scores >= np.sort(scores)[-100]
    thresholds = [(np.sort(abs(w_i))[k], np.sort(abs(w_f))[k]) for k in range(400)]
    quadrants = [(abs(w_i) >= a) & (abs(w_f) >= b) for a, b in thresholds]
    assert any((quadrant == is_kept).all() for quadrant in quadrants)
    assert (large_init_large_final(w_i, 1000 * w_f) == large_init_large_final(w_i, w_f)).all()


def test_weights_pruned_in_the_source_do_not_count_as_small(subject, model):
    source = METHODS["magnitude"].prune(subject(model, 0.6))
    final = {name: w * source[name] for name, w in subject(model).final.items()}
    mask = METHODS["small_final"].prune(subject(model, 0.4, scope="layer", source_mask=None, final=final))
    revived = sum(int((mask[name] & ~source[name]).sum()) for name in mask)
    assert revived > 0  # without the source's mask its zeros are the smallest
    mask = METHODS["small_final"].prune(subject(model, 0.3, source_mask=source, final=final))
    assert all((mask[name] <= source[name]).all() for name in mask)


@pytest.mark.parametrize("name", CRITERIA)
def test_too_few_weights_of_the_same_sign_are_refused_in_one_line(subject, name):
    s = subject()
    final = {key: -w for key, w in s.initial.items()}
    final["W_E"] = s.initial["W_E"]
    with pytest.raises(
        CannotPrune, match=r"keeps 58 of the 144 .* only 42 may be kept .* raise the sparsity"
    ):
        METHODS[f"{name}_same_sign"].prune(subject(final=final))
