"""Systems without `sched_getaffinity`, `fcntl` and `SIGHUP`."""

import os
import subprocess
import sys

import pytest

BARE = """
import os
import signal
import sys

del os.sched_getaffinity
del signal.SIGHUP
del signal.pthread_sigmask
sys.modules["fcntl"] = None
"""
TINY = """
seeds = [0]
task.p = 7
model = { d_emb = 12, d_mlp = 16 }
pruning.require_generalised = false
[arms.dense]
max_steps = 20
[arms.ticket]
method = "magnitude"
source = "dense"
max_steps = 20
"""


@pytest.fixture
def bare(tmp_path):
    """Return a function that runs Python without these functions.

    Processes that Python starts lack them too.
    """
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(BARE)
    paths = os.pathsep.join(filter(None, [str(tmp_path / "site"), os.environ.get("PYTHONPATH")]))
    environment = os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}

    def run(*arguments):
        command = [sys.executable, *map(str, arguments)]
        return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)

    return run


def test_the_functions_are_missing(bare):
    present = "hasattr(os, 'sched_getaffinity'), hasattr(signal, 'SIGHUP')"
    done = bare("-c", f"import os, signal\nprint({present})\nimport fcntl")
    assert done.stdout == "False False\n" and "fcntl" in done.stderr.splitlines()[-1]


def test_a_run_is_read_without_any_lock(bare, tiny_run):
    code = f"""
import sys
sys.modules["filelock"] = None
from training.runs import RunDir
run = RunDir.open({str(tiny_run)!r})
for files in run.arms():
    print(files, files.done()["steps"], len(files.metrics()), len(files.checkpoints()), files.mask() is None)
"""
    done = bare("-c", code)
    assert done.returncode == 0, done.stderr
    assert "grokked_ticket seed 1 1000" in done.stdout


def test_an_analysis_runs(bare, tiny_run, tmp_path):
    done = bare("-m", "analyses.fourier", "--run", tiny_run, "--out", tmp_path / "out", "--no-plot")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "analyses" / "fourier.parquet").exists()


def test_arms_are_trained_by_one_worker(bare, tmp_path):
    (tmp_path / "tiny.toml").write_text(TINY)
    done = bare("-m", "training", "tiny.toml", "--jobs", 1, "--device", "cpu")
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert (tmp_path / "runs" / "tiny" / "arms" / "ticket" / "seed_0" / "DONE").exists()
    again = bare("-m", "training", "tiny.toml", "--dry-run")
    assert "2 to keep" in again.stdout
