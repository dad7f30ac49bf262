"""Networks with planted key frequencies.

p residues, K = (p - 1) / 2.
"""

import numpy as np
import pytest
from builders import rng

from interp.mechanism.key_frequency_rules import (
    KEY_RULES,
    embedding_key_frequencies,
    key_frequencies,
    key_frequencies_by_rule,
    logit_key_frequencies,
    neuron_key_frequencies,
)
from interp.spectra.fourier import fourier_basis
from interp.spectra.pair_spectrum import activation_frequency

P = 23
K = 11
KEYS = [2, 7, K]
ARRAY = {"embedding_norm": "W_E", "logit_map": "W_L", "neuron_cluster": "activations"}


def embedding(frequencies, d=16, noise=0.02):
    """Random circles of the key frequencies, with weak white noise."""
    F = fourier_basis(P)
    rows = F[[2 * k - 1 for k in frequencies] + [2 * k for k in frequencies]]  # (2n, p)
    return 2 + rows.T @ rng().standard_normal((len(rows), d)) + noise * rng(1).standard_normal((P, d))


def activations(frequencies, per_key=4):
    """ReLU neurons of one frequency each.

    relu(cos(omega_k a + phi) + cos(omega_k b + phi)).
    """
    k = np.repeat(frequencies, per_key)
    phi = rng().uniform(-np.pi, np.pi, len(k))
    wave = np.cos(2 * np.pi * np.arange(P)[:, None] * k / P + phi)  # (p, d_mlp)
    return np.maximum(wave[:, None] + wave[None], 0), k


# norms


def test_planted_keys_come_back_from_embedding_and_logit_map():
    np.testing.assert_array_equal(embedding_key_frequencies(embedding(KEYS)), KEYS)
    np.testing.assert_array_equal(logit_key_frequencies(embedding(KEYS).T), KEYS)


def test_a_noise_free_embedding_has_its_keys_only():
    np.testing.assert_array_equal(embedding_key_frequencies(embedding([5], noise=0.0)), [5])


def test_the_norm_rule_equals_the_loop_over_frequencies():
    W_E, F = rng().standard_normal((P, 3)), fourier_basis(P)
    norm = [
        np.sqrt(((F[2 * k - 1] @ W_E) ** 2).sum() + ((F[2 * k] @ W_E) ** 2).sum()) for k in range(1, K + 1)
    ]
    for threshold in (0.3, 0.5, 0.8, 1.0):
        slow = [k for k in range(1, K + 1) if norm[k - 1] >= threshold * max(norm)]
        np.testing.assert_array_equal(embedding_key_frequencies(W_E, threshold), slow)


def test_the_norm_rule_is_free_of_scale_and_follows_the_labels():
    W_E = embedding(KEYS)
    np.testing.assert_array_equal(embedding_key_frequencies(1e-50 * W_E), KEYS)
    moved = sorted(min(3 * k % P, -3 * k % P) for k in KEYS)
    np.testing.assert_array_equal(embedding_key_frequencies(W_E[np.arange(P) * 3 % P]), moved)


def test_without_structure_the_norm_rule_takes_everything_and_without_variation_nothing():
    np.testing.assert_array_equal(
        embedding_key_frequencies(rng().standard_normal((P, 500))), np.arange(1, K + 1)
    )
    assert embedding_key_frequencies(np.ones((P, 4))).size == 0


# clusters


def test_relu_neurons_cluster_at_their_frequencies_up_to_the_last():
    acts, k = activations(KEYS)
    frequency, share = activation_frequency(acts)
    np.testing.assert_array_equal(frequency, k)
    assert (share > 0.85).all() and (share < 1).all()
    np.testing.assert_array_equal(neuron_key_frequencies(acts), KEYS)
    assert neuron_key_frequencies(acts, threshold=0.999).size == 0


