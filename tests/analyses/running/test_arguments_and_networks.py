"""Tables made with arguments, networks that are copied in, unfinished or damaged, by commands."""

import importlib
import json
import os
import shutil

import pandas as pd
import pytest
from builders import edit_record, error_line, run_analysis

from analyses.grokking.schema import OUTCOMES
from analyses.phases.command import main as phases
from analyses.running.registry import ANALYSES
from analyses.tables.inputs import FileHashes
from analyses.tables.origin import read_origin
from analyses.tables.storage import load_summary, load_table
from training.config.arm_config import arm_record
from training.config.build_recipe import recipe_from_dict
from training.inspection.run import open_run
from training.runs.atomic_files import RunError
from training.runs.run_directory import RunDir

OF_ANY_RUN = (
    "grokking",
    "speed",
    "fourier",
    "phases",
    "masks",
    "norms",
    "graph_props",
    "lottery",
    "mechanism",
)


def contents(folder):
    """Return the bytes of the tables in a folder by name."""
    return {path.name: path.read_bytes() for path in folder.glob("phases*")}


@pytest.mark.parametrize(
    ("arguments", "folder"),
    [
        (["--steps", "0", "400"], None),
        (["--steps", "0", "2000"], "steps_0_2000"),
        (["--arms", "dense"], "arms_dense"),
        (["--seeds", "1", "--steps", ":200"], "seeds_1_steps_-200_"),
    ],
)
def test_a_choice_never_replaces_the_full_table(tiny_copy, arguments, folder):
    assert run_analysis("phases", tiny_copy).code == 0
    full = contents(tiny_copy / "analyses")
    done = run_analysis("phases", tiny_copy, *arguments)
    assert contents(tiny_copy / "analyses") == full
    if folder is None:
        assert done.code == 2 and not (tiny_copy / "with_arguments").exists()  # there is no step 400
        return
    assert done.code == 0
    (made,) = (tiny_copy / "with_arguments").iterdir()
    assert made.name.startswith(folder) and contents(made / "analyses").keys() == full.keys()
    origin = read_origin(made / "analyses" / "phases.parquet")
    assert [f"--{name}" for name in origin.arguments] == [a for a in arguments if a.startswith("--")]
    assert run_analysis("phases", tiny_copy, "--out", str(tiny_copy), *arguments).code == 0
    assert contents(tiny_copy / "analyses") == full


def test_a_folder_with_full_tables_takes_no_others(tiny_run, tmp_path):
    assert run_analysis("phases", tiny_run, "--out", str(tmp_path)).code == 0
    full = contents(tmp_path / "analyses")
    done = run_analysis("phases", tiny_run, "--out", str(tmp_path), "--arms", "dense")
    assert done.code == 2 and contents(tmp_path / "analyses") == full
    assert "--out: expected a folder without the full tables of phases" in error_line(done.err)


def test_words_of_chosen_checkpoints_name_the_arguments(tiny_copy, capfd):
    assert phases(["--run", str(tiny_copy), "--steps", "0", "2000"]) == 0
    assert "first → last chosen checkpoint" in capfd.readouterr().out
    captions = list((tiny_copy / "with_arguments").glob("*/figures/*.txt"))
    assert len(captions) == 3 and not (tiny_copy / "figures").exists()
    for caption in captions:
        text = caption.read_text()
        assert "last checkpoint" not in text and "Tables made with --steps 0 2000." in text


def test_a_table_with_arguments_is_made_again_by_its_command(tiny_copy):
    assert run_analysis("grokking", tiny_copy, "--arms", "dense").code == 0
    (path,) = tiny_copy.glob("with_arguments/arms_dense/analyses/grokking.parquet")
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(RunError):
        load_table(path, OUTCOMES)
    assert run_analysis("grokking", tiny_copy, "--arms", "dense").code == 0
    pd.read_parquet(path).to_parquet(path)
    with pytest.raises(RunError, match=rf"--run {tiny_copy}'"):
        load_table(path, OUTCOMES)


def test_seeds_are_chosen_as_numbers_and_ranges(tiny_copy):
    assert run_analysis("grokking", tiny_copy, "--seeds", "1:2").code == 0
    rows = pd.read_parquet(next(tiny_copy.glob("with_arguments/*/analyses/grokking.parquet")))
    assert set(rows["seed"]) == {1} and len(rows) == 3
    done = run_analysis("grokking", tiny_copy, "--seeds", "4")
    assert done.code == 2 and "--seeds: expected some of 0, 1, got 4" in error_line(done.err)
    with pytest.raises(SystemExit) as stop:
        run_analysis("grokking", tiny_copy, "--seeds", "x")
    assert stop.value.code == 2


@pytest.fixture
def copied_seed(tiny_copy):
    """Return a run of seeds 0 and 1 with a seed 7 from another machine, and one network unfinished."""
    recipe = recipe_from_dict(json.loads((tiny_copy / "config.json").read_text()))
    for arm in recipe.arms:
        shutil.copytree(tiny_copy / "arms" / arm / "seed_0", tiny_copy / "arms" / arm / "seed_7")
        files = RunDir(tiny_copy).arm(arm, 7)
        files.finish(files.done() | arm_record(recipe, arm, 7))
    (tiny_copy / "arms" / "random" / "seed_1" / "DONE").unlink()
    return tiny_copy


