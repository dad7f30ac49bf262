import itertools

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from interp.masks.overlap import (
    chance_jaccard_distance,
    chance_jaccard_distances,
    jaccard_distance,
    jaccard_distances,
    overlap_excess,
    overlap_z_scores,
)
from interp.masks.random_masks import shuffled_mask


def two_masks(seed):
    rng = np.random.default_rng(seed)
    return tuple(
        {"W_E": rng.random((5, 8)) < share, "W_U": rng.random((8, 3)) < 1 - share} for share in (0.4, 0.7)
    )


@pytest.mark.parametrize("seed", range(4))
def test_distance_equals_that_of_sets(seed):
    a, b = two_masks(seed)
    sets = [{(name, *place) for name in m for place in np.argwhere(m[name]).tolist()} for m in (a, b)]
    distances = jaccard_distances(a, b)
    assert distances["global"] == pytest.approx(
        1 - len(sets[0] & sets[1]) / len(sets[0] | sets[1]), abs=1e-15
    )
    for name in a:
        of_layer = [{entry for entry in places if entry[0] == name} for places in sets]
        expected = 1 - len(of_layer[0] & of_layer[1]) / len(of_layer[0] | of_layer[1])
        assert distances[name] == pytest.approx(expected, abs=1e-15)


def test_ends_of_the_scale():
    a = np.array([[True, False], [True, False]])
    assert jaccard_distance(a, a) == 0.0
    assert jaccard_distance(a, ~a) == 1.0
    empty = np.zeros((2, 2), dtype=bool)
    assert jaccard_distance(empty, empty) == 0.0
    assert jaccard_distance(empty, a) == 1.0
    assert jaccard_distances({"a": empty}, {"a": empty}) == {"a": 0.0, "global": 0.0}


def test_distance_is_symmetric_and_blind_to_a_common_permutation():
    rng = np.random.default_rng(0)
    a, b = rng.random((6, 7)) < 0.5, rng.random((6, 7)) < 0.5
    rows, columns = rng.permutation(6), rng.permutation(7)
    assert jaccard_distance(a, b) == jaccard_distance(b, a)
    assert jaccard_distance(a, b) == jaccard_distance(a[rows][:, columns], b[rows][:, columns])


def test_chance_is_the_mean_over_independent_masks():
    assert chance_jaccard_distance(0.4, 0.4) == pytest.approx(0.75, abs=1e-15)
    assert chance_jaccard_distance(0.0, 0.0) == 0.0
    assert chance_jaccard_distance(0.0, 0.3) == 1.0
    assert chance_jaccard_distance(1.0, 0.3) == pytest.approx(0.7)
    rng = np.random.default_rng(1)
    a = {"W_E": rng.random((200, 300)) < 0.3, "W_U": rng.random((300, 100)) < 0.9}
    distances, chance = jaccard_distances(a, shuffled_mask(a, rng)), chance_jaccard_distances(a, a)
    assert chance.keys() == distances.keys()
    for name, value in chance.items():
        assert distances[name] == pytest.approx(value, abs=0.01)
    from_global_density = chance_jaccard_distance(*[0.5] * 2)
    assert chance["global"] < from_global_density - 0.05


def test_masks_that_cannot_be_compared_are_refused():
    a = {"W_E": np.ones((2, 3), dtype=bool)}
    with pytest.raises(ValueError, match="shapes of a"):
        jaccard_distances(a, {"W_E": np.ones((3, 2), dtype=bool)})
    with pytest.raises(ValueError, match="shapes of a"):
        chance_jaccard_distances(a, {"W_U": np.ones((2, 3), dtype=bool)})
    with pytest.raises(ValueError, match="shapes of a"):
        overlap_z_scores(a, {"W_E": np.ones((3, 2), dtype=bool)})
    with pytest.raises(ValueError, match="density_b"):
        chance_jaccard_distance(0.5, 1.5)
    with pytest.raises((ValueError, TypeCheckError)):
        jaccard_distance(np.ones((2, 3), dtype=bool), np.ones((3, 2), dtype=bool))


def test_chance_and_z_are_those_of_masks_shuffled_within_layers():
    rng = np.random.default_rng(3)
    a, b = two_masks(0)
    a = {name: np.tile(m, (6, 5)) for name, m in a.items()}
    b = {name: np.tile(m, (6, 5)) for name, m in b.items()}
    drawn = [(shuffled_mask(a, rng), shuffled_mask(b, rng)) for _ in range(2000)]
    distances = [jaccard_distances(*pair) for pair in drawn]
    z = [overlap_z_scores(*pair) for pair in drawn]
    chance = chance_jaccard_distances(a, b)
    for name in (*a, "global"):
        samples = np.array([d[name] for d in distances])
        assert abs(samples.mean() - chance[name]) < 4 * samples.std() / np.sqrt(len(samples))
        scores = np.array([s[name] for s in z])
        assert abs(scores.mean()) < 0.1 and scores.std() == pytest.approx(1, abs=0.08)


def test_z_uses_the_moments_over_all_placements():
    a = {"W_E": np.array([True, True, False, False, True]), "W_U": np.array([[True, False, False, True]])}
    b = {"W_E": np.array([True, False, False, True, False]), "W_U": np.array([[False, False, True, True]])}

    def common(name):
        n, n_kept = a[name].size, int(b[name].sum())
        return [
            sum(a[name].ravel()[i] for i in places) for places in itertools.combinations(range(n), n_kept)
        ]

    both = [x + y for x, y in itertools.product(common("W_E"), common("W_U"))]
    for name, counts in (("W_E", common("W_E")), ("W_U", common("W_U")), ("global", both)):
        distances = 2 if name == "global" else 1
        assert overlap_z_scores(a, b)[name] == pytest.approx(
            (distances - np.mean(counts)) / np.std(counts), abs=1e-12
        )


def test_z_is_symmetric_and_grows_with_the_overlap():
    a, b = two_masks(1)
    assert overlap_z_scores(a, b) == pytest.approx(overlap_z_scores(b, a))
    half = {name: np.where(np.arange(m.size).reshape(m.shape) % 2, a[name], m) for name, m in b.items()}
    assert (
        overlap_z_scores(a, b)["global"]
        < overlap_z_scores(a, half)["global"]
        < overlap_z_scores(a, a)["global"]
    )


def test_z_of_overlaps_that_cannot_vary_is_nan():
    full = {"W_E": np.ones((2, 3), dtype=bool), "W_U": np.array([True])}
    assert all(np.isnan(z) for z in overlap_z_scores(full, full).values())


def test_excess_goes_from_chance_to_equal_masks():
    assert overlap_excess(0.25, 0.25) == 0
    assert overlap_excess(1.0, 0.25) == 1
    assert overlap_excess(0.0, 0.25) == pytest.approx(-1 / 3)
    assert np.isnan(overlap_excess(1.0, 1.0))
    with pytest.raises(ValueError, match="chance: expected a number in"):
        overlap_excess(0.5, 1.5)
