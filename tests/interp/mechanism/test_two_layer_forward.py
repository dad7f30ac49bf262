"""Small networks, computed pair by pair."""

import numpy as np
import pytest
from builders import noise
from scipy import special

from interp.mechanism.flawed_indicator import ideal_neurons
from interp.mechanism.logit_fit import cross_entropy
from interp.mechanism.two_layer_forward import ACTIVATIONS, activation_swap, pair_activations, pair_logits

P = 7
SUMS = np.add.outer(np.arange(P), np.arange(P)) % P
SLOW = {
    "relu": lambda z: z if z > 0 else 0.0,
    "square": lambda z: z * z,
    "abs": abs,
    "cube": lambda z: z * z * z,
    "fourth": lambda z: z * z * z * z,
    "exp": lambda z: np.e**z,
    "softplus": lambda z: -special.log_expit(-z),
}


def maps(*shape, seed=0):
    return noise(2, *shape, seed=seed)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_logits_equal_the_sum_over_neurons(name):
    W_in, W_out = maps(3, P)
    logits = pair_logits(W_in, W_out, name)
    for x in range(P):
        for y in range(P):
            slow = sum(SLOW[name](W_in[i, x] + W_in[i, y]) * W_out[i] for i in range(3))
            np.testing.assert_allclose(logits[x, y], slow, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_order_of_inputs_and_neurons_does_not_matter_and_networks_stack(name):
    W_in, W_out = maps(2, 5, P)
    logits = pair_logits(W_in.astype(np.float32), W_out, name)
    np.testing.assert_array_equal(logits, np.swapaxes(logits, 1, 2))
    W_in = W_in.astype(np.float32)
    np.testing.assert_allclose(pair_logits(W_in[1, ::-1], W_out[1, ::-1], name), logits[1], atol=1e-12)
    assert pair_activations(W_in, name).shape == (2, P, P, 5)


def test_relu_is_the_mean_of_identity_and_absolute_value():
    W_in, W_out = maps(5, P)
    linear = np.einsum("mx,mc->xc", W_in, W_out)
    expected = (linear[:, None] + linear[None] + pair_logits(W_in, W_out, "abs")) / 2
    np.testing.assert_allclose(pair_logits(W_in, W_out, "relu"), expected, atol=1e-12)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_ideal_neurons_work_by_the_even_part_of_their_activation(name):
    W_in, W_out = ideal_neurons(np.full(P // 2, 9))
    swapped = activation_swap(W_in, 10 * W_out, SUMS, name)
    if name == "cube":  # odd: it cancels, and nothing is said
        assert swapped.loss == pytest.approx(np.log(P))
    else:
        assert swapped.accuracy == 1 and swapped.loss < 0.2


def test_scores_equal_those_of_the_logits():
    W_in, W_out = maps(2, 5, P)
    scores, logits = activation_swap(W_in, W_out, SUMS, "exp"), pair_logits(W_in, W_out, "exp")
    np.testing.assert_allclose(scores.accuracy, (logits.argmax(axis=-1) == SUMS).mean(axis=(1, 2)))
    np.testing.assert_allclose(scores.loss, cross_entropy(logits, SUMS).mean(axis=(1, 2)))
    assert activation_swap(np.zeros((5, P)), W_out[0], SUMS, "relu").accuracy == 0


@pytest.mark.usefixtures("unchecked")
def test_wrong_arguments_are_refused():
    W_in, W_out = maps(3, P)
    with pytest.raises(ValueError, match=r"activation: expected one of relu, square, .* got 'tanh'"):
        pair_logits(W_in, W_out, "tanh")
    with pytest.raises(ValueError, match=r"one shape \(..., m, p\), got \(3, 7\) and \(2, 7\)"):
        pair_logits(W_in, W_out[:2])
    with pytest.raises(ValueError, match="input_map: expected p odd"):
        pair_activations(W_in[:, 1:])
    with pytest.raises(ValueError, match=r"input_map: expected shape \(..., m, p\), got shape \(7,\)"):
        pair_activations(W_in[0])
    with pytest.raises(ValueError, match="output_map: expected finite values"):
        pair_logits(W_in, np.full_like(W_out, np.inf))
    with pytest.raises(
        ValueError, match="input_map: expected values small enough for activation 'exp', got sums up to"
    ):
        pair_activations(1e4 * W_in, "exp")
    with pytest.raises(ValueError, match=r"labels: expected whole numbers in 0\.\.6"):
        activation_swap(W_in, W_out, SUMS + 1, "relu")
