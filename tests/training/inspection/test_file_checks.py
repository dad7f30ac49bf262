"""Damaged and forged files of a run directory: one line each, and no result made of them."""

import json

import numpy as np
import pytest
import torch
from builders import changed_recipe, launch_here, never_stop, stop_after, train_every_arm, train_group_of
from safetensors.numpy import load_file, save_file

from training.cli.parser import Interrupted
from training.execution.experiment import Experiment
from training.inspection.file_checks import check_finished, scheduled_steps
from training.inspection.run import open_run
from training.runs.atomic_files import RunError
from training.runs.run_directory import RunDir
from training.schema.validation import to_dict

MASK, CHECKPOINTS = "mask.safetensors", "checkpoints.safetensors"


def changed_tensors(path, change):
    save_file({name: change(name, tensor) for name, tensor in load_file(path).items()}, path)


def half_trained(recipe, path, arm="random", n=8):
    """Return the files of an arm that was stopped after some evaluations."""
    with pytest.raises(Interrupted):
        train_group_of(recipe, RunDir(path), arm, should_stop=stop_after(n))
    return RunDir(path).arm(arm, 0)


def resume(recipe, files):
    return train_group_of(recipe, RunDir(files.path.parents[2]), files.arm, should_stop=never_stop)


def scheduled(recipe, files):
    return scheduled_steps(recipe, files.arm, files.done()["steps"])


def test_every_finished_arm_fits(finished, recipe):
    for arm in recipe.arms:
        files = RunDir(finished.path).arm(arm, 0)
        check_finished(files, recipe, files.done()["steps"], scheduled(recipe, files))


@pytest.mark.parametrize(
    "change",
    [lambda m: 1 - m, np.ones_like, lambda m: m.astype(np.float32) * 0.5, lambda m: m[:-1]],
    ids=["inverted", "all ones", "half values", "cut"],
)
def test_a_mask_has_to_fit_the_weights_zeros(copied, recipe, change):
    files = copied.arm("random", 0)
    changed_tensors(files.path / MASK, lambda name, mask: change(mask))
    with pytest.raises(RunError, match=MASK):
        _ = open_run(copied.path)["random", 0].mask
    with pytest.raises(RunError, match=MASK):
        check_finished(files, recipe, files.done()["steps"], scheduled(recipe, files))


def test_pruned_weights_are_positive_zeros(copied):
    for arm in ("random", "grokked_ticket"):
        stacked = copied.arm(arm, 0).checkpoints()
        assert not any((np.signbit(w) & (w == 0)).any() for w in stacked.values())


