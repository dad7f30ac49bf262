"""Networks in which one way of removal misleads, by construction."""

import numpy as np
import pytest

from analyses.ablation.checkpoint_removals import Checkpoint, measure_checkpoint
from analyses.ablation.schema import COMPONENTS
from training.config.settings import Setting
from training.models.one_hot_mlp.architecture import OneHotMLP
from training.optimization.optimizers import AdamW
from training.tasks.modular import ModularTask

P, N = 11, 24
"""Residues, and neurons of each of the two frequencies that do the task."""
RESIDUES = 2 * np.pi * np.arange(P) / P


def clock(k, scale=1.2):
    """Return input and output weights of N neurons that add by one frequency."""
    phases = 2 * np.pi * np.arange(N)[:, None] / N
    return scale * np.cos(k * RESIDUES + phases), 8 * np.cos(k * RESIDUES + 2 * phases)


def idle_pair(height=6.0):
    """Return weights of two neurons whose large constant activations cancel in the logits.

    One has frequency 4, the other 5, both nearly no amplitude.
    """
    reads = height / 2 + np.stack([1e-3 * np.cos(k * RESIDUES) for k in (4, 5)])
    writes = np.zeros((2, P))
    writes[:, 0] = 5, -5
    return reads, writes


@pytest.fixture(scope="module")
def measured():
    """Return removals of frequencies 1 and 2, which each do the task."""
    parts = [clock(1), clock(2), idle_pair()]
    reads, writes = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    task = ModularTask(name="add", p=P, pairs="ordered", frac_train=1.0)
    setting = Setting(task, OneHotMLP(d_mlp=len(reads)), AdamW(), 0.95)
    weights = {"W_in": reads.T, "W_out": writes}
    return measure_checkpoint(Checkpoint(setting, weights, 0, tuple(COMPONENTS), True))


def importance(measured, k, removal):
    losses = {(row["component"], row["unit"], row["removal"]): row["train_loss"] for row in measured.rows}
    return losses["frequency", k, removal] - losses["network", 0, "none"]


def test_zero_overstates_neurons_that_only_add_a_constant(measured):
    base = measured.rows[0]
    assert base["component"] == "network" and base["train_acc"] == 1
    for k in (4, 5):
        assert importance(measured, k, "zero") > 0.5
        for removal in ("mean", "resample"):
            assert abs(importance(measured, k, removal)) < 0.05
    zero = {row["size"]: row for row in measured.sets if row["removal"] == "zero"}
    assert zero[4]["single_sum"] > 2 * abs(zero[4]["without_loss"] - np.log(P))  # the pair cancels as a set


@pytest.mark.parametrize("removal", ["mean", "zero"])
def test_one_by_one_understates_frequencies_that_replace_each_other(measured, removal):
    one_by_one = [importance(measured, k, removal) for k in (1, 2)]
    sets = {row["size"]: row for row in measured.sets if row["removal"] == removal}
    assert {sets[1]["frequency"], sets[2]["frequency"]} == {1, 2}
    together = sets[2]["without_loss"] - sets[0]["without_loss"]
    assert sets[2]["single_sum"] == pytest.approx(sum(one_by_one))
    assert together > 2 and together > 5 * sum(one_by_one)
    assert sets[1]["completeness"] < 0.8 and sets[2]["completeness"] > 0.9
