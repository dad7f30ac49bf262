"""Arms that other code or another platform has trained."""

import json
import shutil

import pytest
from builders import changed_recipe, edit_record, half_trained_run, train_here

from training.config.build_recipe import recipe_from_dict
from training.execution.experiment import Experiment
from training.execution.identity.arm_code import arm_code
from training.execution.identity.device import platform_differences, platform_of
from training.models.kernels.fused import SWITCH
from training.runs.atomic_files import RunError
from training.schema.validation import to_dict


def test_finished_arms_of_other_code_are_kept_and_named(copied, recipe, files_of, capsys):
    edit_record(copied.arm("random", 0).path / "DONE", code="0123456789abcdef")
    before = files_of(copied.path)
    train_here(recipe, copied.path.parent)
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
        train_here(recipe, copied.path.parent)
        assert (copied.arm("random", 0).done() is not None) == is_tried
        assert (copied.arm("random", 0).skipped() is None) == is_tried


@pytest.mark.parametrize("code", ["0123456789abcdef", None])
def test_an_arm_whose_replay_is_equal_is_taken_over_and_that_is_recorded(copied, recipe, code, capsys):
    edit_record(copied.arm("grokked_ticket", 0).path / "DONE", code=code)
    other = changed_recipe(to_dict(recipe), "name=other")
    todo = {row["arm"]: row["todo"] for row in Experiment(other, "", str(copied.path.parent)).plan()}
    assert todo["grokked_ticket"] == "replay, then take over" and todo["dense"] == "take over"
    run = train_here(other, copied.path.parent)
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
        edit_record(files.path / "DONE", platform=platform)
    only = {"dense": to_dict(recipe)["arms"]["dense"]}
    other = recipe_from_dict(to_dict(recipe) | {"name": "other", "arms": only})
    assert "taken_from" not in train_here(other, copied.path.parent).arm("dense", 0).done()
    error = capsys.readouterr().err
    assert "another platform (cpu VSX, here " in error and "torch 1.0, here " in error
    assert error.count("\n") == 1 and "--accept-other" in error
    accepted = recipe_from_dict(to_dict(other) | {"name": "accepted"})
    shutil.rmtree(copied.path.parent / "other")
    run = train_here(accepted, copied.path.parent, accept_other=True)
    assert run.arm("dense", 0).done()["platform"] == platform  # its own
    half = half_trained_run(other, tmp_path / "half", platform=platform)
    with pytest.raises(RunError, match=r"dense/seed_0: was begun by another platform \(cpu VSX") as refused:
        train_here(other, half.path.parent)
    assert "\n" not in str(refused.value)
    train_here(other, half.path.parent, accept_other=True)
    (mixed,) = half.arm("dense", 0).done()["accepted"]
    assert mixed["platform"] == platform and mixed["until_step"] == 30


def test_unknown_platforms_do_not_differ():
    here = platform_of("cpu")
    assert platform_differences({}, here) == "" and platform_differences(here, here) == ""
    assert platform_differences({"cpu": "VSX", "older": "1"}, here) == f"cpu VSX, here {here['cpu']}"


def test_a_neighbor_with_a_changed_file_is_not_taken_over(copied, recipe, capsys):
    done = copied.arm("dense", 0).path / "DONE"
    files = json.loads(done.read_text())["files"] | {"metrics.parquet": "0" * 64}
    edit_record(done, files=files)
    run = train_here(changed_recipe(to_dict(recipe), "name=other"), copied.path.parent)
    assert "taken_from" not in run.arm("dense", 0).done()
    assert "metrics.parquet: its SHA-256 is not the one in DONE" in capsys.readouterr().err


def test_an_arm_of_fused_loops_is_not_resumed_without_them(recipe, tmp_path, monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.delenv(SWITCH, raising=False)
    only = {"dense": to_dict(recipe)["arms"]["dense"]}
    other = recipe_from_dict(to_dict(recipe) | {"name": "other", "arms": only})
    half = half_trained_run(other, tmp_path / "half")
    assert ", numba " in half.arm("dense", 0).state()["platform"]["engine"]
    monkeypatch.setenv(SWITCH, "0")
    with pytest.raises(RunError, match=r"dense/seed_0: was begun by another platform \(engine .*numba"):
        train_here(other, half.path.parent)
    monkeypatch.delenv(SWITCH)
    train_here(other, half.path.parent)
    assert "accepted" not in half.arm("dense", 0).done()
