"""Output of child processes, and versions of what is not installed."""

import contextlib
import io
import subprocess
import sys

from training.cli.machine import installed_version
from training.cli.spawned_process import run_on_stderr

CHILD = [sys.executable, "-c", "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"]


def test_a_child_prints_to_a_stderr_that_is_a_file(capfd):
    assert run_on_stderr(CHILD) == 3
    out, err = capfd.readouterr()
    assert out == "" and sorted(err.split()) == ["err", "out"]


def test_a_child_prints_to_a_captured_stderr():
    with contextlib.redirect_stderr(io.StringIO()) as captured:
        assert run_on_stderr(CHILD) == 3
    assert sorted(captured.getvalue().split()) == ["err", "out"]


def test_a_child_without_a_stderr_prints_nothing():
    code = f"from training.cli.spawned_process import run_on_stderr; print(run_on_stderr({CHILD!r}))"
    command = 'exec "$0" -c "$1" 2>&-'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable, code], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "3\n", "")


def test_what_is_not_installed_has_no_version():
    assert installed_version("numpy") and installed_version("grokking-tickets-of-nobody") is None
