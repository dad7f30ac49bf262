"""Identity of an arm: its code, its platform, and its start."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from builders import changed_recipe, launch_here, train_group_of

from training.config.build_recipe import recipe_from_dict
from training.execution.experiment import Experiment
from training.execution.identity import arm_code as module
from training.execution.identity.arm_code import COMMON, NO_PART, arm_code
from training.execution.identity.device import platform_differences, platform_of
from training.execution.identity.start_record import command_line, commit
from training.models.registry import MODELS
from training.optimization.optimizers.registry import OPTIMIZERS
from training.optimization.parametrizations.registry import PARAMETRIZATIONS
from training.pruning.registry import METHODS, STARTS
from training.runs.atomic_files import RunError
from training.runs.run_directory import RunDir
from training.schema import code_digest
from training.schema.plugins import load_plugins, unload_plugin
from training.schema.validation import to_dict
from training.tasks.registry import TASKS

ROOT = Path(__file__).parents[3]
REGISTRIES_OF_PLUGINS = {
    *("training.models.registry", "training.tasks.registry", "training.optimization.optimizers.registry")
}
"""Modules that definitions in plug-ins import, and others do not."""
PLUGIN = """
from training.pruning.method import Method
from training.pruning.registry import METHODS

def smallest(subject):
    return subject.keep({name: -abs(w) for name, w in subject.final.items()})

def figure():
    return 1