@pytest.mark.parametrize("damage", ["missing", "cut"])
@pytest.mark.parametrize("name", [CHECKPOINTS, MASK, "metrics.parquet"])
def test_a_neighbors_damaged_arm_is_trained_here(copied, recipe, tmp_path, name, damage, capsys, files_of):
    damaged = copied.arm("random", 0).path / name
    whole = damaged.read_bytes()
    damaged.unlink() if damage == "missing" else damaged.write_bytes(whole[: len(whole) // 2])
    other = changed_recipe(to_dict(recipe), "name=other")
    Experiment(other, "", out=str(copied.path.parent), launch=launch_here).train("cpu", workers=1)
    assert "random seed 0: trained here, not taken from another run" in capsys.readouterr().err
    assert (copied.path.parent / "other" / "arms" / "random" / "seed_0" / name).read_bytes() == whole


@pytest.mark.parametrize("name", ["DONE", CHECKPOINTS])
def test_a_folder_in_a_neighbors_file_does_not_stop_this_run(copied, recipe, name):
    file = copied.arm("random", 0).path / name
    file.unlink()
    file.mkdir()
    other = changed_recipe(to_dict(recipe), "name=other")
    rows = Experiment(other, "", out=str(copied.path.parent), launch=launch_here).train("cpu", workers=1)
    assert {row["status"] for row in rows} == {"done"}


@pytest.mark.parametrize("damage", ["missing", "damaged"])
def test_a_half_trained_arms_mask_is_written_again(recipe, tmp_path, damage, finished, files_of):
    files = half_trained(recipe, tmp_path / "run")
    mask = files.path / MASK
    whole = mask.read_bytes()
    mask.unlink() if damage == "missing" else mask.write_bytes(b"damaged")
    resume(recipe, files)
    assert mask.read_bytes() == whole and files.done() is not None
    uninterrupted = RunDir(finished.path).arm("random", 0).path
    assert (files.path / CHECKPOINTS).read_bytes() == (uninterrupted / CHECKPOINTS).read_bytes()


def forged(**fields):
    return lambda state: state | fields


@pytest.mark.parametrize(
    "change",
    [
        forged(step=10**9),
        forged(step=-10),
        forged(step="80"),
        forged(step=40),
        forged(trained=[]),
        forged(trained=5),
        lambda state: state | {"trained": [row[:-1] for row in state["trained"]]},
        lambda state: state | {"trained": [row * float("nan") for row in state["trained"]]},
        lambda state: state | {"trained": [row * 2 for row in state["trained"]]},
        lambda state: {"step": 80, "hash": state["hash"]},
        lambda state: [state],
    ],
)
def test_a_state_with_wrong_content_is_one_line_that_says_how_to_go_on(recipe, tmp_path, change):
    files = half_trained(recipe, tmp_path / "run")
    torch.save(change(files.state()), files.path / "state.pt")
    with pytest.raises(RunError, match=r"state\.pt") as error:
        resume(recipe, files)
    assert "\n" not in str(error.value) and files.done() is None
    (files.path / "state.pt").unlink()
    resume(recipe, files)
    assert files.done() is not None


@pytest.mark.parametrize("text", ["5", "[5]", '[{"seconds": "x"}]', "[" * 5000, "[" * 50 + "]" * 50])
def test_a_damaged_provenance_is_one_line(copied, text):
    (copied.path / "provenance.json").write_text(text)
    with pytest.raises(RunError, match=r"provenance\.json: damaged"):
        copied.provenance()


@pytest.mark.parametrize("text", ["[" * 5000, '{"a":' * 5000, "9" * 5000])
def test_a_deep_config_is_one_line(copied, text):
    (copied.path / "config.json").write_text(text)
    with pytest.raises(RunError, match=r"config\.json: damaged"):
        open_run(copied.path)


@pytest.mark.parametrize(
    "fields",
    [{"steps": -1}, {"steps": "x"}, {"hash": 5}, {"config": []}, {"source": 5}, {"source": {"step": [1]}}],
)
def test_a_record_with_wrong_content_is_one_line(copied, fields):
    path = copied.arm("random", 0).path / "DONE"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))
    with pytest.raises(RunError, match="DONE: damaged"):
        copied.arm("random", 0).done()


@pytest.mark.parametrize("name", ["../x", "a/b", "/tmp/x", "a\0b", "x" * 201, "nul", "", "."])
def test_no_name_leaves_the_runs_folder(copied, name):
    for path in (
        lambda: copied.arm(name, 0),
        lambda: copied.analysis(name, ""),
        lambda: copied.figure(name, ""),
    ):
        with pytest.raises(RunError, match="expected"):
            path()


def test_an_arm_is_done_only_after_its_files_were_read_back(recipe, tmp_path):
    files = half_trained(recipe, tmp_path / "run")
    rows = files.metrics()
    files.write_metrics({name: rows[name].to_numpy()[1:] for name in rows})
    with pytest.raises(RunError, match=r"metrics\.parquet"):
        resume(recipe, files)
    assert files.done() is None


def test_trained_arms_are_checked_too(new_run, content):
    arms = {"edge": {"form": "edge_popup", "max_steps": 40}, "super": {"form": "supermask", "max_steps": 40}}
    run, recipe = new_run(content | {"arms": arms, "name": "scores"})
    assert train_every_arm(recipe, run) == []
    changed_tensors(run.arm("edge", 0).path / MASK, lambda name, mask: 1 - mask)
    with pytest.raises(RunError, match=MASK):
        check_finished(run.arm("edge", 0), recipe, 40, scheduled_steps(recipe, "edge", 40))
