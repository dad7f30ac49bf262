"""Measures of constructed Clock and Pizza networks."""

import numpy as np
import pytest
from builders import noise

from interp.mechanism.clock_pizza import circularity, distance_irrelevance, gradient_symmetricity
from interp.spectra.fourier import fourier_basis

P = 23


A, B = np.meshgrid(np.arange(P), np.arange(P), indexing="ij")


# distance irrelevance


def test_irrelevance_is_0_for_functions_of_the_distance_and_1_for_the_sum():
    f = noise(P)
    assert distance_irrelevance(f[(B - A) % P]) == pytest.approx(0, abs=1e-15)
    assert distance_irrelevance(f[(A + B) % P]) == pytest.approx(1)
    assert distance_irrelevance(f[A]) == pytest.approx(1)  # every distance meets every a


def test_irrelevance_of_a_pizza_with_a_weak_clock():
    pizza = np.abs(np.cos(np.pi * 2 * (B - A) / P))  # of the distance alone, as one circle of a Pizza gives
    pizza -= pizza.mean()
    clock = np.cos(2 * np.pi * (A + B) / P)
    expected = 0.1 * clock.std() / np.hypot(pizza.std(), 0.1 * clock.std())
    assert distance_irrelevance(pizza + 0.1 * clock) == pytest.approx(expected)


def test_white_noise_is_irrelevant_up_to_the_spread_of_p_values():
    values = distance_irrelevance(noise(200, P, P))
    assert values.mean() == pytest.approx(1 - 3 / (4 * P), abs=0.003)  # sd 0.0005, higher orders 0.001


@pytest.mark.parametrize("p", [3, 7, 11])
def test_irrelevance_equals_the_loop(p):
    L = noise(p, p)
    spread = [np.std([L[i, (i + d) % p] for i in range(p)]) for d in range(p)]
    assert distance_irrelevance(L) == pytest.approx(np.mean(spread) / np.std(L))


def test_irrelevance_is_free_of_scale_offset_labels_and_order_of_inputs():
    L = noise(P, P)
    order = (np.arange(P) * 3 + 5) % P
    for same in (1e-100 * L, L + 1e3, L[order][:, order], L.T):
        assert distance_irrelevance(same) == pytest.approx(distance_irrelevance(L))


def test_irrelevance_of_constant_logits_is_nan_and_networks_stack():
    values = distance_irrelevance(np.stack([noise(P, P), np.full((P, P), 0.1)]))
    assert values[0] == distance_irrelevance(noise(P, P)) and np.isnan(values[1])


@pytest.mark.usefixtures("unchecked")
def test_wrong_logits_are_refused():
    with pytest.raises(ValueError, match=r"correct_logits: expected shape .*, got shape \(23, 21\)"):
        distance_irrelevance(noise(P, 21))
    with pytest.raises(ValueError, match=r"correct_logits: expected p odd .*, got p = 22"):
        distance_irrelevance(noise(22, 22))
    with pytest.raises(ValueError, match="correct_logits: expected finite values"):
        distance_irrelevance(np.full((P, P), np.nan))


# circularity


def embedding(rows, sizes, d=30):
    """Embedding of basis rows with given norms, in orthogonal directions."""
    directions, _ = np.linalg.qr(noise(d, len(rows)))
    return 2 + fourier_basis(P)[rows].T @ (np.asarray(sizes)[:, None] * directions.T)


