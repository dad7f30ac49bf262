import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from interp.masks.topk import keep_count
from training.pruning.mask_criteria import CRITERIA
from training.pruning.method import CannotPrune, without_empty_layers
from training.pruning.registry import METHODS


def slow_with_minimum(scores, density, least):
    """Return a mask with a minimum per layer by sorting, or None.

    The best of every matrix are chosen first, then the best of the rest.
    """
    entries = [
        (-value, order, place, name)
        for order, (name, score) in enumerate(scores.items())
        for place, value in enumerate(score.ravel().tolist())
    ]
    chosen = []
    for name, score in scores.items():
        of_matrix = sorted(entry for entry in entries if entry[3] == name)
        chosen += of_matrix[: min(least, score.size)]
    n_kept = keep_count(len(entries), density)
    if len(chosen) > n_kept:
        return None
    rest = sorted(entry for entry in entries if entry not in chosen)
    chosen += rest[: n_kept - len(chosen)]
    mask = {name: np.zeros(score.shape, bool) for name, score in scores.items()}
    for value, _, place, name in chosen:
        if value == np.inf:
            return None
        mask[name].flat[place] = True
    return mask if all(is_kept.any() for is_kept in mask.values()) else None


def test_keep_equals_the_slow_version_with_ties_pruned_entries_and_a_minimum(subject, same):
    rng, refused = np.random.default_rng(3), 0
    for _ in range(150):
        density, least = rng.choice([0.02, 0.05, 0.2, 0.4, 0.7]), int(rng.integers(0, 12))
        s = subject(density=float(density), min_per_layer=least)
        scores = {}
        for name, w in s.initial.items():
            scores[name] = rng.integers(0, 4, w.shape) + rng.integers(0, 5) * 1.0
            scores[name][rng.random(w.shape) < rng.choice([0, 0.3])] = -np.inf
        expected = slow_with_minimum(scores, float(density), least)
        if expected is None:
            refused += 1
            with pytest.raises(CannotPrune):
                s.keep(scores)
        else:
            assert same(s.keep(scores), expected)
    assert 10 < refused < 120


def test_keep_has_exact_counts_and_the_order_of_theta_0(subject, model, scope, same, slow_keep):
    for density in (0.1, 1 - 0.6, 0.333, 1.0):
        s = subject(model, density, scope=scope)
        backwards = dict(reversed(s.final.items()))
        mask = s.keep(backwards)
        assert same(mask, slow_keep(s.final, density, scope))
        sizes = {name: w.size for name, w in s.initial.items()}
        counts = {name: int(is_kept.sum()) for name, is_kept in mask.items()}
        if scope == "layer":
            assert counts == {name: keep_count(size, density) for name, size in sizes.items()}
        else:
            assert sum(counts.values()) == keep_count(sum(sizes.values()), density)


def test_a_minimum_that_is_met_changes_nothing(subject, same):
    s = subject()
    mask = s.keep(s.final)
    counts = [int(is_kept.sum()) for is_kept in mask.values()]
    assert same(replace(s, min_per_layer=min(counts)).keep(s.final), mask)
    more = replace(s, min_per_layer=min(counts) + 1).keep(s.final)
    changed = sum(int((more[name] ^ mask[name]).sum()) for name in mask)
    assert changed == 2 * counts.count(min(counts))  # one in, one out
    assert sum(int(is_kept.sum()) for is_kept in more.values()) == sum(counts)


def test_weights_pruned_in_the_source_stay_pruned(subject, scope):
    source = {name: w > 0 for name, w in subject().initial.items()}
    s = subject(density=0.2, scope=scope, source_mask=source)
    mask = s.keep({name: -abs(w) for name, w in s.final.items()})
    assert all((mask[name] <= source[name]).all() for name in mask)


