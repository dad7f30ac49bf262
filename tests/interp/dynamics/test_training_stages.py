"""Curves whose stages are known."""

import numpy as np
import pytest

from interp.dynamics.threshold_crossings import Crossing, first_crossing
from interp.dynamics.training_stages import grokking_stages

STEPS = np.arange(0, 1000, 10)


def jump(at):
    return np.where(at <= STEPS, 1.0, 0.1)


def hill(top):
    return 30 - np.abs(STEPS - top) / 100


def test_planted_stages_come_back():
    stages = grokking_stages(STEPS, jump(95), jump(640), hill(610))
    assert stages.stage_1_end == Crossing(90, 100, 990)
    assert stages.stage_2_end == Crossing(630, 640, 990)
    assert (stages.norm_peak_step, stages.norm_peak) == (610, 30.0)


def test_norms_may_be_measured_at_fewer_steps():
    sparse = np.where(STEPS % 250 == 0, hill(610), np.nan)
    stages = grokking_stages(STEPS, jump(95), jump(640), sparse)
    assert stages.norm_peak_step == 500
    assert stages.stage_2_end == grokking_stages(STEPS, jump(95), jump(640), hill(610)).stage_2_end


def test_the_first_of_equal_peaks_and_the_ends_of_the_curve_count():
    twice = np.where((STEPS == 200) | (STEPS == 700), 9.0, 1.0)
    assert grokking_stages(STEPS, jump(95), jump(640), twice).norm_peak_step == 200
    assert grokking_stages(STEPS, jump(95), jump(640), 1.0 * STEPS).norm_peak_step == 990
    assert grokking_stages(STEPS, jump(95), jump(640), -1.0 * STEPS).norm_peak_step == 0


def test_stages_match_the_loop_whatever_the_unit_of_the_norm():
    rng = np.random.default_rng(0)
    train, test, norm = rng.random((3, len(STEPS)))
    stages = grokking_stages(STEPS, train, test, norm, threshold=0.9)
    best = 0
    for i in range(len(STEPS)):
        if norm[i] > norm[best]:
            best = i
    assert stages.norm_peak_step == STEPS[best]
    assert stages.stage_1_end == first_crossing(STEPS, train, 0.9)
    assert stages.stage_2_end == first_crossing(STEPS, test, 0.9)
    scaled = grokking_stages(STEPS, train, test, 1e-9 * norm, threshold=0.9)
    assert scaled.norm_peak_step == stages.norm_peak_step
    assert scaled.norm_peak == pytest.approx(1e-9 * stages.norm_peak)


def test_a_stage_that_does_not_end_is_censored():
    stages = grokking_stages(STEPS, jump(95), jump(5000), hill(400))
    assert str(stages.stage_2_end) == "> 990" and not stages.stage_1_end.censored


def test_curves_of_nan_are_refused():
    for missing in range(3):
        curves = [jump(95), jump(640), hill(400)]
        curves[missing] = np.full(len(STEPS), np.nan)
        with pytest.raises(ValueError, match="values: expected a measurement, got 100 values, all NaN"):
            grokking_stages(STEPS, *curves)
    with pytest.raises(ValueError, match="steps: expected strictly increasing whole numbers from 0"):
        grokking_stages(STEPS[::-1], jump(95), jump(640), hill(400))
