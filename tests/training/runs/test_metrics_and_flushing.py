"""Metrics' bytes, and what is flushed to disk before a status file speaks of it."""

import errno
import os
import stat

import numpy as np
import pandas as pd
import pytest
import torch

from training.runs.checked_content import metrics_bytes, read_metrics
from training.runs.run_directory import RunDir

NAMES = ("train_loss", "test_loss", "train_acc", "test_acc", "l1", "l2")


def columns_of(n, missing=0):
    rows = np.random.default_rng(n).random((n, len(NAMES)))
    rows[:missing, 3] = np.nan
    return {"step": 10 * np.arange(n)} | {name: rows[:, i] for i, name in enumerate(NAMES)}


@pytest.mark.parametrize(("n", "missing"), [(1, 0), (1, 1), (40, 0), (40, 7), (40, 40), (5000, 100)])
def test_metrics_are_written_and_read_as_pandas_does(n, missing, tmp_path):
    columns, path = columns_of(n, missing), tmp_path / "metrics.parquet"
    path.write_bytes(metrics_bytes(columns))
    pd.DataFrame(columns).to_parquet(tmp_path / "pandas.parquet", index=False)
    assert path.read_bytes() == (tmp_path / "pandas.parquet").read_bytes()
    pd.testing.assert_frame_equal(pd.DataFrame(read_metrics(path)), pd.read_parquet(path))


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame({"step": [0, 10], "note": ["a", "b"]}),
        pd.DataFrame({"step": pd.array([0, None], dtype="Int64")}),
        pd.DataFrame({"step": [0, 10]}, index=["x", "y"]),
        pd.DataFrame({"step": np.array([0, 10], dtype=np.int32)}, index=[3, 5]),
    ],
)
def test_other_tables_are_read_as_pandas_does(table, tmp_path):
    table.to_parquet(tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(
        read_metrics(tmp_path / "t.parquet"), pd.read_parquet(tmp_path / "t.parquet")
    )


def operations(arm, monkeypatch, action):
    """Return the order of flushed folders and of files that are flushed and renamed."""
    order, fsync, replace = [], os.fsync, type(arm.path).replace

    def flush(descriptor):
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        order.append("folder" if is_folder else "content")
        fsync(descriptor)

    def rename(self, target):
        order.append(target.name)
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", flush)
        patch.setattr(type(arm.path), "replace", rename)
        action()
    return order


@pytest.mark.parametrize("status", ["DONE", "state.pt"])
def test_a_status_file_is_renamed_once_all_before_it_is_on_disk(status, tmp_path, monkeypatch):
    arm = RunDir(tmp_path).arm("dense", 0)

    def write():
        arm.write_metrics(columns_of(3))
        arm.write_checkpoints(np.array([0]), {"W_E": np.zeros((1, 2, 2), dtype=np.float32)})
        if status == "DONE":
            arm.finish({"hash": "x", "config": {}, "steps": 0, "source": None})
        else:
            arm.write_state({"step": 0, "weights": torch.zeros(1)})

    order = operations(arm, monkeypatch, write)
    renamed = ["metrics.parquet", "checkpoints.safetensors"]
    assert order == [*renamed, "content", "content", "folder", "content", status, "folder"]
    order = operations(
        arm, monkeypatch, write
    )  # files that may be spoken of are on disk before they are renamed
    contents = [step for name in renamed for step in ("content", name)]
    assert order == [*contents, "folder", "content", status, "folder"]


def test_a_disk_that_fails_as_files_are_flushed_leaves_no_status(tmp_path, monkeypatch):
    arm = RunDir(tmp_path).arm("dense", 0)
    arm.write_metrics(columns_of(3))

    def fail(descriptor):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match=r"metrics\.parquet"):
            arm.finish({"hash": "x", "config": {}, "steps": 0, "source": None})
    assert not arm.is_begun()
