import json
import os
import shutil

import numpy as np
import pytest
from builders import begin_run

from analyses.loading.chosen_networks import open_networks
from analyses.tables.inputs import RunInputs
from analyses.tables.schema import CHECKPOINTS, MASK, METRICS
from training.config.arm_config import arm_record
from training.config.build_recipe import recipe_from_dict
from training.inspection.run import open_run
from training.runs.atomic_files import RunError
from training.runs.run_directory import RunDir

READS = (METRICS, CHECKPOINTS, MASK)
RECIPE = recipe_from_dict(
    {
        "name": "run",
        "seeds": [0, 1],
        "task": {"name": "add", "p": 7},
        "model": {"d_emb": 4, "d_mlp": 3},
        "arms": {"dense": {}, "random": {"method": "random"}},
    }
)


def finish(run, arm, seed, value=0.0):
    """Write a finished network of a run."""
    files = run.arm(arm, seed)
    files.write_checkpoints(np.array([0, 10]), {"W_E": np.full((2, 3), value)})
    files.write_metrics({"step": np.array([0, 10])})
    files.finish(arm_record(RECIPE, arm, seed) | {"steps": 10, "source": None})
    return files


@pytest.fixture
def run(tmp_path):
    """Return a run with three of four networks finished."""
    run = begin_run(tmp_path / "run", RECIPE)
    for arm, seed in (("dense", 0), ("dense", 1), ("random", 0)):
        finish(run, arm, seed)
    return run


def inputs_of(run, reads=READS, **chosen):
    """Return the inputs of a table of a run."""
    opened = open_networks(run, **chosen)
    return RunInputs(opened.run).read(reads, opened.finished, opened.reasons())


def change(run, recorded):
    """Return how a run differs from a table's inputs."""
    return RunInputs(open_run(RunDir(run.path))).change(recorded)


def test_networks_files_and_reasons_are_recorded(run):
    inputs = inputs_of(run)
    assert inputs.networks == ["dense seed 0", "dense seed 1", "random seed 0"]
    assert inputs.unfinished == {"random seed 1": "not finished"}
    hashes = inputs.files["dense seed 1"]
    assert list(hashes) == ["DONE", METRICS, CHECKPOINTS, MASK] and hashes[MASK] is None
    assert hashes[METRICS] == run.arm("dense", 1).done()["files"][METRICS]
    assert list(inputs_of(run, reads=(METRICS,)).files["dense seed 0"]) == ["DONE", METRICS]


def test_tables_are_current_by_content_not_by_time_place_or_words(run, tmp_path):
    recorded = inputs_of(run)
    assert change(run, recorded) is None
    for file in run.path.rglob("*.*"):
        os.utime(file, (1e9, 1e9))
    assert change(run, recorded) is None
    shutil.make_archive(str(tmp_path / "packed"), "zip", run.path)
    shutil.unpack_archive(str(tmp_path / "packed.zip"), tmp_path / "elsewhere" / "other_name")
    assert change(RunDir(tmp_path / "elsewhere" / "other_name"), recorded) is None
    run.write_config(run.config() | {"note": "mine", "name": "another"})
    assert change(run, recorded) is None
    run.write_config(run.config() | {"measure": run.config()["measure"] | {"threshold": 0.9}})
    assert change(run, recorded) == "made with another config"  # t_gen is read at another threshold
    run.write_config(run.config() | {"optimizer": run.config()["optimizer"] | {"lr": 0.5}})
    with pytest.raises(RunError, match="trained with another config"):
        change(run, recorded)


def test_a_seed_that_is_finished_later_is_a_change(run):
    recorded = inputs_of(run)
    finish(run, "random", 1)
    assert change(run, recorded) == "made before these networks were finished: random seed 1"
    recorded = inputs_of(run)
    finish(run, "dense", 7)  # copied from another machine
    assert change(run, recorded) == "made before these networks were finished: dense seed 7"
    recorded = inputs_of(run)
    shutil.rmtree(run.arm("dense", 1).path)
    assert change(run, recorded) == "made with networks that are gone: dense seed 1"


def test_a_file_with_other_content_is_a_change_and_one_that_is_gone_is_none(run):
    metrics_only, full = inputs_of(run, reads=(METRICS,)), inputs_of(run)
    path = run.arm("dense", 0).path / CHECKPOINTS
    content = path.read_bytes()
    path.unlink()  # to save space
    assert change(run, full) is None and change(run, metrics_only) is None
    path.write_bytes(content[:-1] + b"?")
    assert change(run, full) == f"made from another {path}"
    assert change(run, metrics_only) is None
    finish(run, "dense", 0, value=1.0)
    assert change(run, full) == f"made from another {path}" and change(run, metrics_only) is None
    files = run.arm("dense", 0)
    files.finish(files.done() | {"steps": 20})
    assert change(run, metrics_only) == f"made from another {path.with_name('DONE')}"


def test_where_a_network_was_trained_is_no_change(run):
    recorded = inputs_of(run)
    files = run.arm("dense", 0)
    files.rewrite_done(files.done() | {"start": "another", "taken_from": {"run": "x"}})
    assert change(run, recorded) is None


@pytest.mark.parametrize("name", [METRICS, CHECKPOINTS])
def test_a_flipped_byte_and_a_missing_file_are_one_line_that_names_the_file(run, name):
    path = run.arm("dense", 1).path / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(RunError) as error:
        inputs_of(run)
    assert str(error.value).startswith(f"{path}: damaged: expected the content of SHA-256 ")
    assert "\n" not in str(error.value)
    path.unlink()
    with pytest.raises(RunError, match="missing; put back the file"):
        inputs_of(run)
    assert inputs_of(run, arms=["random"]).networks == ["random seed 0"]
    other = METRICS if name == CHECKPOINTS else CHECKPOINTS
    assert len(inputs_of(run, reads=(other,)).networks) == 3  # what is not read is not checked


def test_a_network_of_a_version_without_hashes_is_read(run):
    files = run.arm("dense", 0)
    record = files.done()
    del record["files"]
    files.rewrite_done(record)
    recorded = inputs_of(run)
    files.write_metrics({"step": np.array([0, 20])})
    assert change(run, recorded) == f"made from another {files.path / METRICS}"


def test_unchanged_files_are_not_read_again(run, monkeypatch):
    recorded = inputs_of(run)
    monkeypatch.setattr("hashlib.file_digest", lambda *_: pytest.fail("read again"))
    assert inputs_of(run) == recorded and change(run, recorded) is None


def test_another_file_of_equal_size_and_time_is_read_again(run):
    recorded = inputs_of(run)
    path = run.arm("random", 0).path / METRICS
    stat, content = path.stat(), path.read_bytes()
    path.with_name("new").write_bytes(content[:-1] + b"?")
    path.with_name("new").replace(path)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert path.stat().st_size == stat.st_size and path.stat().st_mtime_ns == stat.st_mtime_ns
    assert change(run, recorded) == f"made from another {path}"


def test_a_damaged_cache_is_replaced(run):
    recorded = inputs_of(run)
    for content in ("{", "[1]", json.dumps({f"arms/dense/seed_0/{METRICS}": 3})):
        (run.path / "analyses" / "inputs.json").write_text(content)
        assert change(run, recorded) is None


def test_chosen_arms_and_seeds_are_what_is_recorded(run):
    assert inputs_of(run, arms=["dense"]).networks == ["dense seed 0", "dense seed 1"]
    of_one = inputs_of(run, seeds=[1])
    assert of_one.networks == ["dense seed 1"] and list(of_one.unfinished) == ["random seed 1"]
