"""Training from Python: in this process, and from scripts and stdin."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from builders import TASK_MAX

from training import load_recipe, open_run, train
from training.api.in_process import launch_in_process
from training.cli.parser import Interrupted
from training.config.recipe_files import recipe_names
from training.execution.experiment import Experiment
from training.execution.scheduling.progress import Progress
from training.schema.toml_text import toml_document
from training.schema.validation import ConfigError, to_dict

SCRIPT = """
from training import load_recipe, train

run = train(load_recipe({recipe!r}), out={out!r}, jobs={jobs})
print(run["grokked_ticket", 0].t_gen, run["random", 0].mask.density)
"""
MINE = f"from training import load_recipe, train\n{TASK_MAX}"
MINE += """run = train(load_recipe({recipe!r}, overrides={{"task.name": "max"}}), out={out!r}, jobs={jobs})
print(len(run), run.recipe.task)
"""


@pytest.fixture
def script(recipe_file, tmp_path):
    """Return a function that runs a script and returns its output."""

    def run(jobs, text=SCRIPT, file=False):
        text = text.format(recipe=str(recipe_file), out=str(tmp_path / "runs"), jobs=jobs)
        path = tmp_path / "script.py"
        path.write_text(text)
        command, stdin = ([sys.executable, path], None) if file else ([sys.executable, "-"], text)
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, cwd=tmp_path, timeout=100, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.mark.parametrize("file", [True, False], ids=["script", "stdin"])
def test_without_a_main_guard_two_workers_train(script, finished, files_of, tmp_path, file):
    printed = script(2, file=file)
    assert files_of(tmp_path / "runs" / "tiny") == files_of(finished.path)
    run = open_run(tmp_path / "runs" / "tiny")
    assert printed == f"{run['grokked_ticket', 0].t_gen} {run['random', 0].mask.density}\n"


def test_arms_that_wait_for_each_other_are_trained_here(recipe, finished, files_of, tmp_path):
    chain = replace(recipe, arms={name: recipe.arms[name] for name in ("dense", "grokked_ticket")})
    before = multiprocessing.process._process_counter
    children = next(before)
    run = train(chain, out=tmp_path, jobs=2)
    assert next(before) == children + 1  # no process was started between
    expected = files_of(finished.path)
    assert files_of(run.path) == {name: expected[name] for name in files_of(run.path)} and len(run) == 2


def test_a_task_of_the_script_is_trained_in_its_process(script):
    assert script(2, MINE).startswith("4 Maximum(")


def test_one_job_trains_here_and_leaves_torch_as_it_was(recipe, finished, files_of, tmp_path):
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        run = train(recipe, out=tmp_path, jobs=1)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert sys.float_info.min * 0.5 > 0  # denormal numbers are not flushed
    assert files_of(run.path) == files_of(finished.path)
    assert {(network.arm, network.seed) for network in run} == {(arm, 0) for arm in recipe.arms}


def test_training_in_a_thread_and_from_its_saved_recipe(recipe, finished, files_of, tmp_path):
    runs = []
    thread = threading.Thread(target=lambda: runs.append(train(recipe, out=tmp_path, jobs=1)))
    thread.start()
    thread.join()
    again = train(runs[0].path / "recipe.toml", out=tmp_path / "again", jobs=1)
    assert files_of(runs[0].path) == files_of(again.path) == files_of(finished.path)


def test_ctrl_c_saves_and_the_next_call_resumes(recipe, finished, files_of, tmp_path):
    class Impatient(Progress):
        """Progress of a user who stops at the first report."""

        def __call__(self, *report):
            os.kill(os.getpid(), signal.SIGINT)

    def launch(queue, *rest):
        queue.progress = Impatient()
        launch_in_process(queue, *rest)

    before = signal.getsignal(signal.SIGINT)  # ignored where a shell has started the tests in the background
    with pytest.raises(Interrupted):
        Experiment(recipe, "", out=str(tmp_path), launch=launch).train("cpu", workers=1)
    assert len(list((tmp_path / "tiny").rglob("state.pt"))) == 1
    assert signal.getsignal(signal.SIGINT) is before
    assert files_of(train(recipe, out=tmp_path, jobs=1).path) == files_of(finished.path)


def test_a_device_that_is_not_there_is_one_line(recipe, tmp_path):
    with pytest.raises(ConfigError, match=r"^device: expected auto .* got 'cuda:77'$"):
        train(recipe, out=tmp_path, device="cuda:77", jobs=1)


@pytest.mark.parametrize("jobs", [0, -1])
def test_jobs_that_are_no_number_of_processes_are_refused(recipe, tmp_path, jobs):
    with pytest.raises(ConfigError, match=r"^jobs: expected a whole number from 1"):
        train(recipe, out=tmp_path, jobs=jobs)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"name": "modad_fast"}, "RECIPE"),
        ({"name": "modadd_fast", "overrides": {"pruning.sparsit": 0.7}}, "pruning.sparsit"),
        ({"name": "modadd_fast", "overrides": {"pruning.sparsity": object()}}, "pruning.sparsity"),
        ({"name": "modadd_fast", "overrides": "pruning.sparsity=0.7"}, "overrides"),
        (
            {"name": "modadd_fast", "arms": ["dense", "tickets"]},
            "arms: expected some of dense, grokked_ticket",
        ),
    ],
)
def test_a_wrong_argument_of_load_recipe_is_named(arguments, field):
    with pytest.raises(ConfigError) as error:
        load_recipe(**arguments)
    assert field in str(error.value) and "\n" not in str(error.value)


def test_overrides_are_values_or_texts():
    by_value = {"pruning.sparsity": np.float64(0.7), "task.name": "sub", "arms.dense.settle_steps": 10}
    texts = ["pruning.sparsity=0.7", "task.name=sub", "arms.dense.settle_steps=10"]
    assert load_recipe("modadd_fast", [3], by_value) == load_recipe("modadd_fast", [3], texts)
    assert load_recipe("modadd_fast", [3], by_value).task.name == "sub"


def test_chosen_arms_come_with_their_sources():
    recipe = load_recipe("modadd_fast", arms=["shuffled"])
    assert list(recipe.arms) == ["dense", "grokked_ticket", "shuffled"]


def test_every_recipe_survives_being_written_as_toml(tmp_path):
    path = tmp_path / "copy.toml"
    for name in recipe_names():
        recipe = load_recipe(name)
        path.write_text(toml_document(to_dict(recipe)))
        assert load_recipe(path) == recipe, name
