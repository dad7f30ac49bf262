"""Networks moved aside: nothing is lost, no reader sees them."""

import numpy as np
import pytest
from builders import PowerCut

from training.runs.arm_directory import ArmDir
from training.runs.atomic_files import write_bytes, write_json
from training.runs.replaced_arms import (
    arm_size,
    discard_replaced,
    move_aside,
    move_back,
    new_entry,
    replaced_arms,
)
from training.runs.run_directory import RunDir


@pytest.fixture
def run(tmp_path):
    """Return a run with one finished arm; its content is not read."""
    run = RunDir(tmp_path / "run")
    run.write_recipe("", {"name": "run"})
    fill(run.arm("dense", 3), b"old")
    return run


def fill(arm, content):
    for name in ("metrics.parquet", "checkpoints.safetensors"):
        write_bytes(arm.path / name, content)
    write_json(arm.path / "DONE", {"hash": content.decode(), "config": {}, "steps": 1, "source": None})


def content_of(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.name != ".lock"}


def test_a_moved_arm_is_there_as_it_was_and_no_reader_sees_it(run):
    arm, before = run.arm("dense", 3), content_of(run.arm("dense", 3).path)
    size = arm_size(arm)
    with arm.locked():
        moved = move_aside(run, arm, new_entry(run))
    assert content_of(moved) == before and content_of(arm.path) == {}
    assert not arm.is_begun() and [str(files) for files in run.arms()] == ["dense seed 3"]
    (replaced,) = replaced_arms(run)
    assert (replaced.arm, replaced.seed, replaced.size, replaced.path) == ("dense", 3, size, moved)
    assert replaced.size == sum(map(len, before.values()))


def test_two_starts_of_one_second_move_to_different_folders(run):
    arm = run.arm("dense", 3)
    for content in (b"a", b"b"):
        move_aside(run, arm, new_entry(run))
        fill(arm, content)
    first, second = replaced_arms(run)
    assert first.moved != second.moved
    assert (first.path / "metrics.parquet").read_bytes() == b"old"
    assert (second.path / "metrics.parquet").read_bytes() == b"a"
    discard_replaced(run)
    assert replaced_arms(run) == [] and not (run.path / "arms" / ".replaced").exists()
    assert (arm.path / "metrics.parquet").read_bytes() == b"b"


def test_an_arm_without_files_leaves_no_folder(run):
    assert move_aside(run, run.arm("random", 0), new_entry(run)) is None
    assert not (run.path / "arms" / ".replaced").exists() and arm_size(run.arm("random", 0)) == 0


@pytest.mark.parametrize("method", ["clear", "keep_only"])
def test_a_power_cut_before_the_deletion_leaves_both(run, monkeypatch, method):
    arm = run.arm("dense", 3)
    before = content_of(arm.path)

    def cut(*_):
        raise PowerCut

    monkeypatch.setattr(ArmDir, method, cut)
    with pytest.raises(PowerCut):
        move_aside(run, arm, new_entry(run))
    assert content_of(arm.path) == before
    (replaced,) = replaced_arms(run)
    assert content_of(replaced.path) == before


def test_a_power_cut_at_any_link_leaves_the_arm_and_no_entry(run, monkeypatch):
    arm = run.arm("dense", 3)
    before = content_of(arm.path)
    for n_links in range(3):
        links = iter(range(n_links))

        def cut(source, path, links=links):
            if next(links, None) is None:
                raise PowerCut
            write_bytes(path, source.read_bytes())

        with monkeypatch.context() as patched:
            patched.setattr("training.runs.replaced_arms.files.share", cut)
            with pytest.raises(PowerCut):
                move_aside(run, arm, new_entry(run))
        assert content_of(arm.path) == before and replaced_arms(run) == []
    move_aside(run, arm, new_entry(run))
    (replaced,) = replaced_arms(run)
    assert content_of(replaced.path) == before


def test_a_power_cut_during_the_deletion_leaves_no_finished_arm(run, monkeypatch):
    arm, deleted = run.arm("dense", 3), []
    unlink = type(arm.path).unlink

    def cut(self, missing_ok=False):
        if self.parent == arm.path:
            deleted.append(self.name)
            if len(deleted) > 1 and self.exists():
                raise PowerCut
        unlink(self, missing_ok=missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(type(arm.path), "unlink", cut)
        with pytest.raises(PowerCut):
            move_aside(run, arm, new_entry(run))
    assert deleted[0] == "DONE" and not arm.is_begun()
    assert len(replaced_arms(run)) == 1


def test_what_was_moved_comes_back(run):
    arm, before = run.arm("dense", 3), content_of(run.arm("dense", 3).path)
    moved = move_aside(run, arm, new_entry(run))
    arm.write_mask({"W": np.ones(3, bool)})
    move_back(run, arm, moved)
    assert content_of(arm.path) == before
    assert not (run.path / "arms" / ".replaced").exists()