METHODS["smallest"] = Method(smallest, source="weights")
"""


def imported(modules, cut=()):
    """Return the modules that the digest of some modules covers."""
    reached, pending = {}, list(modules)
    while pending:
        name = pending.pop()
        path = code_digest.source_file(name, code_digest.ROOT)
        if path is None or path.name == "__init__.py" or name in reached or name in cut:
            continue
        reached[name] = code_digest._read(path, path.stat().st_mtime_ns, name)[1]
        pending += reached[name]
    return set(reached)


def all_modules():
    """Return the modules from which the code of any arm is followed."""
    registries = (TASKS, MODELS, OPTIMIZERS, METHODS, STARTS, PARAMETRIZATIONS)
    values = [registry[name] for registry in registries for name in registry]
    return [*COMMON, *(name for value in values for name in module._defining_modules(value))]


def finish(recipe, out, **options):
    """Train what is not finished in this process; return the run."""
    Experiment(recipe, "", out=str(out), launch=launch_here).train("cpu", workers=1, **options)
    return RunDir(out / recipe.name)


def edit(path, **fields):
    """Change fields of a record; None removes one."""
    record = json.loads(path.read_text()) | fields
    removed = {name for name, value in fields.items() if value is None}
    path.write_text(json.dumps({name: value for name, value in record.items() if name not in removed}))


# --- code ------------------------------------------------------------------------------------------------


def test_every_module_that_is_no_part_is_imported_by_one_that_is():
    part = imported(all_modules(), cut=NO_PART)
    assert not part & set(NO_PART) and all(NO_PART.values())
    direct = {name for reached in part for name in _imports(reached)} | REGISTRIES_OF_PLUGINS
    assert set(NO_PART) <= direct, f"entries of no use: {sorted(set(NO_PART) - direct)}"


def _imports(name):
    path = code_digest.source_file(name, code_digest.ROOT)
    return code_digest._read(path, path.stat().st_mtime_ns, name)[1]


def test_what_decides_bytes_is_a_part_and_what_schedules_is_none():
    part = imported(all_modules(), cut=NO_PART)
    assert {
        *("training.optimization.engine", "training.optimization.optimizers.adamw"),
        *("training.pruning.magnitude", "training.pruning.mask_criteria", "training.pruning.initialization"),
        *("training.models.transformer.stacked_network", "training.models.kernels.pair_embedding"),
        *("training.tasks.modular", "training.tasks.losses", "training.inspection.outcomes"),
        *("training.config.settings", "interp.masks.topk", "interp.dynamics.threshold_crossings"),
        "training.optimization.parametrizations.edge_popup",
    } <= part
    for name in ("scheduler", "progress", "printed_tables", "experiment", "worker_process", "plan"):
        assert f"training.execution.{name}" not in part
    assert not any(
        name.startswith(("analyses", "figures", "training.cli", "training.adopt")) for name in part
    )


def test_the_code_of_an_arm_is_that_of_its_parts_and_of_its_sources(recipe):
    codes = {arm: arm_code(recipe, arm) for arm in recipe.arms}
    assert len(set(codes.values())) == 4 and all(len(code) == 16 for code in codes.values())
    other = changed_recipe(to_dict(recipe), "pruning.sparsity=0.5", "optimizer.lr=0.5", "name=other")
    assert {arm: arm_code(other, arm) for arm in other.arms} == codes  # config is hashed elsewhere
    sgd = changed_recipe(to_dict(recipe), "optimizer.name=sgd", "optimizer.lr=0.5")
    assert all(arm_code(sgd, arm) != codes[arm] for arm in sgd.arms)


def test_the_digest_needs_no_torch():
    code = (
        "import sys; from training.config.recipe_files import read_recipe; "
        "from training.execution.identity.arm_code import arm_code; "
        "recipe = read_recipe('modadd_fast')[0]; print(*(arm_code(recipe, a) for a in recipe.arms)); "
        "assert 'torch' not in sys.modules and 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True)


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("-abs(w)", "-(w * w)", {"smallest", "shuffled"}),
        ("return 1", "return 2", set()),
        ("def smallest(subject):", 'def smallest(subject):\n    """Keep them."""  # twice', set()),
    ],
)
def test_code_of_plugins_counts_for_arms_that_depend_on_it(tmp_path, content, old, new, changed):
    content["arms"] = {
        "dense": {},
        "random": {"method": "random"},
        "smallest": {"method": "smallest", "source": "dense"},
        "shuffled": {"method": "shuffled", "source": "smallest"},
    }

    def codes(text):
        path = tmp_path / "my_smallest.py"
        path.write_text(text)
        load_plugins([str(path)])
        try:
            recipe = recipe_from_dict(content)
            return {arm: arm_code(recipe, arm) for arm in recipe.arms}
        finally:
            unload_plugin("my_smallest")

    before, after = codes(PLUGIN), codes(PLUGIN.replace(old, new))
    assert {arm for arm in before if before[arm] != after[arm]} == changed


# --- records ---------------------------------------------------------------------------------------------


def test_records_name_code_platform_start_and_files(recipe, tmp_path):
    run = finish(recipe, tmp_path)
    (entry,) = run.provenance()
    for files in run.arms():
        done = files.done()
        assert done["code"] == arm_code(recipe, files.arm) and done["start"] == entry["id"]
        assert done["platform"] == platform_of("cpu") and done["platform"]["device"] == "cpu"
        assert done["files"] == files.file_hashes()
        expected = {"metrics.parquet", "checkpoints.safetensors"}
        assert set(done["files"]) == expected | ({"mask.safetensors"} if files.arm != "dense" else set())


def test_a_command_is_recorded_without_what_is_private(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    program = str(ROOT / "training" / "__main__.py")
    text = command_line([program, "/home/ada/my recipe.toml", "--seeds", "0"])
    assert text == "python -m training '~/my recipe.toml' --seeds 0"
    assert command_line(["/home/ada/launcher.py", "-f", "/run/secret.json"]) == "launcher.py"


def test_a_repository_around_the_code_gives_no_commit(tmp_path):
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    (tmp_path / "vendor" / "training").mkdir(parents=True)
    (tmp_path / "vendor" / "training" / "__init__.py").write_text("")
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "somebody else's"]):
        subprocess.run([*git, *arguments], check=True)
    assert commit(tmp_path / "vendor") is None  # tracked there, and not ours
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "__init__.py").write_text("")
    assert commit(tmp_path) is None  # not tracked
    for arguments in (["add", "."], ["commit", "-qm", "ours"]):
        subprocess.run([*git, *arguments], check=True)
    clean = commit(tmp_path)
    assert len(clean) == 40
    (tmp_path / "training" / "__init__.py").write_text("x = 1")
    assert commit(tmp_path) == f"{clean}+"


@pytest.mark.parametrize(
    ("field", "value"),
    [("code", 3), ("platform", ["cpu"]), ("files", {"mask": 3}), ("start", {}), ("compatible_code", "abc")],
)
def test_a_damaged_record_is_one_line_that_names_the_field(copied, field, value):
    edit(copied.arm("dense", 0).path / "DONE", **{field: value})
    with pytest.raises(RunError, match=rf"DONE: damaged: {field}: expected ") as error:
        copied.arm("dense", 0).done()
    assert "\n" not in str(error.value)


# --- other code, other platforms -------------------------------------------------------------------------


def test_finished_arms_of_other_code_are_kept_and_named(copied, recipe, files_of, capsys):
    edit(copied.arm("random", 0).path / "DONE", code="0123456789abcdef")
    before = files_of(copied.path)
    finish(recipe, copied.path.parent)
    assert files_of(copied.path) == before
    (line,) = capsys.readouterr().err.splitlines()
    assert "kept: random seed 0 (01234567); --force" in line


def test_arms_that_other_code_has_skipped_are_tried_again(copied, recipe):
    done = copied.arm("random", 0).done()
    for code, is_tried in ((done["code"], False), ("0123456789abcdef", True), (None, True)):
        copied.arm("random", 0).clear()
        skipped = {"hash": done["hash"], "reason": "diverged: a loss or norm is not finite"}
        copied.arm("random", 0).skip(skipped | ({} if code is None else {"code": code}))
        (row,) = [
            row for row in Experiment(recipe, "", str(copied.path.parent)).plan() if row["arm"] == "random"
        ]
        assert row["todo"] == ("train" if is_tried else "skip again")
        finish(recipe, copied.path.parent)
        assert (copied.arm("random", 0).done() is not None) == is_tried
        assert (copied.arm("random", 0).skipped() is None) == is_tried


@pytest.mark.parametrize("code", ["0123456789abcdef", None])
def test_an_arm_whose_replay_is_equal_is_taken_over_and_that_is_recorded(copied, recipe, code, capsys):
    edit(copied.arm("grokked_ticket", 0).path / "DONE", code=code)
    other = changed_recipe(to_dict(recipe), "name=other")
    todo = {row["arm"]: row["todo"] for row in Experiment(other, "", str(copied.path.parent)).plan()}
    assert todo["grokked_ticket"] == "replay, then take over" and todo["dense"] == "take over"
    run = finish(other, copied.path.parent)
    here = arm_code(recipe, "grokked_ticket")
    for files in (run.arm("grokked_ticket", 0), copied.arm("grokked_ticket", 0)):
        done = files.done()
        assert done["compatible_code"] == [here] and done.get("code") == code
    assert "taken_from" in run.arm("grokked_ticket", 0).done() and "not taken" not in capsys.readouterr().err
    again = Experiment(changed_recipe(to_dict(recipe), "name=third"), "", str(copied.path.parent)).plan()
    assert {row["todo"] for row in again} == {"take over"}


def test_another_platform_is_neither_taken_over_nor_resumed(copied, recipe, tmp_path, capsys):
    platform = dict(platform_of("cpu")) | {"cpu": "VSX", "torch": "1.0"}
    for files in copied.arms():
        edit(files.path / "DONE", platform=platform)
    only = {"dense": to_dict(recipe)["arms"]["dense"]}
    other = recipe_from_dict(to_dict(recipe) | {"name": "other", "arms": only})
    assert "taken_from" not in finish(other, copied.path.parent).arm("dense", 0).done()
    error = capsys.readouterr().err
    assert "another platform (cpu VSX, here " in error and "torch 1.0, here " in error
    assert error.count("\n") == 1 and "--accept-other" in error
    accepted = recipe_from_dict(to_dict(other) | {"name": "accepted"})
    shutil.rmtree(copied.path.parent / "other")
    run = finish(accepted, copied.path.parent, accept_other=True)
    assert run.arm("dense", 0).done()["platform"] == platform  # its own
    half = finish_half(recipe, tmp_path / "half", platform=platform)
    with pytest.raises(RunError, match=r"dense/seed_0: was begun by another platform \(cpu VSX") as refused:
        finish(recipe, half.path.parent)
    assert "\n" not in str(refused.value)
    finish(recipe, half.path.parent, accept_other=True)
    (mixed,) = half.arm("dense", 0).done()["accepted"]
    assert mixed["platform"] == platform and mixed["until_step"] == 30


def finish_half(recipe, out, **fields):
    """Return a run whose dense arm is half trained, fields of its state changed."""
    import torch
    from builders import stop_after

    from training.cli.parser import Interrupted

    run = RunDir(out / recipe.name)
    run.write_recipe("", to_dict(recipe))
    with pytest.raises(Interrupted):
        train_group_of(recipe, run, "dense", should_stop=stop_after(3))
    state = run.arm("dense", 0).state() | fields
    torch.save(state, run.arm("dense", 0).path / "state.pt")
    return run


def test_unknown_platforms_do_not_differ():
    here = platform_of("cpu")
    assert platform_differences({}, here) == "" and platform_differences(here, here) == ""
    assert platform_differences({"cpu": "VSX", "older": "1"}, here) == f"cpu VSX, here {here['cpu']}"


def test_a_neighbor_with_a_changed_file_is_not_taken_over(copied, recipe, capsys):
    done = copied.arm("dense", 0).path / "DONE"
    files = json.loads(done.read_text())["files"] | {"metrics.parquet": "0" * 64}
    edit(done, files=files)
    run = finish(changed_recipe(to_dict(recipe), "name=other"), copied.path.parent)
    assert "taken_from" not in run.arm("dense", 0).done()
    assert "metrics.parquet: its SHA-256 is not the one in DONE" in capsys.readouterr().err


# --- edits of the code, in a copied package --------------------------------------------------------------

BEGIN = """
from training import load_recipe, train
from training.cli.parser import Interrupted
from training.execution.jobs import Job
from training.execution.training_loop import train_group
from training.runs.run_directory import RunDir
from training.schema.validation import to_dict

