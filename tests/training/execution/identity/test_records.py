"""Records of an arm's code, platform, start and files."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from builders import edit_record, train_here

from training.config.arm_config import arm_record
from training.execution.identity.arm_code import arm_code
from training.execution.identity.device import platform_of
from training.execution.identity.start_record import command_line, commit
from training.execution.printed_tables import outcome_table
from training.inspection.outcomes import outcomes
from training.runs.atomic_files import RunError

ROOT = Path(__file__).parents[4]


def test_records_name_code_platform_start_and_files(recipe, tmp_path):
    recipe = replace(recipe, arms={arm: recipe.arms[arm] for arm in ("dense", "random")})
    run = train_here(recipe, tmp_path)
    (entry,) = run.provenance()
    for files in run.arms():
        done = files.done()
        assert done["code"] == arm_code(recipe, files.arm) and done["start"] == entry["id"]
        assert done["platform"] == platform_of("cpu") and done["platform"]["device"] == "cpu"
        assert done["files"] == files.file_hashes()
        expected = {"metrics.parquet", "checkpoints.safetensors", "final_state.pt"}
        assert set(done["files"]) == expected | ({"mask.safetensors"} if files.arm != "dense" else set())


def test_two_platforms_and_two_codes_are_in_the_outcome(copied, recipe):
    shutil.copytree(copied.arm("dense", 0).path, copied.arm("dense", 1).path)
    recipe = replace(recipe, seeds=(0, 1), arms={"dense": recipe.arms["dense"]})
    hashed = arm_record(recipe, "dense", 1)["hash"]
    assert "Trained by" not in outcome_table(recipe, outcomes(copied, recipe)).text()
    platform = {"device": "cpu", "cpu": "VSX", "torch": "1.0"}
    edit_record(copied.arm("dense", 1).path / "DONE", hash=hashed, code="f" * 16, platform=platform)
    text = " ".join(outcome_table(recipe, outcomes(copied, recipe)).text().split())
    assert "Trained by 2 codes (dense) and 2 platforms (" in text and "cpu VSX, torch 1.0" in text


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
    edit_record(copied.arm("dense", 0).path / "DONE", **{field: value})
    with pytest.raises(RunError, match=rf"DONE: damaged: {field}: expected ") as error:
        copied.arm("dense", 0).done()
    assert "\n" not in str(error.value)
