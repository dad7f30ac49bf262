"""On a CUDA device, every recipe trains as on the CPU."""

import numpy as np
import pytest
import torch
from builders import begin_run, never_stop

from training.config.build_recipe import recipe_from_dict
from training.config.quick_version import quick_content
from training.config.recipe_files import read_recipe, recipe_names
from training.execution.jobs import Job
from training.execution.training_loop import train_group
from training.schema.validation import to_dict

STEPS = 20
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


def shortened(name):
    """Return a packaged recipe whose arms take few steps, for two seeds."""
    content = quick_content(to_dict(read_recipe(name)[0]), {"max_steps": STEPS}) | {"seeds": [0, 1]}
    content["pruning"]["require_generalised"] = False
    content["measure"] |= {"eval_every": 10, "checkpoint_every": 10}
    return recipe_from_dict(content)


def trained(path, recipe, device):
    """Return a run whose arms were trained on a device, the seeds of an arm together."""
    run = begin_run(path, recipe)
    for arm in recipe.arms:
        train_group(recipe, run, [Job(arm, s) for s in recipe.seeds], device, lambda *_: None, never_stop)
    return run


@pytest.mark.parametrize("name", sorted(set(recipe_names()) - {"modadd_sweep"}))
def test_a_recipe_trains_as_on_the_cpu(name, tmp_path):
    recipe = shortened(name)
    on_cpu, on_gpu = (trained(tmp_path / device, recipe, device) for device in ("cpu", "cuda"))
    n_compared = 0
    for files in on_cpu.arms():
        twin = on_gpu.arm(files.arm, files.seed)
        assert (twin.done() is None) == (files.done() is None)
        if files.done() is None:
            continue
        n_compared += 1
        np.testing.assert_array_equal(twin.steps(), files.steps())
        masks = (files.mask(), twin.mask())
        differing = [] if masks[0] is None else [(masks[0][w] != masks[1][w]).mean() for w in masks[0]]
        assert max(differing, default=0) <= 0.005, files.arm  # scores that tie up to rounding
        if max(differing, default=0) > 0:
            continue
        theirs = twin.checkpoints()
        for weight, values in files.checkpoints().items():
            scale = np.abs(values).max()
            np.testing.assert_allclose(theirs[weight], values, rtol=0, atol=2e-3 * scale, err_msg=files.arm)
    assert n_compared > 0
