"""Arguments, output and exit codes of `python -m training`."""

import json
import os
import resource
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import partialmethod

import pytest
import torch
from builders import launch_here

from training.__main__ import main
from training.config.listing import SECTIONS
from training.config.recipe_files import read_recipe, recipe_names
from training.execution.experiment import Experiment
from training.execution.printed_tables import outcome_table
from training.inspection.outcomes import outcomes
from training.models.registry import MODELS
from training.optimization.events import EVENTS
from training.optimization.optimizers import OPTIMIZERS
from training.optimization.parametrizations.registry import PARAMETRIZATIONS
from training.pruning.registry import METHODS, STARTS
from training.runs.replaced_arms import move_aside
from training.tasks.registry import TASKS


def outcome(argv, capsys):
    """Return exit code, stdout and stderr of `main(argv)`."""
    try:
        code = main([str(a) for a in argv])
    except SystemExit as end:
        code = end.code
    return code, *capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "expected RECIPE or --all-of COLLECTION, and not both"),
        ("tiny.toml --all-of minegishi", "expected RECIPE or --all-of COLLECTION, and not both"),
        ("--all-of shakespeare", "--all-of: expected one of he, minegishi, nanda, got 'shakespeare'"),
        ("nonsense", "RECIPE: expected one of branch, elastic_depth, "),
        ("nowhere.toml", "RECIPE: expected a file or the folder of a run, and nowhere.toml is neither"),
        ("TINY --set task.p=8", "task.p: expected an odd number from 3, got 8"),
        ("TINY --set task.p=1", "task.p: expected an odd number from 3, got 1"),
        ("TINY --set task.p=seven", "task.p: expected a whole number, got 'seven'"),
        ("TINY --set task.name=divide", "task.name: expected one of add, digits, div,"),
        (
            "TINY --set model.name=cnn",
            "model.name: expected one of embed_mlp, embedded_mlp, mlp, one_hot_mlp, transformer, got 'cnn'",
        ),
        (
            "TINY --set arms.random.method=snap",
            "arms.random.method: expected none or one of degree",
        ),
        ("TINY --set arms.shuffled.source=nobody", "arms.shuffled.source: expected one of grokked_ticket,"),
        (
            "TINY --set arms.dense.budget=3",
            "arms.dense.budget: unknown field; expected one of checkpoints, events, form,",
        ),
        ("TINY --set pruning.sparsity=0", "pruning.sparsity: expected a number in (0, 1), got 0.0"),
        ("TINY --set pruning.sparsity=1", "pruning.sparsity: expected a number in (0, 1), got 1.0"),
        ("TINY --set task.p", "--set: expected FIELD=VALUE, got 'task.p'"),
        ("TINY --set", "argument --set: expected one argument"),
        ("TINY --seeds -1", "argument --seeds: expected a whole number, or a range START:STOP"),
        ("TINY --seeds one", "argument --seeds: expected a whole number, or a range START:STOP or "),
        ("TINY --seeds 5:2", "argument --seeds: expected a range of 1 to 10,000 seeds, got '5:2'"),
        (
            "TINY --seeds 0:3 1",
            "seeds: expected one or more different whole numbers from 0, got (0, 1, 2, 1)",
        ),
        (
            "TINY --force-arms dens",
            "--force-arms: expected some of dense, grokked_ticket, random, shuffled, got",
        ),
        ("TINY --force-arms dense --force", "argument --force: not allowed with argument --force-arms"),
        ("discard", "the following arguments are required: RUN"),
        ("discard nowhere", "expected a run directory, and nowhere does not exist"),
        ("TINY --seeds", "argument --seeds: expected at least one argument"),
        ("TINY --jobs 0", "argument --jobs: expected a whole number from 1, got '0'"),
        ("TINY --jobs -2", "argument --jobs: expected a whole number from 1, got '-2'"),
        ("TINY --jobs many", "argument --jobs: expected a whole number from 1, got 'many'"),
        ("TINY --shard 3/2", "argument --shard: expected I/N with 1 <= I <= N, got '3/2'"),
        ("TINY --shard 0/2", "argument --shard: expected I/N with 1 <= I <= N, got '0/2'"),
        ("TINY --shard 2", "argument --shard: expected I/N with 1 <= I <= N, got '2'"),
        ("TINY --shard 2/2", "--shard: expected at most 1 shares, one per seed, got 2/2"),
        ("TINY --device gpu", "argument --device: expected auto, cpu, cuda, cuda:N or mps, got 'gpu'"),
        ("TINY --force --resume", "argument --resume: not allowed with argument --force"),
        ("TINY --out TINY", "--out: expected a folder, and"),
        ("TINY --sets task.p=9", "unrecognized arguments: --sets task.p=9"),
        ("TINY tasks", "expected one RECIPE, got "),
        (
            "list nonsense",
            "list: expected one of events, fields, methods, models, optimizers, parametrizations, ",
        ),
        ("list --jobs 0", "argument --jobs: expected a whole number from 1, got '0'"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    recipe_file, tmp_path, capsys, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    code, out, err = outcome([a.replace("TINY", str(recipe_file)) for a in arguments.split()], capsys)
    (line,) = err.splitlines()
    assert line.startswith(f"error: {message}")
    assert (code, out) == (2, "")
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.toml"]  # nothing was begun


def test_a_broken_recipe_is_one_line_and_exit_code_2(tmp_path, capsys):
    path = tmp_path / "broken.toml"
    path.write_text('[task]\np = "seven\n')
    code, out, err = outcome([path], capsys)
    assert (code, out) == (2, "") and err.startswith("error: broken.toml: not TOML: ")
    assert len(err.splitlines()) == 1


def test_a_recipe_that_may_not_be_read_is_one_line(recipe_file, capsys, monkeypatch):
    def refuse(self, *args, **kwargs):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(type(recipe_file), "read_text", refuse)
    code, _, err = outcome([recipe_file], capsys)
    assert (code, err) == (1, f"error: {recipe_file}: Permission denied\n")


def test_another_config_is_refused_with_exit_code_1(copied, recipe_file, capsys):
    out = copied.path.parent
    code, _, err = outcome([recipe_file, "--out", out, "--set", "optimizer.lr=2e-2"], capsys)
    assert code == 1 and err.startswith(f"error: {copied.path}: was made with another config")
    assert "(optimizer.lr: 0.01 → 0.02)" in err and len(err.splitlines()) == 1


@pytest.mark.parametrize("file", ["DONE", "metrics.parquet"])
def test_a_damaged_run_is_one_line_and_exit_code_1(copied, recipe_file, capsys, file):
    (copied.path / "arms" / "dense" / "seed_0" / file).write_bytes(b"\x00not this")
    code, out, err = outcome([recipe_file, "--out", copied.path.parent], capsys)
    assert (code, out) == (1, "") and f"dense/seed_0/{file}: damaged" in err and len(err.splitlines()) == 1


def check_list(arguments, section, capsys):
    """Return the printed list of a section, and its rows."""
    code, out, err = outcome(arguments, capsys)
    assert (code, err) == (0, "")
    title, *_ = out.splitlines()
    assert title.endswith(".") and "more columns with --verbose" not in out
    rows = json.loads(outcome(["list", section, "--json"], capsys)[1])
    assert len(rows) > 1 and all(row["about"] for row in rows if "field" not in row)
    return out, rows


def test_without_a_section_the_list_shows_every_recipe(capsys):
    out, rows = check_list(["list"], "recipes", capsys)
    assert all(name in out for name in recipe_names())
    assert [row["recipe"] for row in rows] == recipe_names()
    fast = rows[recipe_names().index("modadd_fast")]
    assert fast["weights"] == 115_000 and 0.1 < fast["minutes"] < 10


@pytest.mark.parametrize("section", [name for name in SECTIONS if name != "recipes"])
def test_every_section_of_the_list_is_a_table_with_a_title(section, capsys):
    check_list(["list", section], section, capsys)


def test_sections_of_the_list_name_every_registry_entry_and_field(capsys):
    registries = {"tasks": TASKS, "models": MODELS, "methods": METHODS, "starts": STARTS}
    registries |= {"parametrizations": PARAMETRIZATIONS, "optimizers": OPTIMIZERS, "events": EVENTS}
    for section, registry in registries.items():
        rows = json.loads(outcome(["list", section, "--json"], capsys)[1])
        assert [next(iter(row.values())) for row in rows] == list(registry)
    listed = {row["field"] for row in json.loads(outcome(["list", "fields", "--json"], capsys)[1])}
    named = {"seeds", "task.p", "model.d_mlp", "optimizer.lr", "measure.eval_every", "pruning.sparsity"}
    assert listed >= named | {"arms.NAME.role", "arms.NAME.plateau.window", "refine.like"}


def test_a_finished_run_prints_seven_columns_and_all_with_verbose(copied, recipe_file, capsys):
    arguments = [recipe_file, "--out", copied.path.parent]
    out = outcome(arguments, capsys)[1]
    _, title, header, *_ = out.splitlines()
    assert title.startswith("Outcome of tiny: ") and "role" not in header
    assert "networks generalised." in out and "(a, b]" in out and "role" in out.splitlines()[-1]
    verbose = outcome([*arguments, "--verbose"], capsys)[1]
    assert verbose.splitlines()[2].split()[-1] == "platform" and "control" in verbose


def test_a_missing_test_set_is_named_in_the_outcome(recipe_file, tmp_path, capsys, train_all):
    settings = ["task.frac_train=1.0", "arms.dense.max_steps=20", "arms.dense.min_steps=0"]
    recipe, _ = read_recipe(str(recipe_file), settings)
    recipe = replace(recipe, arms={"dense": recipe.arms["dense"]})
    run, _ = train_all(recipe, tmp_path / "tiny")
    out = outcome_table(recipe, outcomes(run, recipe)).text()
    assert "no test set" in out and "> 0" not in out and "There is no test set to generalise to." in out


NEEDS = ("expected_seconds", "memory_bytes", "disk_bytes", "files", "inodes")


def test_a_dry_run_shows_the_plan_and_writes_nothing(recipe_file, tmp_path, capsys):
    out = tmp_path / "runs"
    code, table, err = outcome([recipe_file, "--out", out, "--dry-run"], capsys)
    title, _, *rows, conclusion, task, merged, _, ticket, shuffled, takes, need = table.splitlines()
    assert takes.startswith("takes about ") and takes.endswith("good to a factor of about 3")
    assert need.startswith("needs about 340.") and need.endswith(
        "of disk in 23 files and 8 folders (7.75 per network)"
    )
    assert (code, err, len(rows), conclusion) == (0, "", 4, "4 networks: 4 to train.")
    assert ticket.startswith("grokked_ticket: may be skipped if dense has not generalised by its end; --set ")
    assert shuffled == "shuffled: may be skipped if grokked_ticket is skipped"
    assert task.startswith("Task: (a + b) mod 7 on 49 ordered pairs (a, b)")
    assert "are one example, as the network adds its two inputs." in f"{task} {merged}"
    assert "dry run trains nothing" in title
    rows = json.loads(outcome([recipe_file, "--out", out, "--dry-run", "--json"], capsys)[1])
    assert [row["todo"] for row in rows] == ["train"] * 4
    assert all(row[need] > 0 for row in rows for need in NEEDS)
    assert not out.exists()


def test_a_forced_dry_run_lists_what_moves_and_moves_nothing(copied, recipe_file, capsys, files_of):
    before = files_of(copied.path)
    arguments = [recipe_file, "--out", copied.path.parent, "--dry-run"]
    out = outcome([*arguments, "--force-arms", "random", "dense"], capsys)[1]
    moves = [line for line in out.splitlines() if line.startswith("moves to ")]
    assert [line.split(": ")[1].rpartition(" (")[0] for line in moves] == ["dense seed 0", "random seed 0"]
    assert all(line.startswith(f"moves to {copied.path}/arms/.replaced: ") for line in moves)
    out = outcome([*arguments, "--force"], capsys)[1]
    assert out.count("moves to ") == 4 and files_of(copied.path) == before
    assert "moves to" not in outcome(arguments, capsys)[1]


def test_discard_lists_and_with_yes_deletes(copied, capsys, files_of):
    assert outcome(["discard", copied.path], capsys)[1] == f"{copied.path}: nothing was replaced\n"
    move_aside(copied, copied.arm("random", 0), "2026-01-01")
    before = files_of(copied.path)
    code, out, _ = outcome(["discard", copied.path], capsys)
    assert code == 0 and "2026-01-01  random" in out and "--yes deletes them all" in out
    (listed,) = json.loads(outcome(["discard", copied.path, "--json"], capsys)[1])["networks"]
    assert (listed["arm"], listed["seed"]) == ("random", 0) and listed["bytes"] > 1000
    code, out, _ = outcome(["discard", copied.path, "--yes"], capsys)
    assert code == 0 and out.endswith(", deleted.\n")
    assert files_of(copied.path) == before and not (copied.path / "arms" / ".replaced").exists()


def test_the_folder_of_a_run_is_trained_by_its_path(copied, capsys, monkeypatch, tmp_path):
    (copied.path / "provenance.json").write_text("[]")
    monkeypatch.chdir(tmp_path)
    for path in ("runs/tiny", "runs/tiny/config.json"):
        code, out, _ = outcome([path], capsys)
        assert code == 0 and out.startswith("runs/tiny\n") and "of 4 networks generalised" in out
    rows = json.loads(outcome(["runs/tiny", "--seeds", "0", "2:4", "--dry-run", "--json"], capsys)[1])
    assert {row["seed"]: row["todo"] for row in rows if row["arm"] == "dense"} == {
        0: "keep",
        2: "train",
        3: "train",
    }
    rows = json.loads(outcome(["runs/tiny", "--out", "again", "--dry-run", "--json"], capsys)[1])
    assert {row["todo"] for row in rows} == {"train"}
    code, _, err = outcome(["runs"], capsys)
    assert code == 2 and err == "error: RECIPE: expected the folder of a run, and runs has no config.json\n"


def test_a_finished_run_prints_its_outcome_again(copied, recipe_file, capsys):
    code, text, err = outcome([recipe_file, "--out", copied.path.parent], capsys)
    assert (code, err) == (0, "")
    assert text.startswith(f"{copied.path}\n") and "grokked_ticket" in text
    content = json.loads(outcome([recipe_file, "--out", copied.path.parent, "--json"], capsys)[1])
    assert content["run"] == str(copied.path)
    assert [row["arm"] for row in content["arms"]] == ["dense", "grokked_ticket", "random", "shuffled"]
    assert all(row["status"] == "done" for row in content["arms"])


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_a_device_that_is_not_there_is_refused(recipe_file, tmp_path, command):
    code, out, err = command(recipe_file, "--device", "cuda", "--out", tmp_path / "runs")
    assert (code, out) == (2, "")
    assert err == "error: --device: expected auto or one that this machine has (cpu), got 'cuda'\n"


def imported(*arguments):
    """Return the modules that `python -m training` loads, and its stdout."""
    command = [sys.executable, "-X", "importtime", "-m", "training", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {line.rsplit("|", 1)[1].strip() for line in done.stderr.splitlines() if "|" in line}, done.stdout


def test_help_loads_nothing_heavy_and_shows_the_defaults():
    modules, out = imported("--help")
    assert "argparse" in modules and "training.cli.parser" in modules
    assert not modules & {"torch", "numpy", "scipy", "pandas", "matplotlib", "transformer_lens", "tqdm"}
    assert "(default: auto)" in out and "(default: runs;" in out


def test_list_and_a_plan_load_no_torch(recipe_file, tmp_path):
    assert "torch" not in imported("list")[0]
    modules, _ = imported(str(recipe_file), "--dry-run", "--out", str(tmp_path))
    assert "training.execution.scheduling.launching" in modules and "torch" not in modules


def test_a_closed_pipe_is_no_error(start):
    read, write = os.pipe()
    os.close(read)
    process = start("list", stdout=write)
    os.close(write)
    code, _, err = process.result()
    assert (code, err) == (0, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")  # noqa: PTH110
def test_output_to_a_full_disk_is_one_line(start):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        code, _, err = start("list", stdout=full).result()
    assert (code, err) == (1, "error: No space left on device\n")


def test_a_missing_stdout_is_no_error(start):
    code, _, err = start("list", stdout=subprocess.DEVNULL, preexec_fn=lambda: os.close(1)).result()
    assert (code, err) == (0, "")


def test_a_full_disk_is_one_line_and_keeps_finished_arms(copied, recipe_file, command, files_of, capsys):
    copied.arm("random", 0).clear()
    before = files_of(copied.path)
    room = 4000  # bytes for one file: enough for a mask, too few for an arm's metrics

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    out = copied.path.parent
    code, text, err = command(recipe_file, "--out", out, "--jobs", 1, preexec_fn=limit)
    assert (code, text) == (1, "")
    assert err == f"error: {copied.path}/arms/random/seed_0/metrics.parquet: File too large\n"
    after = files_of(copied.path)
    assert after.keys() - before.keys() == {"arms/random/seed_0/mask.safetensors"}
    assert before.items() <= after.items()
    plan = json.loads(outcome([recipe_file, "--out", out, "--dry-run", "--json"], capsys)[1])
    todo = {row["arm"]: row["todo"] for row in plan}
    assert todo == {"dense": "keep", "random": "train", "grokked_ticket": "keep", "shuffled": "keep"}


def test_a_collection_continues_after_a_recipe_that_fails(recipe_file, tmp_path, capsys, monkeypatch):
    text = recipe_file.read_text().replace("seeds", 'collection = "mine"\nseeds')
    monkeypatch.setattr("training.config.recipe_files.RECIPES", tmp_path)
    monkeypatch.setattr(Experiment, "__init__", partialmethod(Experiment.__init__, launch=launch_here))
    for name in ("first", "second", "third"):
        (tmp_path / f"{name}.toml").write_text(text)
    (tmp_path / "other.toml").write_text(recipe_file.read_text())
    recipe_file.unlink()
    (tmp_path / "runs" / "second").mkdir(parents=True)
    (tmp_path / "runs" / "second" / "thesis.tex").write_text("")
    arguments = ["--all-of", "mine", "--out", tmp_path / "runs", "--jobs", 1, "--json"]
    code, out, _ = outcome([*arguments, "--dry-run"], capsys)
    assert code == 1 and [row.get("train") for row in json.loads(out)] == [4, 0, 4]
    assert json.loads(out)[0]["disk (MiB)"] > 0 and json.loads(out)[0]["memory (MiB)"] > 300
    code, out, err = outcome(arguments, capsys)
    first, second, third = json.loads(out)
    assert code == 1 and "second: holds files but no config.json" in err
    assert first["done"] == third["done"] == 4 and second["failed"].endswith("choose another --out")
    assert first["generalised"] >= 1 and first["seconds in all"] >= 0
    shutil.rmtree(tmp_path / "runs" / "second")
    code, out, _ = outcome([*arguments, "--dry-run"], capsys)
    rows = {row["recipe"]: row for row in json.loads(out)}
    assert code == 0 and rows["first"]["keep"] == 4 and rows["second"]["take over"] == 4
