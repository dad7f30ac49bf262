"""Trackers of experiments; Weights & Biases in its offline mode."""

import json
import struct
import time
from typing import ClassVar

import numpy as np
import pytest
from builders import begin_run, changed_recipe, metrics_of, train_every_arm

from training.__main__ import main
from training.inspection.tracking import TRACKERS, Tracker, tracked

CONTENT = {
    "name": "tracked",
    "seeds": [0],
    "task": {"name": "add", "p": 7},
    "model": {"d_emb": 4, "d_mlp": 3},
    "arms": {"dense": {"max_steps": 20}, "random": {"method": "random", "max_steps": 20}},
}


class Noted(Tracker):
    """Tracker that keeps what it gets."""

    calls: ClassVar[list] = []

    def log(self, network, config, rows):
        self.calls.append((str(network), config["arms"][network.arm]["max_steps"], rows["step"].tolist()))

    def finish(self, outcome_rows, figures):
        rows = [(row["arm"], row["status"]) for row in outcome_rows]
        self.calls.append((rows, [path.name for path in figures]))


class Broken(Tracker):
    """Tracker that fails."""

    def log(self, network, config, rows):
        raise ConnectionError("no network\nat all")

    def finish(self, outcome_rows, figures):
        raise AssertionError("a failed tracker is left alone")


@pytest.fixture
def trackers():
    """Register the trackers above for one test."""
    TRACKERS["noted"], TRACKERS["broken"] = Noted, Broken
    Noted.calls = []
    yield Noted.calls
    del TRACKERS["noted"], TRACKERS["broken"]


@pytest.fixture
def started(tmp_path):
    """Return a run without networks, and its recipe."""
    recipe = changed_recipe(CONTENT)
    return begin_run(tmp_path / "tracked", recipe), recipe


def test_a_tracker_gets_curves_config_outcomes_and_figures(trackers, started):
    run, recipe = started
    (run.path / "figures").mkdir()
    (run.path / "figures" / "grokking.png").touch()
    with tracked("noted", run, lambda: recipe):
        train_every_arm(recipe, run)
    assert trackers == [
        ("dense seed 0", 20, [0, 10, 20]),
        ("random seed 0", 20, [0, 10, 20]),
        ([("dense", "done"), ("random", "done")], ["grokking.png"]),
    ]


def test_evaluations_are_sent_while_training_goes_on_and_never_twice(trackers, started):
    run, recipe = started
    dense = run.arm("dense", 0)

    def write(*steps):
        step = np.array(steps)
        norms = {"l1": np.ones(len(step)), "l2": np.ones(len(step))}
        dense.write_metrics(metrics_of(step, step / 100, step / 100) | norms)

    with tracked("noted", run, lambda: recipe, seconds=0.01):
        write(0, 10)
        while not trackers:
            pass
        write(0, 10, 20)
    assert [steps for _, _, steps in trackers[:-1]] == [[0, 10], [20]]


def test_networks_that_were_finished_before_are_not_sent(trackers, started):
    run, recipe = started
    train_every_arm(recipe, run)
    with tracked("noted", run, lambda: recipe):
        pass
    assert trackers == [([], [])]


def test_a_failing_tracker_is_one_line_and_training_goes_on(trackers, started, capsys):
    run, recipe = started
    with tracked("broken", run, lambda: recipe):
        train_every_arm(recipe, run)
    assert capsys.readouterr().err == "--track broken: no network; training goes on without it\n"
    assert all(files.done() for files in run.arms())


def test_an_unknown_tracker_is_refused_before_anything_is_written(tmp_path, capsys):
    assert main(["modadd_fast", "--out", str(tmp_path / "runs"), "--track", "tensorboard"]) == 2
    assert capsys.readouterr().err == "error: tracker: expected one of wandb, got 'tensorboard'\n"
    assert not (tmp_path / "runs").exists()


def records(path):
    """Yield the records of an offline run's file, a log in blocks."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, place, parts = path.read_bytes(), 7, b""
    while place + 7 <= len(content):
        if 32768 - place % 32768 < 7:
            place += 32768 - place % 32768
            continue
        length, kind = struct.unpack_from("<HB", content, place + 4)
        parts += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or the last part
            record = Record()
            record.ParseFromString(parts)
            yield record
            parts = b""


def finished_records(path):
    """Return the records once the last one is there.

    Wandb's process writes it a little later.
    """
    for _ in range(200):
        kinds = list(records(path))
        if any(record.WhichOneof("record_type") == "exit" for record in kinds):
            return kinds
        time.sleep(0.1)
    raise AssertionError(f"{path}: no last record within 20 s")


def test_wandb_offline_has_curves_config_and_a_figure(started, tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    from PIL import Image

    run, recipe = started
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    (run.path / "figures").mkdir()
    Image.new("RGB", (4, 4)).save(run.path / "figures" / "grokking.png")
    with tracked("wandb", run, lambda: recipe):
        train_every_arm(recipe, run)
    by_name = {}
    for path in (tmp_path / "wandb").glob("offline-run-*/run-*.wandb"):
        kinds = finished_records(path)
        (begun,) = (record.run for record in kinds if record.WhichOneof("record_type") == "run")
        by_name[begun.display_name] = (begun, kinds)
    assert by_name.keys() == {"dense seed 0", "random seed 0", "figures"}
    begun, kinds = by_name["dense seed 0"]
    assert (begun.run_group, begun.job_type) == ("tracked", "dense")
    config = {item.key: json.loads(item.value_json) for item in begun.config.update}
    assert config["arms"]["dense"]["max_steps"] == 20 and config["seed"] == 0
    logged = [
        {item.key or item.nested_key[0]: json.loads(item.value_json) for item in record.history.item}
        for record in kinds
        if record.WhichOneof("record_type") == "history"
    ]
    metrics = run.arm("dense", 0).metrics()
    assert [row["train_loss"] for row in logged] == pytest.approx(metrics["train_loss"].tolist())
    assert [row["_step"] for row in logged] == metrics["step"].tolist()
    assert list(tmp_path.glob("wandb/offline-run-*/files/media/images/*.png"))
