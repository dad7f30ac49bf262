"""Edits of the code, in copies of the package."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from builders import half_trained_run

from training.runs.run_directory import RunDir
from training.schema.toml_text import toml_document
from training.schema.validation import to_dict

ROOT = Path(__file__).parents[4]
GO_ON = """
import json, os, sys

def go_on():
    from training import load_recipe, train
    from training.api.in_process import launch_in_process
    from training.execution.experiment import Experiment
    from training.execution.identity.arm_code import arm_code
    from training.runs.atomic_files import RunError

    fresh = load_recipe("tiny.toml", overrides={"name": "fresh"})
    done = train(fresh, out="runs", jobs=1).files.arm("dense", 0).done()
    refusal = None
    try:
        train(load_recipe("tiny.toml"), out="begun", jobs=1)
    except RunError as error:
        refusal = str(error)
        again = Experiment(load_recipe("tiny.toml"), "", out="begun", launch=launch_in_process)
        again.train("cpu", 1, accept_other=True)
    return {"code": arm_code(fresh, "dense"), "taken": done.get("taken_from"), "refusal": refusal}

for folder in sys.argv[1:]:  # the libraries are imported once, the package of every folder
    for name in [name for name in sys.modules if name.partition(".")[0] in ("interp", "training")]:
        del sys.modules[name]
    sys.path[0] = folder
    os.chdir(folder)
    print(f"--- {folder}", file=sys.stderr)
    print(json.dumps(go_on()))
"""
ENGINE, BAR = "training/optimization/stacked_training.py", "training/execution/scheduling/progress.py"
LOOP = "        gradients = self.parametrization"
UPDATES = "training/optimization/updates.py"
EDITS = {
    "halved": [
        (UPDATES, "optimizer.lr_at(ages[part.stop - 1]))", "optimizer.lr_at(ages[part.stop - 1]) / 2)")
    ],
    "renamed": [(ENGINE, "gradients = ", "rows = "), (ENGINE, "_update(gradients,", "_update(rows,")],
    "comment": [(ENGINE, LOOP, f"        # every arm\n{LOOP}")],
    "progress bar": [(BAR, "LINE_SECONDS = 15.0", "LINE_SECONDS = 45.0")],
}
"""By name, texts of files and what stands in their place."""


@pytest.fixture(scope="session")
def begun(tmp_path_factory, tiny_recipe, finished):
    """Return a folder with the packages, a finished run and a half trained one."""
    folder = tmp_path_factory.mktemp("package")
    for package in ("interp", "training"):
        shutil.copytree(ROOT / package, folder / package)  # with compiled files, which stay valid
    recipe = replace(tiny_recipe, arms={"dense": tiny_recipe.arms["dense"]})
    (folder / "tiny.toml").write_text(toml_document(to_dict(recipe)))
    run = RunDir(folder / "runs" / "tiny")
    run.write_recipe("", to_dict(recipe))
    shutil.copytree(finished.arm("dense", 0).path, run.arm("dense", 0).path)
    half_trained_run(recipe, folder / "begun")
    shutil.copytree(folder / "begun", folder / "begun_too")
    return folder


@pytest.fixture(scope="session")
def edited(begun, tmp_path_factory):
    """Return folder, result and stderr of every edit: training with it in both runs."""
    folders = {}
    for name, edits in EDITS.items():
        folders[name] = shutil.copytree(begun, tmp_path_factory.mktemp("edited") / "package")
        for file, old, new in edits:
            text = (folders[name] / file).read_text()
            assert text.count(old) == 1, f"{file}: {old}"
            (folders[name] / file).write_text(text.replace(old, new))
    command = [sys.executable, "-c", GO_ON, *map(str, folders.values())]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, env=environment, cwd=begun, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    results = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    texts = done.stderr.split("--- ")[1:]
    return {name: found for name, *found in zip(folders, folders.values(), results, texts, strict=True)}


def same_checkpoints(some, others):
    return len({(arm.path / "checkpoints.safetensors").read_bytes() for arm in (some, others)}) == 1


def test_other_bytes_are_neither_taken_over_nor_resumed(edited):
    folder, result, err = edited["halved"]
    before = RunDir(folder / "runs" / "tiny").arm("dense", 0)
    resumed = RunDir(folder / "begun" / "tiny").arm("dense", 0)
    code = before.done()["code"]
    assert result["code"] != code and result["taken"] is None and not same_checkpoints(before, resumed)
    for text in (err, result["refusal"]):
        assert f"other code ({code[:8]}" in text and f"here {result['code'][:8]}" in text
        assert "at step 1" in text and "--accept-other" in text
    assert "\n" not in result["refusal"]
    (mixed,) = resumed.done()["accepted"]
    assert mixed["code"] == code and mixed["until_step"] == 30
    assert resumed.done()["code"] == result["code"]


def test_the_command_that_would_resume_other_bytes_is_one_line(edited, command):
    folder, _, _ = edited["halved"]
    run = folder / "begun_too" / "tiny"
    before = {path: path.read_bytes() for path in run.glob("arms/*/*/*") if path.name != ".lock"}
    arguments = ("tiny.toml", "--out", "begun_too", "--jobs", 1)
    code, out, err = command(*arguments, cwd=folder, env=os.environ | {"PYTHONPATH": str(folder)})
    assert (code, out) == (1, "") and {path: path.read_bytes() for path in before} == before
    (line,) = [line for line in err.splitlines() if line.startswith("error: ")]
    assert "was begun by other code" in line and "--accept-other" in line


@pytest.mark.parametrize("name", ["renamed", "comment", "progress bar"])
def test_equal_bytes_are_taken_over_and_resumed(edited, name):
    folder, result, _ = edited[name]
    before = RunDir(folder / "runs" / "tiny").arm("dense", 0)
    resumed = RunDir(folder / "begun" / "tiny").arm("dense", 0)
    code = before.done()["code"]
    assert result["refusal"] is None and same_checkpoints(before, resumed)
    assert result["taken"]["run"] == "tiny" and "accepted" not in resumed.done()
    assert (result["code"] == code) == (name != "renamed")
    assert resumed.done().get("compatible_code", []) == ([code] if name == "renamed" else [])