@pytest.mark.parametrize(
    ("changes", "spoil", "parts"),
    [
        ({}, np.nan, ["scores of W_out are not finite: 1 of 30"]),
        ({}, np.inf, ["scores of W_out are not finite"]),
        ({}, "low", ["W_out would be left without a weight", "pruning.min_per_layer", "pruning.scope"]),
        ({"density": 0.9}, "few", ["density 0.9 keeps 130 of the 144 weights of the network", "only 116"]),
        ({"scope": "layer"}, "few", ["density 0.4 keeps 12 of the 30 weights of W_out", "only 2 "]),
        ({"min_per_layer": 3}, "few", ["W_out: only 2 of 30 weights may be kept", "pruning.min_per_layer"]),
        ({"min_per_layer": 20}, None, ["58 of the 144", "pruning.min_per_layer = 20 asks for 80"]),
        ({"min_per_layer": 15, "scope": "layer"}, None, ["12 of the 30 weights of W_in", "asks for 15"]),
    ],
)
def test_an_impossible_mask_is_refused_in_one_line(subject, changes, spoil, parts):
    s = subject(**changes)
    scores = {name: abs(w) for name, w in s.final.items()}
    if spoil == "low":
        scores["W_out"] -= 100
    elif spoil == "few":
        scores["W_out"].flat[2:] = -np.inf
    elif spoil is not None:
        scores["W_out"][1, 2] = spoil
    with pytest.raises(CannotPrune) as refusal:
        s.keep(scores)
    message = str(refusal.value)
    assert "\n" not in message
    assert all(part in message for part in parts), message


def test_every_empty_matrix_is_named():
    mask = {"W_E": np.zeros((2, 2), bool), "W_U": np.ones((2, 2), bool), "W_in": np.zeros((2, 2), bool)}
    with pytest.raises(CannotPrune, match=r"^W_E, W_in would be left"):
        without_empty_layers(mask)


def test_sources_that_methods_need():
    needs = {name: method.source for name, method in METHODS.items()}
    zhou = {f"{name}{suffix}": "weights" for name in CRITERIA for suffix in ("", "_same_sign")}
    assert needs == zhou | {
        "magnitude": "weights",
        "imp": "weights",
        "random": None,
        "shuffled": "mask",
        "degree_preserving": "mask",
        "elastic": "mask",
        "snip": None,
        "grasp": None,
        "synflow": None,
        "synflow_one_shot": None,
        "synflow_minegishi": None,
    }


@pytest.mark.parametrize("name", [name for name in METHODS if name != "elastic"])
def test_every_method_keeps_the_exact_count_and_leaves_its_inputs_unchanged(
    subject, model, scope, name, same
):
    ticket = METHODS["magnitude"].prune(subject(model))
    source = METHODS[name].source
    least = 1 if name == "synflow_minegishi" else 0  # its scores of a transformer's W_Q are far below others
    s = subject(
        model, 0.3, scope=scope, source_mask=ticket if source == "mask" else None, min_per_layer=least
    )
    before = {key: w.copy() for key, w in (s.initial | s.final).items()}
    mask = METHODS[name].prune(s)
    sizes = {key: w.size for key, w in s.initial.items()}
    counts = {key: int(is_kept.sum()) for key, is_kept in mask.items()}
    assert {key: is_kept.shape for key, is_kept in mask.items()} == {
        key: w.shape for key, w in s.initial.items()
    }
    if source == "mask":
        assert counts == {key: int(is_kept.sum()) for key, is_kept in ticket.items()}
    elif scope == "layer":
        assert counts == {key: keep_count(size, 0.3) for key, size in sizes.items()}
    else:
        assert sum(counts.values()) == keep_count(sum(sizes.values()), 0.3)
    assert all((before[key] == w).all() for key, w in (s.initial | s.final).items())
    again = replace(s, generator=np.random.default_rng(0))
    assert same(METHODS[name].prune(again), mask)


@pytest.mark.parametrize(
    "name", [name for name in METHODS if METHODS[name].source != "mask" and name != "random"]
)
@pytest.mark.filterwarnings("error")
def test_weights_that_are_not_finite_are_refused(subject, name):
    for bad in (np.nan, np.inf):
        s = subject()
        s.initial["W_in"][0, 0] = s.final["W_in"][0, 0] = bad
        with pytest.raises(CannotPrune, match="not finite"):
            METHODS[name].prune(s)


def test_the_registry_imports_no_torch():
    code = "import sys, training.pruning, training.pruning.initialization; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
