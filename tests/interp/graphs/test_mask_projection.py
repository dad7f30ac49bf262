from math import comb

import numpy as np
import pytest

from interp.graphs.mask_projection import validated_projection
from interp.graphs.null_models import null_masks
from interp.masks.random_masks import rewired_mask


def joined(mask, alpha=0.01):
    """Return the edges by counting whole numbers, pair by pair."""
    n, m = mask.shape
    edges = {}
    for i in range(m):
        for j in range(i + 1, m):
            c, d = int(mask[:, i].sum()), int(mask[:, j].sum())
            shared = int((mask[:, i] & mask[:, j]).sum())
            ways = sum(comb(c, x) * comb(n - c, d - x) for x in range(shared, min(c, d) + 1))
            if ways * comb(m, 2) < alpha * comb(n, d):
                edges[i, j] = (shared, c * d / n)
    return edges


@pytest.mark.parametrize("seed", range(3))
def test_edges_are_those_of_the_exact_counts(seed):
    generator = np.random.default_rng(seed)
    mask = generator.random((60, 14)) < 0.4
    mask[:, 4:8] = mask[:, [0, 1, 2, 3]] ^ (generator.random((60, 4)) < 0.1)  # near copies
    pairs, shared, expected = validated_projection(mask)
    got = dict(
        zip(map(tuple, pairs.tolist()), zip(shared.tolist(), expected.tolist(), strict=True), strict=True)
    )
    known = joined(mask)
    assert got.keys() == known.keys() and {(0, 4), (1, 5), (2, 6), (3, 7)} <= got.keys()
    for pair, (n, chance) in known.items():
        assert got[pair] == (n, pytest.approx(chance))


def test_planted_groups_are_found_and_no_random_mask_has_them():
    generator = np.random.default_rng(0)
    groups = np.arange(40) % 4
    mask = np.kron(np.eye(4), np.ones((50, 1))).astype(bool)[:, groups]
    mask ^= generator.random(mask.shape) < 0.1
    pairs, _, _ = validated_projection(mask)
    assert len(pairs) == 4 * 45 and (groups[pairs[:, 0]] == groups[pairs[:, 1]]).all()
    for kind in ("density", "degree"):
        counts = [len(validated_projection(m)[0]) for (m,) in null_masks([mask], generator, n=20, kind=kind)]
        assert sum(n > 0 for n in counts) <= 3


def test_unequal_sources_alone_make_edges_which_a_mask_of_equal_degrees_has_too():
    generator = np.random.default_rng(1)
    mask = generator.random((200, 20)) < np.where(np.arange(200) < 60, 0.95, 0.05)[:, None]
    assert (
        len(validated_projection(mask)[0])
        == len(validated_projection(rewired_mask(mask, generator))[0])
        == 190
    )


def test_empty_units_and_single_units_have_no_edges():
    assert len(validated_projection(np.zeros((5, 4), dtype=bool))[0]) == 0
    assert len(validated_projection(np.ones((5, 1), dtype=bool))[0]) == 0
    assert len(validated_projection(np.ones((5, 4), dtype=bool))[0]) == 0


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="mask: expected a bool matrix"):
        validated_projection(np.zeros((0, 4), dtype=bool))
    with pytest.raises(ValueError, match=r"alpha: expected a number in \(0, 1\), got 1.0"):
        validated_projection(np.ones((2, 2), dtype=bool), alpha=1.0)