recipe = load_recipe("tiny.toml")
train(recipe, out="runs", jobs=1)
run = RunDir("begun/tiny")
run.write_recipe("", to_dict(recipe))
answers = iter([False] * 6)
try:
    train_group(recipe, run, [Job("dense", 0)], "cpu", lambda *_: None, lambda: next(answers, True))
except Interrupted:
    pass
"""
GO_ON = """
import json
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
code = arm_code(fresh, "dense")
print(json.dumps({"code": code, "taken": done.get("taken_from"), "refusal": refusal}))
"""
ENGINE, BAR = "training/optimization/engine.py", "training/execution/progress.py"
EDITS = {
    "halved": [(ENGINE, "self.optimizer.lr_at(step))", "self.optimizer.lr_at(step) / 2)")],
    "renamed": [
        (
            ENGINE,
            "        for step in range(self.step",
            "        # every arm\n        for step in range(self.step",
        ),
        (BAR, "LINE_SECONDS = 30.0", "LINE_SECONDS = 45.0"),
        (ENGINE, "gradients = ", "rows = "),
        (ENGINE, "_update(gradients,", "_update(rows,"),
    ],
}


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """Return a copy of the package with a finished run and a half trained one."""
    folder = tmp_path_factory.mktemp("package")
    for package in ("interp", "training"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    arms = "[arms.dense]\nmin_steps = 150\nmax_steps = 200\nsettle_steps = 50\n"
    tables = "[task]\np = 7\n[model]\nd_emb = 12\nd_mlp = 16\n[measure]\ncheckpoints = [{every = 20}]\n"
    (folder / "tiny.toml").write_text(f"seeds = [0]\n{tables}{arms}")
    run_script(folder, BEGIN)
    return folder


def run_script(folder, script):
    """Run a script with the packages of a folder; return its stdout and stderr."""
    environment = {"PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1", "HOME": str(folder), "PATH": "/usr/bin"}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


@pytest.mark.parametrize("edited", EDITS)
def test_other_code_that_gives_other_bytes_is_refused_and_equal_code_is_not(begun, tmp_path, edited):
    folder = shutil.copytree(begun, tmp_path / "package")
    before = RunDir(folder / "runs" / "tiny").arm("dense", 0)
    for file, old, new in EDITS[edited]:
        text = (folder / file).read_text()
        assert text.count(old) == 1
        (folder / file).write_text(text.replace(old, new))
    out, err = run_script(folder, GO_ON)
    result = json.loads(out.splitlines()[-1])
    resumed = RunDir(folder / "begun" / "tiny").arm("dense", 0)
    code = before.done()["code"]
    assert result["code"] != code
    same = (resumed.path / "checkpoints.safetensors").read_bytes() == (
        before.path / "checkpoints.safetensors"
    ).read_bytes()
    if edited == "halved":
        assert result["taken"] is None and not same
        for text in (err, result["refusal"]):
            assert f"other code ({code[:8]}" in text and f"here {result['code'][:8]}" in text
            assert "at step 1" in text and "--accept-other" in text
        assert "\n" not in result["refusal"]
        (mixed,) = resumed.done()["accepted"]
        assert (
            mixed["code"] == code and mixed["until_step"] == 60 and resumed.done()["code"] == result["code"]
        )
    else:
        assert result["refusal"] is None and same
        assert result["taken"]["run"] == "tiny" and "accepted" not in resumed.done()
        assert resumed.done()["compatible_code"] == [code]
