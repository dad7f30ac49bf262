"""Curves whose crossings are known."""

import math

import numpy as np
import pytest

from interp.dynamics.threshold_crossings import (
    Crossing,
    GrokkingTimes,
    first_crossing,
    grokking_times,
    half_decrease_step,
)

STEPS = np.arange(0, 100, 10)


def jump(at, low=0.1, high=1.0):
    """Curve that is low before step `at` and high from there on."""
    return np.where(at <= STEPS, high, low)


def slow_crossing(steps, values, threshold):
    below = None
    for step, value in zip(steps, values, strict=True):
        if math.isnan(value):
            continue
        if value >= threshold:
            return below, step
        below = step
    return below, None


# crossings


@pytest.mark.parametrize(
    ("at", "expected", "text"),
    [
        (35, Crossing(30, 40, 90), "(30, 40]"),
        (40, Crossing(30, 40, 90), "(30, 40]"),
        (90, Crossing(80, 90, 90), "(80, 90]"),
        (0, Crossing(None, 0, 90), "<= 0"),
        (91, Crossing(90, None, 90), "> 90"),
    ],
)
def test_a_jump_is_found_where_it_is(at, expected, text):
    crossing = first_crossing(STEPS, jump(at), 0.95)
    assert crossing == expected
    assert str(crossing) == text
    assert crossing.censored == (at > 90)


def test_the_bounds_hold_the_true_time():
    for at in range(1, 91):
        crossing = first_crossing(STEPS, jump(at), 0.95)
        assert crossing.lower < at <= crossing.upper
    assert first_crossing(STEPS, jump(200), 0.95).lower == 90
    assert first_crossing(STEPS, jump(200), 0.95).upper == math.inf
    assert first_crossing(STEPS + 7, jump(0), 0.95).lower == 0


def test_reaching_the_threshold_exactly_counts_and_a_relapse_does_not():
    values = np.array([0.0, 0.95, 0.2, 1.0])
    assert first_crossing(STEPS[:4], values, 0.95) == Crossing(0, 10, 30)
    assert first_crossing(STEPS[:4], -values, -0.95, "down") == Crossing(0, 10, 30)


def test_steps_where_nothing_was_measured_are_skipped():
    values = np.array([np.nan, 0.1, np.nan, 0.99, np.nan])
    assert first_crossing(STEPS[:5], values, 0.95) == Crossing(10, 30, 30)
    assert first_crossing(STEPS[:5], values, 0.999) == Crossing(30, None, 30)


def test_crossings_match_the_loop():
    for seed in range(50):
        rng = np.random.default_rng(seed)
        values = rng.uniform(0, 1, 10)
        values[rng.uniform(size=10) < 0.3] = np.nan
        values[rng.integers(10)] = 0.5
        crossing = first_crossing(STEPS, values, 0.8)
        assert (crossing.last_before, crossing.at) == slow_crossing(STEPS.tolist(), values.tolist(), 0.8)


def test_crossings_turn_upside_down_and_move_with_the_steps():
    values = np.random.default_rng(0).uniform(0, 1, 10)
    up = first_crossing(STEPS, values, 0.8)
    assert first_crossing(STEPS, -values, -0.8, "down") == up
    moved = first_crossing(STEPS + 5, values, 0.8)
    assert (moved.last_before, moved.at) == (up.last_before + 5, up.at + 5)


def test_an_infinite_loss_is_a_measurement():
    assert first_crossing(STEPS[:3], np.array([np.inf, np.inf, 0.0]), 0.1, "down") == Crossing(10, 20, 20)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("steps", "values", "message"),
    [
        ([0, 10, 10], [0.0, 0.0, 0.0], "strictly increasing .* got 10, 10"),
        ([0, 20, 10], [0.0, 0.0, 0.0], "strictly increasing .* got 20, 10"),
        ([-1, 0], [0.0, 0.0], "strictly increasing whole numbers from 0, got -1"),
        ([0, 1], [0.0], r"one length, got shapes \(2,\), \(1,\)"),
        ([[0, 1]], [[0.0, 1.0]], "two lists of one length"),
        ([0, 1], [np.nan, np.nan], "values: expected a measurement, got 2 values, all NaN"),
        ([], [], "got 0 values"),
    ],
)
def test_malformed_curves_are_refused(steps, values, message):
    for measure in (lambda t, y: first_crossing(t, y, 0.95), half_decrease_step):
        with pytest.raises(ValueError, match=message):
            measure(np.array(steps, dtype=int), np.array(values))


