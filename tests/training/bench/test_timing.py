"""Rounds, spreads, floors and exponents of the bench: their arithmetic."""

import itertools

import numpy as np
import pytest
from builders import launch_here

from training.bench.comparison import measure
from training.bench.device_speed import device_speed
from training.bench.floor import copy_bandwidth, step_bytes
from training.bench.growth import exponent, growth, sizes_of
from training.bench.overhead import sweep_overhead
from training.bench.timing import Contestant, Spread, ratios, seconds_per_step, timed
from training.config.recipe_files import read_recipe


@pytest.fixture
def recipe(recipe_file):
    return read_recipe(str(recipe_file))[0]


def test_contestants_are_called_in_turn_and_the_first_round_is_not_counted():
    calls = []
    contestants = {name: Contestant(lambda name=name: calls.append(name), 2) for name in "ab"}
    took = seconds_per_step(contestants, rounds=3, seconds=0.0)
    assert calls == list("ab" * 4) and {name: len(values) for name, values in took.items()} == {
        "a": 3,
        "b": 3,
    }


def test_a_contestant_is_called_until_its_time_is_up():
    calls = itertools.count()
    assert timed(lambda: next(calls), 0.01) < 0.01
    assert next(calls) > 10


def test_a_spread_has_quartiles_from_five_rounds_and_the_range_below():
    assert Spread.of([5.0, 1.0, 3.0]) == Spread(3.0, 1.0, 5.0, 3)
    many = Spread.of([float(i) for i in range(1, 100)])
    assert (many.median, many.low, many.high, many.rounds) == (50, 25, 75, 99)
    assert ratios([2.0, 9.0, 8.0], [1.0, 3.0, 2.0]) == Spread(3.0, 2.0, 4.0, 3)


def test_an_exponent_is_the_slope_with_an_interval_that_widens():
    sizes = np.repeat([10.0, 20.0, 40.0, 80.0], 3)
    exact = exponent(sizes.tolist(), (7 * sizes**1.5).tolist())
    assert exact["exponent"] == pytest.approx(1.5) and exact["high"] - exact["low"] < 1e-6
    noisy = exponent(sizes.tolist(), (7 * sizes**1.5 * np.tile([0.8, 1, 1.25], 4)).tolist())
    assert noisy["exponent"] == pytest.approx(1.5) and 0.05 < noisy["high"] - noisy["low"] < 1


def test_the_bytes_of_an_update_are_those_of_four_reads_and_three_writes():
    assert step_bytes(1000, 2) == 7 * 4 * 1000
    assert step_bytes(1000, 0) == 3 * 4 * 1000  # plain descent reads w and g, and writes w
    assert copy_bandwidth("cpu", n_bytes=2**12, repeats=2) > 0


def test_a_batch_is_compared_with_one_network_and_with_the_floor(recipe):
    rows = device_speed(recipe, "cpu", [2, 3], bandwidth=1e9, rounds=1, seconds=0.0)
    setting = recipe.setting("dense")
    n_weights = sum(int(np.prod(shape)) for shape in setting.shapes().values())
    for row in rows:
        assert row["engine / floor"] == pytest.approx(1e9 / (28 * n_weights) / row["arm-steps per second"])
    gains = [row["times one by one"] / row["arm-steps per second"] for row in rows]
    assert gains[0] == pytest.approx(gains[1])


def test_a_batch_that_does_not_fit_is_named_not_measured(recipe):
    rows = device_speed(recipe, "cpu", [1, 10**9], 1e9, rounds=1, seconds=0.0, free_memory=2**30)
    assert rows[0]["times one by one"] == 1
    assert rows[1]["needs"] > 2**30 and "arm-steps per second" not in rows[1]


def test_a_slow_network_is_warmed_up_for_fewer_steps(recipe):
    row = measure(recipe, "cpu", 1, 1, seconds=0.0, warm_up_steps=10**6, warm_up_seconds=0.01)
    assert 0 < row["warm-up steps"] < 10**6
    assert measure(recipe, "cpu", 1, 1, seconds=0.0, warm_up_steps=20)["warm-up steps"] == 20


def test_growth_has_a_row_per_quantity_that_a_model_has(recipe):
    rows = growth(recipe, recipe.setting("dense"), "cpu", rounds=1, seconds=0.0)
    assert [row["grows with"] for row in rows] == ["p", "width", "arms", "checkpoints", "checkpoints"]
    assert all(row["low"] <= row["exponent"] <= row["high"] for row in rows)
    he, _ = read_recipe("h_standard")
    widths = {setting.shapes()["W_in"][1] for setting in sizes_of(he.setting("dense"))["p"].values()}
    assert widths == {512}  # by default the width follows p
    parity, _ = read_recipe("m_parity")
    (width,) = sizes_of(parity.setting("dense")).values()
    assert [setting.model.widths for setting in width.values()] == [(100,), (200,), (400,), (800,)]


def test_the_overhead_of_a_sweep_is_the_difference_to_bare_steps():
    row = sweep_overhead(n_arms=3, few=1, steps=20, launch=launch_here)
    assert row["overhead per arm"] == pytest.approx(row["arm in the sweep"] - row["arm alone"])
    assert row["sweep / alone"] == pytest.approx(row["arm in the sweep"] / row["arm alone"])
    assert (row["arms"], row["steps"]) == (3, 20)