@pytest.mark.parametrize("name", OF_ANY_RUN)
def test_every_analysis_counts_the_same_networks(copied_seed, name):
    printed = run_analysis(name, copied_seed)
    assert printed.code == 0, printed.err
    summary = load_summary(copied_seed / "analyses" / f"{name}.json", ANALYSES[name])
    assert summary["n_networks"] == 8
    assert summary["left_out"] == [
        {"arm": "random", "seed": 1, "columns": "all", "reason": "not finished"},
        *(entry for entry in summary["left_out"] if entry["columns"] != "all"),
    ]
    assert "8 of 9 networks are in these tables." in printed.out
    inputs = read_origin(copied_seed / "analyses" / f"{name}.parquet").inputs
    assert len(inputs.networks) == 8 and inputs.unfinished == {"random seed 1": "not finished"}
    tables = [load_table(copied_seed / "analyses" / f"{t.name}.parquet", t) for t in ANALYSES[name]]
    seeds = [set(t.loc[t["arm"] == "dense", "seed"]) for t in tables if {"arm", "seed"} <= set(t)]
    assert {0, 1, 7} in seeds


@pytest.mark.parametrize("name", ["grokking", "fourier", "masks"])
def test_every_analysis_names_two_codes_and_two_platforms(tiny_copy, name):
    one_code = {"code": "0123456789abcdef", "platform": {"device": "cpu", "cpu": "AVX2", "torch": "2.9.1"}}
    for done in tiny_copy.glob("arms/*/*/DONE"):
        edit_record(done, **one_code)
    printed = run_analysis(name, tiny_copy)
    assert printed.code == 0 and "Trained by" not in printed.out
    assert load_summary(tiny_copy / "analyses" / f"{name}.json", ANALYSES[name])["trained_by"] == ""
    platform = one_code["platform"] | {"cpu": "AVX512"}
    edit_record(tiny_copy / "arms" / "random" / "seed_1" / "DONE", code="f" * 16, platform=platform)
    printed = run_analysis(name, tiny_copy)
    platforms = "2 platforms (cpu AVX2, torch 2.9.1; cpu AVX512, torch 2.9.1)"
    sentence = f"Trained by 2 codes (random) and {platforms}."
    assert printed.code == 0 and " ".join(printed.out.split()).count(sentence) == 1
    assert load_summary(tiny_copy / "analyses" / f"{name}.json", ANALYSES[name])["trained_by"] == sentence


def flipped(path):
    """Flip a bit of a file."""
    content = path.read_bytes()
    path.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])


def swapped(path):
    """Put the file of another seed in a file's place."""
    shutil.copy(path.parents[1] / "seed_1" / path.name, path)


@pytest.mark.parametrize("name", ANALYSES)
@pytest.mark.parametrize("damage", [flipped, swapped])
def test_a_damaged_file_is_named_by_every_analysis_that_reads_it(tiny_copy, tiny_run, name, damage, capsys):
    runs = [str(tiny_copy), str(tiny_run)] if ANALYSES[name].of_several_runs else [str(tiny_copy)]
    command = ["--runs" if len(runs) > 1 else "--run", *runs, "--no-plot", "--out", str(tiny_copy / "out")]
    main = importlib.import_module(f"analyses.{name}.command").main
    for file in ANALYSES[name].reads:
        arm = "dense" if file == "metrics.parquet" else "random"  # whose files differ between the seeds
        path = tiny_copy / "arms" / arm / "seed_0" / file
        before = path.read_bytes()
        damage(path)
        assert main(command) == 1
        expected = f"error: {path}: damaged: expected the content of SHA-256"
        assert error_line(capsys.readouterr().err).startswith(expected)
        assert not (tiny_copy / "out").exists()
        path.write_bytes(before)


@pytest.mark.parametrize("name", OF_ANY_RUN)
def test_a_file_that_an_analysis_does_not_read_may_be_gone(tiny_copy, name):
    for file in {"metrics.parquet", "checkpoints.safetensors", "mask.safetensors"} - {*ANALYSES[name].reads}:
        (tiny_copy / "arms" / "random" / "seed_0" / file).unlink()
    done = run_analysis(name, tiny_copy)
    assert done.code == 0, done.err


def test_files_that_are_not_read_may_be_deleted(tiny_copy):
    for path in tiny_copy.glob("arms/dense/*/checkpoints.safetensors"):
        path.unlink()
    for name in ("grokking", "speed"):
        assert run_analysis(name, tiny_copy).code == 0
    done = run_analysis("phases", tiny_copy)
    assert done.code == 1 and "seed_0/checkpoints.safetensors: missing" in done.err
    assert run_analysis("phases", tiny_copy, "--arms", "random").code == 0


def test_a_file_that_is_as_at_the_last_look_is_not_read_again(tiny_copy):
    """It is told by size, time and inode: a change that leaves all three is not seen."""
    assert run_analysis("phases", tiny_copy).code == 0
    origin = read_origin(tiny_copy / "analyses" / "phases.parquet")
    path = next(iter(open_run(tiny_copy))).files.path / "checkpoints.safetensors"
    cached, before = origin.inputs.files["dense seed 0"][path.name], path.stat()
    with path.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last[0] ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert FileHashes(RunDir(tiny_copy)).of(path) == cached
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert FileHashes(RunDir(tiny_copy)).of(path) != cached
