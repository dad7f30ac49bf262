"""One tiny experiment, and the ways in which tests train it."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tomllib

import pytest
import torch

from training.config.build_recipe import recipe_from_dict
from training.execution.jobs import jobs
from training.execution.training_loop import train_group
from training.runs.run_directory import RunDir
from training.schema.validation import to_dict

torch.set_num_threads(1)  # as every worker does; two test processes with two threads each spin on two cores

# Seven residues, and every test pair has its transpose in the training set: a network that adds its two
# embeddings generalises as soon as it has memorised, in some 80 steps.
TINY = """
about = "a network small enough for tests"
seeds = [0]

[task]
p = 7
pairs = "ordered"
frac_train = 0.9

[model]
d_emb = 12
d_mlp = 16

[optimizer]
lr = 1e-2

[measure]
eval_every = 10
checkpoint_every = 100
early_checkpoint_every = 20
early_until = 60

[arms.dense]
min_steps = 150
max_steps = 500
settle_steps = 50

[arms.grokked_ticket]
method = "magnitude"
source = "dense"
max_steps = 130

[arms.random]
method = "random"
max_steps = 125

[arms.shuffled]
method = "shuffled"
source = "grokked_ticket"
max_steps = 130
"""


@pytest.fixture
def content():
    """The tiny recipe as plain values, to be changed at will."""
    return {"name": "tiny"} | tomllib.loads(TINY)


@pytest.fixture
def recipe(content):
    return recipe_from_dict(content)


@pytest.fixture
def recipe_file(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="session")
def train_all():
    """Train every arm in this process, one after the other; the run, and the arms that were not trained."""

    def train(recipe, path, should_stop=lambda: False):
        run, skipped = RunDir(path), []
        for job in jobs(recipe, recipe.seeds):
            skipped += train_group(recipe, run, [job], "cpu", lambda *_: None, should_stop)
        return run, skipped

    return train


@pytest.fixture(scope="session")
def finished(tmp_path_factory, train_all):
    """A finished tiny run. Not to be written to."""
    recipe = recipe_from_dict({"name": "tiny"} | tomllib.loads(TINY))
    run, skipped = train_all(recipe, tmp_path_factory.mktemp("runs") / "tiny")
    assert skipped == []
    return run


@pytest.fixture
def copied(finished, recipe, tmp_path):
    """The finished run copied to `tmp_path/runs/tiny`, with its config, to be broken at will."""
    shutil.copytree(finished.path, tmp_path / "runs" / "tiny")
    run = RunDir(tmp_path / "runs" / "tiny")
    run.write_recipe(TINY, to_dict(recipe))
    return run


@pytest.fixture(scope="session")
def files_of():
    """The bytes of everything that a run's arms hold, by path; locks aside."""

    def read(path):
        return {
            str(file.relative_to(path)): file.read_bytes()
            for file in sorted((path / "arms").rglob("*"))
            if file.is_file() and file.name != ".lock"
        }

    return read


class Started(subprocess.Popen):
    """A real process in a process group of its own."""

    def result(self):
        """Exit code, stdout and stderr."""
        out, err = self.communicate(timeout=60)
        return self.returncode, out, err


@pytest.fixture
def start():
    """Start `python -m training ...`, or another program, and see that nothing of it outlives the test."""
    started = []

    def run(*arguments, program=("-m", "training"), **options):
        command = [sys.executable, *program, *map(str, arguments)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        process = Started(command, env=environment, text=True, start_new_session=True, **(pipes | options))
        started.append(process)
        return process

    yield run
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture
def command(start):
    """Run `python -m training ...` to its end: exit code, stdout and stderr."""
    return lambda *arguments, **options: start(*arguments, **options).result()
