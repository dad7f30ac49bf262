import errno
import json
import os
import socket
import stat
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from builders import PowerCut

import training.runs.run_directory as store
from training.runs.arm_directory import ArmDir
from training.runs.atomic_files import RunError, read_json, write_bytes, write_json, write_table
from training.runs.run_directory import NoRunError, RunDir

METRICS = {"step": np.array([0, 10]), "train_loss": np.array([1.5, 0.5])}
WEIGHTS = {"W_E": np.arange(12, dtype=np.float32).reshape(2, 3, 2)}


@pytest.fixture
def arm(tmp_path):
    return RunDir(tmp_path).arm("dense", 0)


def write_all(arm):
    arm.write_metrics(METRICS)
    arm.write_checkpoints(np.array([0, 10]), WEIGHTS)
    arm.write_mask({"W_E": np.array([[True, False], [False, True], [True, True]])})
    arm.write_state({"step": 10, "weights": torch.arange(3.0)})


def test_written_files_are_read_back(arm):
    write_all(arm)
    pd.testing.assert_frame_equal(arm.metrics(), pd.DataFrame(METRICS))
    assert arm.steps().tolist() == [0, 10]
    np.testing.assert_array_equal(arm.checkpoints()["W_E"], WEIGHTS["W_E"])
    assert list(arm.checkpoints()) == list(arm.checkpoints("W_E")) == ["W_E"]
    mask = arm.mask()
    assert mask["W_E"].dtype == bool and mask["W_E"].tolist() == [[True, False], [False, True], [True, True]]
    state = arm.state()
    assert state["step"] == 10 and torch.equal(state["weights"], torch.arange(3.0))
    assert arm.has_state() and arm.has_checkpoints()


def test_transposed_views_are_written_in_their_order(arm):
    turned = WEIGHTS["W_E"].transpose(0, 2, 1)
    arm.write_checkpoints(np.array([0, 10]), {"W_E": turned})
    np.testing.assert_array_equal(arm.checkpoints()["W_E"], turned)


def test_reading_an_arm_without_files_names_the_missing_file(arm):
    assert arm.done() is None and arm.skipped() is None and arm.mask() is None
    assert not arm.has_state() and not arm.has_checkpoints()
    for read in (arm.metrics, arm.steps, arm.checkpoints, arm.state):
        with pytest.raises(RunError, match=r"dense/seed_0/\S+: missing$"):
            read()


def test_finish_writes_done_and_deletes_state_and_skipped(arm):
    write_all(arm)
    arm.skip({"hash": "h", "reason": "because"})
    assert arm.skipped()["reason"] == "because" and not arm.has_state()
    arm.write_state({})
    arm.finish({"hash": "h", "config": {}, "steps": 10, "source": None})
    assert arm.done()["steps"] == 10
    assert arm.skipped() is None and not arm.has_state()


