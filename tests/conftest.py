"""Runs with planted weights, and tiny trained runs.

The weights of the tiny run are written without any training. Neuron i of every fully trained network reads
A cos(2 pi k_i j / p + phi_i) and writes B cos(2 pi k_i j / p + psi_i), the last neuron is dead; at step 0 the
weights are noise, between the two a mixture.
"""

import os
import shutil

import numpy as np
import pytest
from builders import AnalysedRun, begin_run, metrics_of, train_every_arm

from interp.masks.random_masks import random_mask
from interp.masks.topk import magnitude_mask
from interp.spectra.fourier import fourier_basis
from training.config.arm_config import arm_record
from training.config.build_recipe import recipe_from_dict

P, D_EMB, D_MLP = 11, 10, 6
SPARSITY = 0.25
STEPS = {
    "dense": [0, 100, 200, 2000, 4000, 6000, 8000],
    "grokked_ticket": [0, 100, 200, 1000],
    "random": [0, 100, 2000],
}
MIX = {0: 0.0, 100: 0.1, 200: 0.15, 1000: 1.0, 2000: 0.3, 4000: 0.6, 6000: 0.9, 8000: 1.0}
T_GEN = {"dense": (6000, 7500), "grokked_ticket": (300, 300), "random": (None, None)}
FREQUENCY = np.array([1, 2, 3, 3, 5])
PHI = np.array([0.3, -1.2, 2.5, 0.0, 1.9])
MISALIGNMENT = np.array([0.1, -0.1, 0.0, 0.2, 0.0])
AMPLITUDE = np.array([2.0, 1.5, 1.0, 1.2, 0.9])
SHARED = ("tiny_runs", "analysed", "tiny_page")
"""Slow fixtures that tests of several files share."""


def pytest_configure(config):
    """Hide the machine's GPUs from all tests but those that `-m gpu` asks for.

    The others compare bytes, which a GPU does not give twice.
    """
    if config.option.markexpr != "gpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""


def pytest_collection_modifyitems(items):
    """Group tests that share slow fixtures into one process.

    `--dist loadgroup` runs the tests of one file, and all tests that draw from tiny runs of the recipes, in
    one process each, so that a session fixture is made once.
    """
    for item in items:
        shared = next((name for name in SHARED if name in item.fixturenames), str(item.path))
        item.add_marker(pytest.mark.xdist_group(shared))


@pytest.fixture(scope="session")
def recipe(planted_recipe):
    return planted_recipe


@pytest.fixture(scope="session")
def planted_recipe():
    arms = {
        "dense": {"max_steps": 8000},
        "grokked_ticket": {"method": "magnitude", "source": "dense"},
        "random": {"method": "random"},
    }
    content = {"name": "tiny", "seeds": [0, 1], "task": {"name": "add", "p": P}, "arms": arms}
    content |= {"model": {"d_emb": D_EMB, "d_mlp": D_MLP}, "pruning": {"sparsity": SPARSITY}}
    return recipe_from_dict(content)


@pytest.fixture(scope="session")
def planted():
    """Return the planted numbers by name."""
    return {
        "frequency": FREQUENCY,
        "phi": PHI,
        "psi": np.angle(np.exp(1j * (2 * PHI - MISALIGNMENT))),
        "D": MISALIGNMENT,
        "amplitude": AMPLITUDE,
        "t_gen": T_GEN,
        "n_neurons": D_MLP,
        "p": P,
        "sparsity": SPARSITY,
        "steps": STEPS,
    }


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory, planted_recipe):
    """Return the path of a run with planted weights.

    Tests write to `--out` or to `tiny_copy`, never to this run.
    """
    run = begin_run(tmp_path_factory.mktemp("runs") / "tiny", planted_recipe)
    for seed in planted_recipe.seeds:
        final = _trained()
        rng = np.random.default_rng(seed)
        start = {name: rng.normal(scale=0.3, size=w.shape) for name, w in final.items()}
        shapes = {name: w.shape for name, w in final.items()}
        masks = {
            "dense": None,
            "grokked_ticket": magnitude_mask(_stacked(start, final, [8000], None), 1 - SPARSITY),
            "random": random_mask({name: (1, *shape) for name, shape in shapes.items()}, 1 - SPARSITY, rng),
        }
        for arm, mask in masks.items():
            _write_arm(run, planted_recipe, arm, seed, start, final, mask)
    return run.path


@pytest.fixture
def tiny_copy(tiny_run, tmp_path):
    """Return a copy of the tiny run to damage."""
    return shutil.copytree(tiny_run, tmp_path / "tiny")


