import pytest

from analyses.loading.chosen_networks import open_networks
from analyses.loading.landmark_checkpoints import landmark_indices


@pytest.fixture(scope="module")
def networks(tiny_run):
    """Return the networks of the tiny run by arm and seed."""
    return {(network.arm, network.seed): network for network in open_networks(str(tiny_run)).finished}


def test_landmarks_are_the_first_checkpoints_at_or_after_the_steps(networks):
    dense = networks["dense", 0]
    at = landmark_indices(dense, dense.metrics)
    steps = {name: int(dense.steps[index]) for name, index in at.items()}
    between = 2000  # first checkpoint from √(100 × 6000) = 775
    assert steps == {"start": 0, "memorised": 100, "between": between, "generalised": 6000, "end": 8000}


def test_a_landmark_that_is_not_reached_is_left_out(networks):
    random = networks["random", 0]
    assert list(landmark_indices(random, random.metrics)) == ["start", "memorised", "end"]
    assert landmark_indices(random, None) == {"start": 0, "end": len(random.steps) - 1}
