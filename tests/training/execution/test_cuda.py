"""On a CUDA device, every recipe trains as on the CPU."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from builders import begin_run

from training.config.build_recipe import recipe_from_dict
from training.config.quick_version import quick_content
from training.config.recipe_files import read_recipe, recipe_names
from training.execution.arms.arm_in_training import ArmInTraining
from training.execution.arms.jobs import ArmTask, Job
from training.execution.arms.slot_training import SlotTraining
from training.execution.arms.sources.reasons import NotTrained
from training.execution.arms.sources.starting_point import starting_point
from training.optimization.engine import Engine
from training.schema.validation import to_dict

STEPS = 20
EQUAL_AT_START = ("biprop", "supermask")
"""Forms that train apart: sums of biprop's signs are 0 up to rounding, and supermask draws on the device."""
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


def shortened(name):
    """Return a packaged recipe whose arms take few steps, for two seeds."""
    content = quick_content(to_dict(read_recipe(name)[0]), {"max_steps": STEPS}) | {"seeds": [0, 1]}
    content["pruning"]["require_generalised"] = False
    content["measure"] |= {"eval_every": 10, "checkpoints": [{"every": 10}]}
    return recipe_from_dict(content)


def train(arms, device):
    """Train started arms together in double precision, in which rounding changes no decision."""
    for arm in arms:
        weights = {name: w.astype(np.float64) for name, w in arm.start.weights.items()}
        arm.start = replace(arm.start, weights=weights)
    training = SlotTraining(arms, device, lambda *_: None, is_pipelined=device != "cpu")
    ended = []
    while training.arms:
        ended += training.advance()
    return [arm.reason for arm in ended if arm.reason is not None]


def test_a_transformer_as_written_computes_on_the_device():
    setting = read_recipe("m_transformer")[0].setting("dense")
    data, weights = setting.examples(), setting.initial_weights(0)
    engine = Engine(setting.model, setting.optimizer, data, [weights], [None], "cuda")
    rows = {name: w[0] for name, w in engine.weights.items()}
    network = setting.model.implementation().as_written(rows)
    logits = network(torch.as_tensor(data.inputs[:5], device="cuda"))
    expected = setting.model.implementation().as_written(weights)(torch.as_tensor(data.inputs[:5]))
    torch.testing.assert_close(logits.cpu(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", sorted(set(recipe_names()) - {"modadd_sweep"}))
def test_a_recipe_trains_as_on_the_cpu(name, tmp_path):
    recipe = shortened(name)
    runs = {device: begin_run(tmp_path / device, recipe) for device in ("cpu", "cuda")}
    n_compared = 0
    for arm in recipe.arms:
        jobs = [Job(arm, seed) for seed in recipe.seeds]
        try:
            starts = [starting_point(recipe, runs["cpu"], job) for job in jobs]
        except NotTrained:
            continue
        for device, run in runs.items():
            tasks = [ArmTask(recipe, run, job) for job in jobs]
            arms = [ArmInTraining(*args, device) for args in zip(tasks, starts, strict=True)]
            assert not train(arms, device), arm
        for seed in recipe.seeds:
            on_cpu, on_gpu = (run.arm(arm, seed) for run in runs.values())
            np.testing.assert_array_equal(on_gpu.steps(), on_cpu.steps())
            n_equal = 1 if recipe.arms[arm].form in EQUAL_AT_START else None
            actual = on_gpu.checkpoints()
            for weight, expected in on_cpu.checkpoints().items():
                tolerance = 1e-5 * np.abs(expected).max()
                pair = (actual[weight][:n_equal], expected[:n_equal])
                np.testing.assert_allclose(*pair, rtol=0, atol=tolerance, err_msg=arm)
            metrics = [files.metrics().to_numpy()[:n_equal] for files in (on_gpu, on_cpu)]
            np.testing.assert_allclose(*metrics, rtol=1e-5, atol=1e-9, err_msg=arm)
            n_compared += 1
    assert n_compared > 0