@pytest.fixture(scope="session")
def analysed(tiny_run, tmp_path_factory):
    """Return the tiny run with its analyses; tests only read this run."""
    return AnalysedRun(shutil.copytree(tiny_run, tmp_path_factory.mktemp("analysed") / "tiny"))


@pytest.fixture
def house_style():
    """Draw in the style of all figures, and close them afterwards."""
    import matplotlib.pyplot as plt

    from figures.drawing.render import STYLE

    with plt.style.context(STYLE):
        yield
    plt.close("all")


@pytest.fixture(scope="session")
def new_run(tmp_path_factory):
    """Return a function that makes a run without arms from a content."""

    def make(content):
        recipe = recipe_from_dict(content)
        return begin_run(tmp_path_factory.mktemp("runs") / recipe.name, recipe), recipe

    return make


@pytest.fixture(scope="session")
def trained_run(new_run):
    """Return a function that trains every network of a content."""

    def train(content):
        run, recipe = new_run(content)
        assert train_every_arm(recipe, run) == []
        return run

    return train


@pytest.fixture(scope="session")
def single_frequency_run(trained_run):
    """Return a function that trains two networks with one frequency per neuron.

    Their inputs are one-hot, their seeds 0 and 1.
    """

    def train(activation, steps=300, init_scale=0.06, p=P, **optimizer):
        model = {"name": "one_hot_mlp", "activation": activation, "d_mlp": 40, "init": "single_frequency"}
        content = {
            "name": "single",
            "seeds": [0, 1],
            "arms": {"dense": {"min_steps": steps, "max_steps": steps}},
        }
        content |= {"task": {"name": "add", "p": p, "pairs": "ordered", "frac_train": 1.0}}
        content |= {"model": model | {"init_scale": init_scale}, "measure": {"checkpoints": [{"every": 50}]}}
        plain = {"name": "sgd", "lr": 0.1, "weight_decay": 0.0, "warmup_steps": 10}
        return trained_run(content | {"optimizer": plain | optimizer}).path

    return train


@pytest.fixture(scope="session")
def square_run(single_frequency_run):
    """Return a single-frequency run with x², while logits are small."""
    return single_frequency_run("square")


@pytest.fixture(scope="session")
def relu_run(single_frequency_run):
    """Return a single-frequency run with ReLU."""
    return single_frequency_run("relu", init_scale=0.01, lr=0.02)


def _write_arm(run, recipe, arm, seed, start, final, mask):
    files = run.arm(arm, seed)
    files.write_checkpoints(np.array(STEPS[arm]), _stacked(start, final, STEPS[arm], mask))
    if mask is not None:
        files.write_mask({name: is_kept[0] for name, is_kept in mask.items()})
    files.write_metrics(_metrics(STEPS[arm][-1], T_GEN[arm][seed]))
    source = {"arm": "dense", "seed": seed, "step": 8000} if recipe.arms[arm].source else None
    files.finish(arm_record(recipe, arm, seed) | {"steps": STEPS[arm][-1], "source": source})


def _trained():
    """Return weights whose maps are exactly the planted cosines.

    W_E holds the basis, W_in picks from it.
    """
    basis = fourier_basis(P)[1:] * np.sqrt(P / 2)  # (2K, p), cosines and sines of amplitude 1
    W_in, W_out = np.zeros((D_EMB, D_MLP)), np.zeros((D_MLP, D_EMB))
    psi = 2 * PHI - MISALIGNMENT
    for i, k in enumerate(FREQUENCY):
        W_in[2 * k - 2 : 2 * k, i] = AMPLITUDE[i] * np.array([np.cos(PHI[i]), -np.sin(PHI[i])])
        W_out[i, 2 * k - 2 : 2 * k] = AMPLITUDE[i] * np.array([np.cos(psi[i]), -np.sin(psi[i])])
    return {"W_E": basis.T, "W_in": W_in, "W_out": W_out, "W_U": basis}


def _stacked(start, final, steps, mask):
    mixed = {
        name: np.stack([(1 - MIX[step]) * start[name] + MIX[step] * final[name] for step in steps])
        for name in final
    }
    is_kept = {name: True if mask is None else mask[name] for name in final}
    return {name: np.where(is_kept[name], w, 0).astype(np.float32) for name, w in mixed.items()}


def _metrics(last, t_gen):
    step = np.arange(0, last + 1, 50)
    train = np.where(step >= 100, 1.0, 0.1)
    test = np.full(len(step), 0.1) if t_gen is None else np.clip(0.95 + (step - t_gen) / 4000, 0.1, 1)
    return metrics_of(step, train, test)