@pytest.mark.usefixtures("unchecked")
def test_unknown_directions_and_levels_are_refused():
    with pytest.raises(ValueError, match="direction: expected 'up' or 'down', got 'left'"):
        first_crossing(STEPS, jump(30), 0.95, "left")
    with pytest.raises(ValueError, match="threshold: expected a number"):
        first_crossing(STEPS, jump(30), math.nan)


# grokking times


def test_tau_is_the_ratio_of_times_with_bounds_around_the_true_one():
    times = grokking_times(STEPS, jump(15), jump(75))
    assert (times.t_mem, times.t_gen) == (Crossing(10, 20, 90), Crossing(70, 80, 90))
    assert times.tau == 4
    assert times.tau_bounds == (70 / 20, 80 / 10)
    assert times.tau_bounds[0] < 75 / 15 <= times.tau_bounds[1]


def test_losses_cross_a_given_threshold_downwards():
    times = grokking_times(STEPS, -jump(20), -jump(60), threshold=-0.5, direction="down")
    assert (times.t_mem.at, times.t_gen.at) == (20, 60)


def test_train_and_test_may_be_measured_at_different_steps():
    train, test = jump(20), jump(60)
    test[[1, 3, 5]] = np.nan
    times = grokking_times(STEPS, train, test)
    assert str(times.t_mem) == "(10, 20]" and str(times.t_gen) == "(40, 60]"


@pytest.mark.parametrize(
    ("t_mem", "t_gen", "tau_bounds"),
    [
        (Crossing(10, 20, 90), Crossing(90, None, 90), (90 / 20, math.inf)),
        (Crossing(90, None, 90), Crossing(50, 60, 90), (0, 60 / 90)),
        (Crossing(90, None, 90), Crossing(90, None, 90), (0, math.inf)),
        (Crossing(None, 0, 90), Crossing(50, 60, 90), (0, math.inf)),
    ],
)
def test_a_censored_or_instant_time_leaves_no_tau_but_bounds(t_mem, t_gen, tau_bounds):
    times = GrokkingTimes(t_mem, t_gen)
    assert math.isnan(times.tau)
    assert times.tau_bounds == tau_bounds


def test_memorised_by_the_first_measurement_has_a_tau_and_no_upper_bound():
    times = GrokkingTimes(Crossing(None, 10, 90), Crossing(50, 60, 90))
    assert times.tau == 6
    assert times.tau_bounds == (5, math.inf)


# half fall


def test_half_decrease_of_a_line_is_half_way_and_of_an_exponential_at_its_half_life():
    assert half_decrease_step(STEPS, 5 - STEPS / 100) == Crossing(40, 50, 90)
    halving = 0.5 ** (np.arange(60) / 7) + 3
    assert half_decrease_step(np.arange(60), halving).at == 7
    assert half_decrease_step(STEPS, 5 - STEPS / 100, fraction=1.0) == Crossing(80, 90, 90)


def test_a_rise_before_and_after_the_decrease_does_not_count():
    values = np.array([3.4, 3.5, 3.4, 2.6, 2.3, 1.4, 1.6])
    assert half_decrease_step(STEPS[:7], values) == Crossing(30, 40, 60)


def test_the_half_decrease_is_free_of_scale_and_offset_and_skips_nan():
    values = np.array([3.4, np.nan, 3.4, 2.6, 2.3, 1.4, 1.6])
    assert (
        half_decrease_step(STEPS[:7], 100 * values - 8)
        == half_decrease_step(STEPS[:7], values)
        == Crossing(30, 40, 60)
    )


@pytest.mark.parametrize("values", [np.ones(10), np.arange(10.0)])
def test_a_curve_that_does_not_decrease_is_censored(values):
    assert half_decrease_step(STEPS, values) == Crossing(90, None, 90)


def test_half_decreases_of_a_zero_fraction_or_infinite_values_are_refused():
    with pytest.raises(ValueError, match=r"fraction: expected a number in \(0, 1\], got 0.0"):
        half_decrease_step(STEPS, jump(30), 0.0)
    with pytest.raises(ValueError, match="values: expected finite values or NaN"):
        half_decrease_step(STEPS, jump(30, low=np.inf))
