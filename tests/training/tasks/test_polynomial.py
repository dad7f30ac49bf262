"""Polynomial regression: y is the square of one coordinate."""

import numpy as np
import pytest

from training.config.build_recipe import recipe_from_dict
from training.schema.validation import ConfigError
from training.tasks.polynomial import PolynomialTask


def test_the_papers_sizes():
    task = PolynomialTask()
    data = task.build()
    assert data.inputs.shape == (200, 40) and data.targets.shape == (200, 1) and data.n_train == 100
    assert (task.n_inputs, task.n_outputs) == (40, 1)
    assert data.labels is None


def test_targets_are_a_square_of_a_linear_map():
    """2y is a quadratic form xᵀAx of rank 1.

    All of A is fitted, without β.
    """
    d = 6
    data = PolynomialTask(d=d, n_train=20, n_test=30).build()
    upper = np.triu_indices(d)
    monomials = data.inputs[:, upper[0]] * data.inputs[:, upper[1]]
    coefficients, residual, rank, _ = np.linalg.lstsq(monomials, data.targets[:, 0])
    assert rank == 21 and residual.item() < 1e-20
    form = np.zeros((d, d))
    form[upper] = coefficients
    values = np.linalg.eigvalsh(form + form.T)
    np.testing.assert_allclose(values[:-1], 0, atol=1e-10)
    beta = np.random.default_rng(0).standard_normal(d)
    assert values[-1] == pytest.approx(beta @ beta)


def test_moments_follow_from_the_definition():
    data = PolynomialTask(d=40, n_train=20_000, n_test=20_000, data_seed=3).build()
    assert data.inputs.std() * np.sqrt(40) == pytest.approx(1, abs=5e-3)
    means = [PolynomialTask(data_seed=seed).build().targets.mean() for seed in range(300)]
    assert np.mean(means) == pytest.approx(0.5, abs=0.03)


def test_data_depend_on_the_seed_only():
    first, again, other = (PolynomialTask(data_seed=seed).build() for seed in (5, 5, 6))
    assert first.inputs.tobytes() == again.inputs.tobytes()
    assert first.targets.tobytes() == again.targets.tobytes()
    assert not np.any(first.inputs == other.inputs)


def test_the_hidden_direction_does_not_depend_on_the_number_of_examples():
    small, large = (PolynomialTask(d=3, n_train=n, n_test=5).build() for n in (10, 50))
    np.testing.assert_array_equal(small.inputs[:10], large.inputs[:10])
    np.testing.assert_array_equal(small.targets[:10], large.targets[:10])


@pytest.mark.parametrize(("d", "floor"), [(5, 0.0515), (40, 0.0089)])
def test_least_loss_of_a_network_without_biases(d, floor):
    """The best function without biases is a multiple of y/|x|.

    Without biases a stretched x stretches its value; the factor is fitted by least squares.
    """
    data = PolynomialTask(d=d, n_train=100_000, n_test=1).build()
    y, length = data.targets[:, 0], np.linalg.norm(data.inputs, axis=1)
    (factor,), (left,), *_ = np.linalg.lstsq((y / length)[:, None], y)
    beta = np.random.default_rng(0).standard_normal(d)
    assert left / len(y) / (beta @ beta / d) ** 2 == pytest.approx(floor, rel=0.05)
    assert factor == pytest.approx(np.mean(length**3) / np.mean(length**2), rel=0.01)


def test_the_criterion_is_the_loss():
    task, model = {"name": "polynomial", "loss_threshold": 0.02}, {"name": "mlp"}
    recipe = recipe_from_dict({"name": "any", "task": task, "model": model, "arms": {"dense": {}}})
    criterion = recipe.setting("dense").criterion
    assert (criterion.train, criterion.test) == ("train_loss", "test_loss")
    assert criterion.met(0.02) and not criterion.met(0.021)


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ({"d": 0}, "d: expected a whole number from 1, got 0"),
        ({"n_train": 0}, "n_train: expected a whole number from 1, got 0"),
        ({"n_test": -1}, "n_test: expected a whole number from 1, got -1"),
        ({"data_seed": -1}, "data_seed: expected a whole number from 0, got -1"),
        ({"loss_threshold": 0.0}, "loss_threshold: expected a number above 0, got 0.0"),
        ({"loss_threshold": float("nan")}, "loss_threshold: expected a number above 0, got nan"),
    ],
)
def test_wrong_settings_are_refused(setting, expected):
    with pytest.raises(ConfigError, match=expected):
        PolynomialTask(**setting)
