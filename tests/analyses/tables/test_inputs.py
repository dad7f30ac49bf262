import json
import os

import numpy as np
import pytest

from analyses.tables.inputs import RunInputs
from training.runs.run_directory import RunDir


@pytest.fixture
def run(tmp_path):
    run = RunDir(tmp_path / "run")
    run.write_config({"name": "run", "note": "", "seeds": [0]})
    run.add_provenance({})
    for arm in ("dense", "ticket"):
        files = run.arm(arm, 0)
        files.write_checkpoints(np.array([0, 10]), {"W_E": np.zeros((2, 3))})
        files.write_metrics({"step": np.array([0, 10])})
        files.finish({"hash": "h", "config": {}, "steps": 10, "source": None})
    return run


def test_the_hash_follows_content_not_time(run):
    digest = RunInputs(run).digest()
    for file in run.path.rglob("*.*"):
        os.utime(file, (1, 1))
    assert RunInputs(run).digest() == digest
    run.arm("dense", 0).write_checkpoints(np.array([0, 10]), {"W_E": np.ones((2, 3))})
    assert RunInputs(run).digest() != digest


def test_unchanged_files_are_not_read_again(run, monkeypatch):
    digest = RunInputs(run).digest()
    monkeypatch.setattr("hashlib.file_digest", lambda *_: pytest.fail("read again"))
    assert RunInputs(run).digest() == digest


def test_a_damaged_cache_is_replaced(run):
    digest = RunInputs(run).digest()
    for content in ("{", "[1]", json.dumps({"arms/dense/seed_0/metrics.parquet": 3})):
        (run.path / "analyses" / "inputs.json").write_text(content)
        assert RunInputs(run).digest() == digest


def test_a_choice_of_arms_has_a_separate_hash(run):
    inputs = RunInputs(run)
    assert len({inputs.digest(), inputs.digest(["dense"]), inputs.digest(["ticket"])}) == 3


def test_only_finished_networks_are_hashed(run):
    digest = RunInputs(run).digest()
    files = run.arm("random", 0)
    files.write_metrics({"step": np.array([0])})
    assert RunInputs(run).digest() == digest
    files.skip({"hash": "h", "reason": "its source never generalised"})
    assert RunInputs(run).digest() != digest


def test_settings_of_the_config_are_hashed_and_words_are_not(run):
    digest = RunInputs(run).digest()
    run.write_config({"name": "run", "note": "mine", "seeds": [0]})
    assert RunInputs(run).digest() == digest
    run.write_config({"name": "run", "note": "", "seeds": [0, 1]})
    assert RunInputs(run).digest() != digest
