"""Restricted and excluded logits of planted waves.

p residues, K = (p - 1) / 2.
"""

import itertools

import numpy as np
import pytest
from builders import noise

from interp.mechanism.fourier_ablation import (
    OPERATORS,
    excluded_logits,
    project_on_sum_waves,
    restricted_logits,
    restricted_logits_through_neurons,
)
from interp.spectra.fourier import fourier_basis

P = 11
K = 5
KEYS = np.array([2, K])


def clock(frequencies, p=P):
    """Logits sum_k k cos(omega_k (a + b - c)) plus a bias per class."""
    a = np.arange(p)
    distance = a[:, None, None] + a[:, None] - a
    return sum(k * np.cos(2 * np.pi * k * distance / p) for k in frequencies) + noise(p, seed=1)


def slow_directions(p, k, operator):
    """Functions of (a, b) that an operator keeps, not normalized."""
    a, b = np.meshgrid(np.arange(p), np.arange(p), indexing="ij")
    w = 2 * np.pi * k / p
    if operator == "sum2":
        return [np.cos(w * (a + b)), np.sin(w * (a + b))]
    over_a, over_b = [np.cos(w * a), np.sin(w * a)], [np.cos(w * b), np.sin(w * b)]
    if operator == "block8":
        over_a, over_b = [1 + 0 * a, *over_a], [1 + 0 * b, *over_b]
    return [f * g for f, g in itertools.product(over_a, over_b)][operator == "block8" :]


def slow_restricted(logits, frequencies, operator):
    """Restricted logits by projection on one direction after another.

    The lost mean of each class is added at the end.
    """
    p, new = len(logits), np.zeros_like(logits)
    for c in range(logits.shape[-1]):
        for k in frequencies:
            for f in slow_directions(p, k, operator):
                new[..., c] += f * (f * logits[..., c]).sum() / (f * f).sum()
    return new + (logits - new).mean(axis=(0, 1))


# by construction


@pytest.mark.parametrize("operator", OPERATORS)
def test_restricting_a_clock_to_its_key_frequencies_changes_nothing(operator):
    np.testing.assert_allclose(restricted_logits(clock(KEYS), KEYS, operator), clock(KEYS), atol=1e-12)
    more = np.array([1, *KEYS])
    np.testing.assert_allclose(restricted_logits(clock(more), KEYS, operator), clock(KEYS), atol=1e-12)


def test_a_clock_without_its_key_frequencies_is_its_biases():
    flat = np.broadcast_to(noise(P, seed=1), (P, P, P))
    np.testing.assert_allclose(excluded_logits(clock(KEYS), KEYS), flat, atol=1e-12)
    np.testing.assert_allclose(excluded_logits(clock(KEYS), KEYS[[0]]), clock(KEYS[1:]), atol=1e-12)


def test_operators_keep_their_products_of_waves_and_none_of_two_frequencies():
    F = fourier_basis(P)
    pair_waves = np.einsum("ia,jb->abij", F, F).reshape(P, P, P * P)
    waves_of_key = [[0, 2 * k - 1, 2 * k] for k in KEYS]
    block8 = {pair for rows in waves_of_key for pair in itertools.product(rows, rows)}
    block4 = {pair for pair in block8 if 0 not in pair} | {(0, 0)}
    for operator, pairs in (("block4", block4), ("block8", block8)):
        new = restricted_logits(pair_waves, KEYS, operator)
        for index, (i, j) in enumerate(itertools.product(range(P), repeat=2)):
            expected = pair_waves[..., index] if (i, j) in pairs else np.zeros((P, P))
            np.testing.assert_allclose(new[..., index], expected, atol=1e-12)
    crossed = [i * P + j for i in waves_of_key[0][1:] for j in waves_of_key[1][1:]]
    np.testing.assert_allclose(restricted_logits(pair_waves[..., crossed], KEYS, "sum2"), 0, atol=1e-12)