def test_clusters_are_free_of_scale_and_mean_and_follow_the_labels():
    acts, k = activations(KEYS)
    np.testing.assert_allclose(activation_frequency(1e-100 * acts)[1], activation_frequency(acts)[1])
    np.testing.assert_allclose(activation_frequency(acts + 5)[1], activation_frequency(acts)[1])
    order = np.arange(P) * 3 % P
    np.testing.assert_array_equal(
        activation_frequency(acts[order][:, order])[0], np.minimum(3 * k % P, -3 * k % P)
    )


def test_dead_neurons_have_no_cluster():
    acts, _ = activations([4], per_key=1)
    frequency, share = activation_frequency(np.concatenate([acts, 0 * acts, 0 * acts + 0.1], axis=-1))
    np.testing.assert_array_equal(frequency, [4, 0, 0])
    np.testing.assert_array_equal(np.isnan(share), [False, True, True])
    assert neuron_key_frequencies(0 * acts).size == 0


# by name, and failure


def test_rules_have_names():
    acts, _ = activations(KEYS)
    arrays = {"embedding_norm": embedding(KEYS), "logit_map": embedding(KEYS).T, "neuron_cluster": acts}
    assert set(arrays) == set(KEY_RULES)
    for rule, array in arrays.items():
        np.testing.assert_array_equal(key_frequencies(array, rule), KEYS)
    assert key_frequencies(acts, "neuron_cluster", 0.999).size == 0


def test_an_unknown_rule_lists_the_known_ones():
    with pytest.raises(ValueError, match="one of embedding_norm, logit_map, neuron_cluster, got 'embedding'"):
        key_frequencies(embedding(KEYS), "embedding")


@pytest.mark.parametrize("threshold", [0.0, 1.5, np.nan])
@pytest.mark.parametrize("rule", KEY_RULES)
def test_thresholds_outside_are_refused(rule, threshold):
    array = np.ones((P, P, 2)) if rule == "neuron_cluster" else np.ones((P, P))
    with pytest.raises(ValueError, match=rf"threshold: expected a number in \(0, 1\], got {threshold}"):
        key_frequencies(array, rule, threshold)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("rule", KEY_RULES)
def test_wrong_shapes_are_refused(rule):
    with pytest.raises(ValueError, match=rf"{ARRAY[rule]}: expected shape .*, got shape \(23,\)"):
        key_frequencies(np.ones(P), rule)


@pytest.mark.parametrize("rule", KEY_RULES)
def test_even_p_and_nan_are_refused(rule):
    shape = {"embedding_norm": (22, 4), "logit_map": (4, 22), "neuron_cluster": (22, 22, 4)}[rule]
    with pytest.raises(
        ValueError, match=f"{ARRAY[rule]}: expected p odd and at least 3 residues, got p = 22"
    ):
        key_frequencies(rng().standard_normal(shape), rule)
    bad = np.full((P, P, 1) if rule == "neuron_cluster" else (P, P), np.nan)
    with pytest.raises(ValueError, match=f"{ARRAY[rule]}: expected finite values"):
        key_frequencies(bad, rule)


@pytest.mark.usefixtures("unchecked")
def test_activations_over_unequal_axes_are_refused():
    with pytest.raises(ValueError, match=r"activations: expected shape .*, got shape \(23, 21, 4\)"):
        neuron_key_frequencies(np.ones((23, 21, 4)))


def test_all_rules_at_once_equal_single_rules():
    acts, _ = activations([3])
    W_L = embedding([5], d=acts.shape[-1]).T
    by_rule = key_frequencies_by_rule(embedding(KEYS), W_L, acts)
    assert list(by_rule) == list(KEY_RULES)
    arrays = {"embedding_norm": embedding(KEYS), "logit_map": W_L, "neuron_cluster": acts}
    for rule, array in arrays.items():
        np.testing.assert_array_equal(by_rule[rule], key_frequencies(array, rule))
    assert [k.tolist() for k in by_rule.values()] == [KEYS, [5], [3]]