def slow_circularity(W_E, n_components=4):
    """Circularity from eigenvectors of the covariance, sum by sum."""
    centred = W_E - W_E.mean(axis=0)
    _, vectors = np.linalg.eigh(centred @ centred.T)
    best = []
    for v in vectors.T[::-1][:n_components]:
        waves = np.exp(2j * np.pi * np.outer(np.arange(1, (len(v) + 1) // 2), np.arange(len(v))) / len(v))
        best.append(max(2 / (len(v) * (v @ v)) * abs(waves @ v) ** 2))
    return np.mean(best)


def test_circles_are_circular_and_ordered_by_size():
    assert circularity(embedding([3, 4, 13, 14], [3, 3, 1, 1])) == pytest.approx(1)
    mixed = embedding([3, 4, 13, 14], [3, 3, 2, 2])
    third = (fourier_basis(P)[9] + fourier_basis(P)[15]) / np.sqrt(2)  # half of it each at frequency 5 and 8
    W_E = mixed + np.outer(third, noise(30, seed=1)) * 0.01
    assert circularity(W_E, 4) == pytest.approx(1, abs=1e-3)
    assert circularity(W_E, 5) == pytest.approx((4 + 0.5) / 5, abs=1e-3)


def test_components_that_are_rounding_or_missing_are_left_out():
    assert circularity(embedding([3, 4], [1, 1])) == pytest.approx(1)
    assert circularity(fourier_basis(P)[[3, 4]].T) == pytest.approx(1)  # two columns
    assert np.isnan(circularity(np.full((P, 5), 0.1)))


@pytest.mark.parametrize("p", [7, 11])
@pytest.mark.parametrize("n_components", [1, 4, 6])
def test_circularity_matches_the_covariance(p, n_components):
    W_E = 3 + noise(p, 16)
    assert circularity(W_E, n_components) == pytest.approx(slow_circularity(W_E, n_components))


def test_circularity_of_white_noise_is_that_of_random_functions():
    random = noise(4000, P)
    random -= random.mean(axis=1, keepdims=True)
    power = np.abs(np.fft.rfft(random)[:, 1:]) ** 2
    expected = (power.max(axis=1) / power.sum(axis=1)).mean()
    assert circularity(noise(400, P, 64)).mean() == pytest.approx(expected, abs=0.01)  # sd 0.002


def test_circularity_is_free_of_scale_mean_rotation_and_labels():
    W_E = noise(P, 16)
    rotation, _ = np.linalg.qr(noise(16, 16, seed=1))
    order = (np.arange(P) * 3 + 5) % P
    for same in (1e-100 * W_E, W_E + noise(16, seed=2), W_E @ rotation, W_E[order]):
        assert circularity(same) == pytest.approx(circularity(W_E))
    stack = np.stack([W_E, noise(P, 16, seed=3)])
    np.testing.assert_allclose(circularity(stack), [circularity(stack[0]), circularity(stack[1])])


@pytest.mark.usefixtures("unchecked")
def test_wrong_embeddings_are_refused():
    with pytest.raises(ValueError, match=r"W_E: expected shape .*, got shape \(23,\)"):
        circularity(noise(P))
    with pytest.raises(ValueError, match=r"W_E: expected p odd .*, got p = 22"):
        circularity(noise(22, 8))
    with pytest.raises(ValueError, match="W_E: expected finite values"):
        circularity(np.full((P, 8), np.inf))
    for n_components in (0, P):
        with pytest.raises(
            ValueError, match=rf"n_components: expected a number in 1\.\.22, got {n_components}"
        ):
            circularity(noise(P, 8), n_components)


# gradient symmetricity


def test_a_network_that_sums_its_embeddings_is_symmetric_and_one_that_subtracts_them_opposed():
    g = noise(100, 16)
    for factor, expected in ((3.0, 1), (-0.1, -1)):
        mean, n_skipped = gradient_symmetricity(g, factor * g)
        assert mean == pytest.approx(expected) and n_skipped == 0


def test_the_gradients_of_a_product_are_symmetric_as_its_embeddings_are():
    x, y = noise(50, 8), noise(50, 8, seed=1)  # logit = x . y: its gradients are y and x
    mean, _ = gradient_symmetricity(y, x)
    slow = [x[t] @ y[t] / np.sqrt((x[t] @ x[t]) * (y[t] @ y[t])) for t in range(50)]
    assert mean == pytest.approx(np.mean(slow))


def test_random_gradients_have_no_symmetry():
    mean, _ = gradient_symmetricity(noise(4000, 128), noise(4000, 128, seed=1))
    assert mean == pytest.approx(0, abs=0.006)  # sd 0.0014


def test_symmetry_is_free_of_scale_rotation_and_order():
    a, b = noise(20, 8), noise(20, 8, seed=1)
    mean, _ = gradient_symmetricity(a, b)
    rotation, _ = np.linalg.qr(noise(8, 8, seed=2))
    for same in ((1e-200 * a, 1e200 * b), (a @ rotation, b @ rotation), (b, a), (a[::-1], b[::-1])):
        assert gradient_symmetricity(*same)[0] == pytest.approx(mean)


def test_triples_without_a_gradient_are_counted_and_left_out():
    a, b = noise(2, 5, 8), noise(2, 5, 8, seed=1)
    a[0, 1] = b[0, 3] = b[1] = 0
    mean, n_skipped = gradient_symmetricity(a, b)
    np.testing.assert_array_equal(n_skipped, [2, 5])
    assert mean[0] == pytest.approx(gradient_symmetricity(a[0, [0, 2, 4]], b[0, [0, 2, 4]])[0])
    assert np.isnan(mean[1])


@pytest.mark.usefixtures("unchecked")
def test_wrong_gradients_are_refused():
    with pytest.raises(ValueError, match=r"grad_b: expected the shape of grad_a, \(5, 8\), got \(4, 8\)"):
        gradient_symmetricity(noise(5, 8), noise(4, 8))
    with pytest.raises(
        ValueError, match=r"grad_a: expected shape \(\.\.\., n, d_model\).* got shape \(0, 8\)"
    ):
        gradient_symmetricity(noise(0, 8), noise(0, 8))
    with pytest.raises(ValueError, match="grad_b: expected finite values, got 40 NaN or infinite"):
        gradient_symmetricity(noise(5, 8), np.full((5, 8), np.nan))