def test_sum2_keeps_half_of_a_product_of_two_cosines():
    wave = np.cos(2 * np.pi * 2 * np.arange(P) / P)
    total = np.add.outer(np.arange(P), np.arange(P))
    new = restricted_logits(np.outer(wave, wave)[..., None], KEYS, "sum2")
    np.testing.assert_allclose(new[..., 0], np.cos(2 * np.pi * 2 * total / P) / 2, atol=1e-12)


@pytest.mark.parametrize(("operator", "per_key"), [("sum2", 2), ("block4", 4), ("block8", 8)])
def test_every_direction_keeps_an_equal_share_of_white_noise(operator, per_key):
    x = noise(P, P, 4000)
    share = restricted_logits(x, KEYS, operator).var(axis=(0, 1)).sum() / x.var(axis=(0, 1)).sum()
    assert share == pytest.approx(per_key * len(KEYS) / (P**2 - 1), rel=0.03)  # sd 1 % of it at most


# oracle


@pytest.mark.parametrize("p", [3, 7, 11])
@pytest.mark.parametrize("operator", OPERATORS)
def test_restricted_logits_equal_the_slow_projection(operator, p):
    for frequencies in ([1], list(range(1, (p + 1) // 2)), list(range((p - 1) // 2, 0, -2))):
        x = noise(p, p, p)
        restricted = restricted_logits(x, np.array(frequencies), operator)
        np.testing.assert_allclose(restricted, slow_restricted(x, frequencies, operator), atol=1e-12)


@pytest.mark.parametrize("p", [7, 11])
def test_the_projection_is_the_mean_over_equal_sums_at_these_frequencies(p):
    x, frequencies = noise(p, p, 3), np.array([1, 3])
    by_sum = np.stack([sum(x[a, (s - a) % p] for a in range(p)) / p for s in range(p)])  # (s, 3)
    F = fourier_basis(p)[[1, 2, 5, 6]]
    part = F.T @ (F @ by_sum)
    slow = np.array([[part[(a + b) % p] for b in range(p)] for a in range(p)])
    np.testing.assert_allclose(project_on_sum_waves(x, frequencies), slow, atol=1e-12)


def test_excluded_and_restricted_add_up_to_the_logits_and_their_mean():
    x = noise(P, P, P)
    both = excluded_logits(x, KEYS) + restricted_logits(x, KEYS, "sum2")
    np.testing.assert_allclose(both, x + x.mean(axis=(0, 1)), atol=1e-12)


def test_through_the_neurons_only_the_mean_of_other_paths_is_kept():
    acts, W_L = np.maximum(noise(P, P, 6), 0), noise(6, P, seed=1)
    around = noise(P, P, P, seed=2)
    logits = acts @ W_L + around
    new = restricted_logits_through_neurons(acts, W_L, logits, KEYS)
    slow = project_on_sum_waves(acts, KEYS) @ W_L
    np.testing.assert_allclose(new, slow + (logits - slow).mean(axis=(0, 1)), atol=1e-12)
    direct = restricted_logits(logits, KEYS) - restricted_logits(around, KEYS) + around.mean(axis=(0, 1))
    np.testing.assert_allclose(new, direct, atol=1e-12)


# invariance


@pytest.mark.parametrize("operator", OPERATORS)
def test_a_constant_per_class_passes_through(operator):
    x, bias = noise(P, P, P), 1e3 * noise(P, seed=1)
    new = restricted_logits(x + bias, KEYS, operator)
    np.testing.assert_allclose(new, restricted_logits(x, KEYS, operator) + bias, atol=1e-10)


@pytest.mark.parametrize("operator", OPERATORS)
def test_relabelled_inputs_have_relabelled_keys(operator):
    x, order = noise(P, P, P), np.arange(P) * 3 % P
    moved = np.minimum(3 * KEYS % P, -3 * KEYS % P)
    np.testing.assert_allclose(
        restricted_logits(x[order][:, order], moved, operator),
        restricted_logits(x, KEYS, operator)[order][:, order],
        atol=1e-12,
    )


@pytest.mark.parametrize("operator", OPERATORS)
def test_operators_commute_with_swaps_and_shifts_and_are_idempotent(operator):
    def restrict(x):
        return restricted_logits(x, KEYS, operator)

    x = noise(P, P, P)
    np.testing.assert_allclose(restrict(x.swapaxes(0, 1)), restrict(x).swapaxes(0, 1), atol=1e-12)
    np.testing.assert_allclose(restrict(np.roll(x, 4, axis=1)), np.roll(restrict(x), 4, axis=1), atol=1e-12)
    np.testing.assert_allclose(restrict(restrict(x)), restrict(x), atol=1e-12)
    np.testing.assert_allclose(restricted_logits(x, KEYS[::-1], operator), restrict(x), atol=1e-12)


def test_networks_stack_in_float64_and_the_input_is_unchanged():
    x = noise(2, 3, P, P, 4).astype(np.float32)
    before, W_L = x.copy(), noise(4, P)
    for measure in (excluded_logits, *(lambda x, k, o=o: restricted_logits(x, k, o) for o in OPERATORS)):
        new = measure(x, KEYS)
        assert new.dtype == np.float64
        np.testing.assert_allclose(new[1, 2], measure(x[1, 2], KEYS), atol=1e-12)
    logits = noise(2, 3, P, P, P)
    np.testing.assert_allclose(
        restricted_logits_through_neurons(x, W_L, logits, KEYS)[1, 2],
        restricted_logits_through_neurons(x[1, 2], W_L, logits[1, 2], KEYS),
        atol=1e-12,
    )
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("operator", OPERATORS)
def test_without_frequencies_the_means_are_kept_and_nothing_is_excluded(operator):
    x, none = noise(P, P, P), np.array([], dtype=np.int64)
    means = np.broadcast_to(x.mean(axis=(0, 1)), x.shape)
    np.testing.assert_allclose(restricted_logits(x, none, operator), means, atol=1e-12)
    np.testing.assert_array_equal(excluded_logits(x, none), x)


# failure


def test_an_unknown_operator_lists_the_known_ones():
    with pytest.raises(ValueError, match="operator: expected one of sum2, block4, block8, got 'block9'"):
        restricted_logits(noise(P, P, P), KEYS, "block9")


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("frequencies", [[0], [K + 1], [-1], [2, 2], [1.0], [[1]], 1])
@pytest.mark.parametrize("measure", [excluded_logits, restricted_logits, project_on_sum_waves])
def test_other_frequencies_are_refused(measure, frequencies):
    with pytest.raises(ValueError, match=r"frequencies: expected different whole numbers in 1\.\.5, got "):
        measure(noise(P, P, P), np.array(frequencies))


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("measure", [excluded_logits, restricted_logits])
def test_wrong_logits_are_refused(measure):
    with pytest.raises(
        ValueError, match=r"logits: expected shape \(\.\.\., p, p, .*, got shape \(11, 9, 4\)"
    ):
        measure(noise(P, 9, 4), KEYS)
    with pytest.raises(ValueError, match=r"logits: expected shape .*, got shape \(11, 11\)"):
        measure(noise(P, P), KEYS)
    with pytest.raises(ValueError, match="logits: expected p odd and at least 3 residues, got p = 10"):
        measure(noise(10, 10, 10), KEYS)
    with pytest.raises(ValueError, match="logits: expected finite values"):
        measure(np.full((P, P, P), np.inf), KEYS)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    "shapes", [((6, 9), (P, P, P)), ((5, P), (P, P, P)), ((6, P), (9, 9, P)), ((P,), (P, P, P))]
)
def test_maps_and_logits_that_do_not_fit_the_neurons_are_refused(shapes):
    with pytest.raises(
        ValueError, match=r"W_L: expected shape \(\.\.\., 6, 11\) and logits \(\.\.\., 11, 11, c\)"
    ):
        restricted_logits_through_neurons(noise(P, P, 6), noise(*shapes[0]), noise(*shapes[1]), KEYS)
