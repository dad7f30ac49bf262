import numpy as np
import pytest

from training.pruning.method import CannotPrune
from training.pruning.registry import METHODS


def test_every_unit_keeps_its_degrees_in_another_mask(subject, model, same):
    ticket = METHODS["magnitude"].prune(subject(model))
    before = {name: is_kept.copy() for name, is_kept in ticket.items()}
    mask = METHODS["degree_preserving"].prune(subject(model, source_mask=ticket))
    assert list(mask) == list(ticket)
    assert not same(mask, ticket)
    assert same(ticket, before)
    for name, is_kept in ticket.items():
        assert (mask[name].sum(-2) == is_kept.sum(-2)).all()  # of every head by itself
        assert (mask[name].sum(-1) == is_kept.sum(-1)).all()
    assert not same(mask, METHODS["degree_preserving"].prune(subject(model, source_mask=ticket, seed=1)))


def test_all_masks_with_the_degrees_of_a_diagonal_are_equally_frequent(subject):
    """Three units with one partner each have six masks, the permutations."""
    source, rng = {"W_E": np.eye(3, dtype=bool)}, np.random.default_rng(0)
    seen: dict[bytes, int] = {}
    for _ in range(600):
        s = subject(source_mask=source, seed=int(rng.integers(2**32)))
        try:
            mask = METHODS["degree_preserving"].prune(s)["W_E"]
        except CannotPrune:
            mask = source["W_E"]
        seen[mask.tobytes()] = seen.get(mask.tobytes(), 0) + 1
    assert len(seen) == 6
    assert max(abs(count - 100) for count in seen.values()) < 45  # five standard deviations


def test_degrees_with_a_single_mask_are_refused(subject):
    rows = {"W_E": np.array([[True, True, True], [False, False, False]]), "W_U": np.ones((2, 2), bool)}
    with pytest.raises(CannotPrune, match="no other mask"):
        METHODS["degree_preserving"].prune(subject(source_mask=rows))
