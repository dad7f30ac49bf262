"""A tiny experiment, trained in this process or in others."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tomllib

import pytest
import torch
from builders import never_stop, train_every_arm

from training.config.build_recipe import recipe_from_dict
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
checkpoints = [{every = 100}, {every = 20, last = 60}]

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
    """Return the tiny recipe as plain values that a test may change."""
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
    """Return a function that trains every arm in this process.

    The function returns the run, and the skipped arms with their reasons.
    """

    def train(recipe, path, should_stop=never_stop):
        run = RunDir(path)
        return run, train_every_arm(recipe, run, should_stop)

    return train


@pytest.fixture(scope="session")
def tiny_recipe():
    """Return the recipe of `finished`."""
    return recipe_from_dict({"name": "tiny"} | tomllib.loads(TINY))


@pytest.fixture(scope="session")
def finished(tmp_path_factory, tiny_recipe, train_all):
    """Return a finished tiny run; tests only read this run."""
    run, skipped = train_all(tiny_recipe, tmp_path_factory.mktemp("runs") / "tiny")
    assert skipped == []
    return run


@pytest.fixture
def copied(finished, recipe, tmp_path):
    """Return a copy of the finished run, with its config, to damage."""
    shutil.copytree(finished.path, tmp_path / "runs" / "tiny")
    run = RunDir(tmp_path / "runs" / "tiny")
    run.write_recipe(TINY, to_dict(recipe))
    return run


@pytest.fixture(scope="session")
def files_of():
    """Return a function that reads all files of arms but locks, by path; DONE without its start."""

    def content(file):
        if file.name not in ("DONE", "SKIPPED"):
            return file.read_bytes()
        return {name: value for name, value in json.loads(file.read_text()).items() if name != "start"}

    def read(path):
        return {
            str(file.relative_to(path)): content(file)
            for file in sorted((path / "arms").rglob("*"))
            if file.is_file() and file.name != ".lock" and ".replaced" not in file.parts
        }

    return read


class Started(subprocess.Popen):
    """Process in a new process group."""

    def result(self):
        """Return exit code, stdout and stderr."""
        out, err = self.communicate(timeout=60)
        return self.returncode, out, err


@pytest.fixture
def start():
    """Return a function that starts `python -m training` or another program.

    All processes are killed after the test.
    """
    started = []

    def run(*arguments, program=("-m", "training"), **options):
        command = [sys.executable, *program, *map(str, arguments)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        environment = {"env": os.environ | {"OMP_NUM_THREADS": "1"}}
        options = pipes | environment | options
        process = Started(command, text=True, start_new_session=True, **options)
        started.append(process)
        return process

    yield run
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture
def command(start):
    """Return a function that runs `python -m training` and returns the result."""
    return lambda *arguments, **options: start(*arguments, **options).result()