def test_clear_deletes_all_but_the_lock_and_done_first(arm, monkeypatch):
    write_all(arm)
    arm.finish({"hash": "h", "config": {}, "steps": 10, "source": None})
    deleted = []
    unlink = type(arm.path).unlink
    monkeypatch.setattr(
        type(arm.path), "unlink", lambda self, **kw: (deleted.append(self.name), unlink(self, **kw))
    )
    with arm.locked():
        arm.clear()
    assert deleted[0] == "DONE"
    assert [file.name for file in arm.path.iterdir()] == [".lock"]


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
@pytest.mark.parametrize("kind", ["disk full", "power cut"])
def test_a_failed_write_keeps_the_old_file_and_leaves_no_temporary_file(tmp_path, monkeypatch, step, kind):
    failure = PowerCut() if kind == "power cut" else OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    path = tmp_path / "file.json"
    write_json(path, {"old": 1})

    def fail(*args, **kwargs):
        raise failure

    class Full:
        def __init__(self, file):
            self.file = file

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self.file.close()

        def write(self, content):
            self.file.write(content[:3])
            self.file.flush()
            raise failure

    with monkeypatch.context() as patch:
        if step == "write":
            opened = type(path).open
            patch.setattr(type(path), "open", lambda self, *mode: Full(opened(self, *mode)))
        elif step == "fsync":
            patch.setattr(os, "fsync", fail)
        else:
            patch.setattr(type(path), "replace", fail)
        with pytest.raises(type(failure)) as error:
            write_json(path, {"new": 2})
    assert read_json(path) == {"old": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["file.json"]
    if isinstance(failure, OSError):
        assert error.value.filename == str(path)  # a full disk names no file by itself


def test_a_file_is_flushed_before_it_is_renamed(tmp_path, monkeypatch):
    order = []
    fsync, replace = os.fsync, type(tmp_path).replace
    monkeypatch.setattr(os, "fsync", lambda fd: (order.append("fsync"), fsync(fd)))
    monkeypatch.setattr(
        type(tmp_path), "replace", lambda self, target: (order.append("replace"), replace(self, target))
    )
    write_bytes(tmp_path / "x", b"content")
    assert order == ["fsync", "replace", "fsync"]  # the file, its name, the folder that holds the name


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_file_modes_follow_the_umask(arm, tmp_path, mask):
    before = os.umask(mask)
    try:
        write_all(arm)
        write_table(tmp_path / "t.csv", pd.DataFrame(METRICS))
    finally:
        os.umask(before)
    for file in [*arm.path.iterdir(), tmp_path / "t.csv"]:
        assert stat.S_IMODE(file.stat().st_mode) == 0o666 & ~mask


def ended_process():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize("host", ["node1", "node1.cluster.edu"])
def test_stale_temporary_files_are_deleted_and_live_ones_are_not(arm, monkeypatch, host):
    monkeypatch.setattr(socket, "gethostname", lambda: host)
    arm.path.mkdir(parents=True)
    temporary = []
    replace = type(arm.path).replace
    monkeypatch.setattr(
        type(arm.path),
        "replace",
        lambda self, target: (temporary.append(self.name), replace(self, target)),
    )
    write_bytes(arm.path / "metrics.parquet", b"")
    mine = temporary[0]  # as this process names them
    stale = mine.replace(f".{os.getpid()}.", f".{ended_process()}.")
    monkeypatch.setattr(socket, "gethostname", lambda: host.replace("node1", "node2"))
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", ended_process)
        write_bytes(arm.path / "metrics.parquet", b"")
    other_machine = temporary[1]  # a live process of another machine, whose number is free here
    for name in (mine, stale, other_machine):
        (arm.path / name).write_bytes(b"part of")
    monkeypatch.setattr(socket, "gethostname", lambda: host)
    with arm.locked():
        left = {file.name for file in arm.path.iterdir()}
    assert left == {".lock", "metrics.parquet", mine, other_machine}


def test_a_write_deletes_what_a_killed_process_had_written_of_the_same_file(tmp_path):
    stale = tmp_path / f".[a].csv.{socket.gethostname().replace('.', '-')}.{ended_process()}.tmp"
    others = tmp_path / stale.name.replace("[a]", "a")
    stale.touch()
    others.touch()
    write_bytes(tmp_path / "[a].csv", b"a")
    assert {file.name for file in tmp_path.iterdir()} == {"[a].csv", others.name}


def test_a_start_that_ended_between_its_first_files_leaves_a_run(tmp_path):
    (tmp_path / "recipe.toml").mkdir()  # so that it cannot be written
    with pytest.raises(IsADirectoryError):
        RunDir(tmp_path).write_recipe("name = 1", {"name": "x"})
    assert RunDir.open(tmp_path).config() == {"name": "x"}


def test_a_locked_arm_is_refused_until_it_is_released(arm):
    with arm.locked():
        second = ArmDir(arm.path.parents[2], "dense", 0)
        with pytest.raises(RunError, match="dense/seed_0: another process is"), second.locked():
            pass
        with ArmDir(arm.path.parents[2], "dense", 1).locked():
            pass
    with arm.locked():
        pass


def damage(path, how):
    content = path.read_bytes()
    changed = {
        "empty": b"",
        "cut": content[: len(content) // 2],
        "one byte short": content[:-1],
        "other content": b"\x80\x00 not this \xff" * 20,
        "head overwritten": b"\xff" * 16 + content[16:],
    }
    path.write_bytes(changed[how])


@pytest.mark.parametrize("how", ["empty", "cut", "one byte short", "other content", "head overwritten"])
@pytest.mark.parametrize(
    "file", ["metrics.parquet", "checkpoints.safetensors", "mask.safetensors", "state.pt", "DONE"]
)
def test_a_damaged_file_is_named_in_one_line(arm, file, how):
    write_all(arm)
    if file == "DONE":
        write_json(arm.path / "DONE", {"hash": "h", "config": {}, "steps": 10, "source": None})
    damage(arm.path / file, how)
    if file == "DONE" and how == "one byte short":  # its last byte is a line's end
        assert arm.done()["steps"] == 10
        return
    read = {
        "metrics.parquet": arm.metrics,
        "checkpoints.safetensors": arm.steps,
        "mask.safetensors": arm.mask,
        "state.pt": arm.state,
        "DONE": arm.done,
    }[file]
    with pytest.raises(RunError, match=f"{file}: damaged: .") as error:
        read()
    assert "\n" not in str(error.value)


def test_a_state_with_one_changed_byte_is_damaged(arm):
    arm.write_state({"weights": torch.zeros(1000)})
    content = bytearray((arm.path / "state.pt").read_bytes())
    content[content.index(bytes(1000)) + 500] = 1
    (arm.path / "state.pt").write_bytes(bytes(content))
    with pytest.raises(RunError, match=r"state.pt: damaged: .*checksum"):
        arm.state()


def test_the_step_of_a_state_is_read_without_torch_and_without_its_tensors(arm):
    state = {"step": 40, "trained": [torch.zeros(1000)], "generator": torch.Generator().get_state()}
    arm.write_state(state | {"hash": "h", "square": []})
    assert arm.state_step() == 40
    code = f"""
import sys
sys.modules["torch"] = None
from training.runs.run_directory import RunDir
assert RunDir({str(arm.path.parents[2])!r}).arm("dense", 0).state_step() == 40
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("how", ["empty", "cut", "other content"])
def test_the_step_of_a_damaged_state_is_one_line(arm, how):
    arm.write_state({"step": 40})
    damage(arm.path / "state.pt", how)
    with pytest.raises(RunError, match=r"state\.pt: damaged: ."):
        arm.state_step()


@pytest.mark.parametrize("content", ["[]", "3", "null", '"done"', '{"hash": "h"}'])
def test_a_malformed_record_is_damaged(arm, content):
    arm.path.mkdir(parents=True)
    (arm.path / "DONE").write_text(content)
    with pytest.raises(RunError, match=r"DONE: damaged: (expected a table|config, steps, source missing)"):
        arm.done()


def test_arms_are_listed_by_name_then_by_number(tmp_path):
    run = RunDir(tmp_path)
    for arm, seed in [("random", 0), ("dense", 10), ("dense", 9)]:
        run.arm(arm, seed).path.mkdir(parents=True)
    (tmp_path / "arms" / "dense" / "seed_x").mkdir()
    (tmp_path / "arms" / "notes.txt").write_text("")
    assert [str(arm) for arm in run.arms()] == ["dense seed 9", "dense seed 10", "random seed 0"]
    assert RunDir(tmp_path / "none").arms() == []


def test_open_refuses_a_folder_without_a_run(tmp_path):
    with pytest.raises(NoRunError, match=r"expected a run directory, and \S+none does not exist"):
        RunDir.open(tmp_path / "none")
    with pytest.raises(NoRunError, match=r"expected a run directory, and \S+ has no config.json"):
        RunDir.open(tmp_path)
    RunDir(tmp_path).write_recipe("name = 1", {"name": "x"})
    assert RunDir.open(tmp_path).config() == {"name": "x"}
    assert (tmp_path / "recipe.toml").read_text() == "name = 1"


def test_provenance_has_an_entry_per_start(tmp_path):
    run = RunDir(tmp_path)
    assert run.provenance() is None
    run.add_provenance({"n": 1})
    run.add_provenance({"n": 2})
    assert run.provenance() == [{"n": 1}, {"n": 2}]


def test_tables_are_written_in_the_format_of_their_suffix(tmp_path):
    table = pd.DataFrame(METRICS)
    write_table(tmp_path / "t.parquet", table)
    write_table(tmp_path / "t.csv", table)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "t.parquet"), table)
    assert (tmp_path / "t.csv").read_text() == "step,train_loss\n0,1.5\n10,0.5\n"


def test_the_store_needs_no_torch():
    code = (
        "import sys, json, training.runs.run_directory as s;"
        " r = s.RunDir('none').arm('a', 0); r.done(); r.mask();"
        " print(json.dumps([m for m in ('torch', 'pandas', 'scipy') if m in sys.modules]))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert json.loads(out) == []
    assert store.__doc__ is not None and "without torch" in store.__doc__


def test_no_text_of_a_csv_file_is_a_formula(tmp_path):
    path = tmp_path / "table.csv"
    table = pd.DataFrame({"=x": ["=1+1", "@A", "-", "plain"], "number": [-1.5, 2.0, -3.0, 0.0]})
    write_table(path, table)
    assert path.read_text() == "'=x,number\n'=1+1,-1.5\n'@A,2.0\n-,-3.0\nplain,0.0\n"
