import os
import subprocess
import sys
import threading
import time

import pytest

from training.runs.atomic_files import RunError
from training.runs.file_lock import CLAIM, Claims, acquired, hold_claim, is_held, locked

HOLD = """
import sys, time
from pathlib import Path
from training.runs.file_lock import locked, hold_claim
with locked(Path(sys.argv[1])):
    claim = hold_claim()
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Return a function that starts a process which holds `tmp_path`.

    The process also holds the claim that its environment names.
    """
    started = []

    def start(**environment):
        command = [sys.executable, "-c", HOLD, str(tmp_path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | environment)
        started.append(process)
        assert process.stdout.readline() == "held\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_killed_process_releases_its_lock(tmp_path, holder):
    process = holder()
    with pytest.raises(RunError, match="busy"), locked(tmp_path, refusal="busy"):
        pass
    process.kill()
    process.wait()
    with locked(tmp_path, refusal="busy"):
        pass


def test_processes_of_a_killed_parent_are_waited_for(tmp_path, holder):
    folder = tmp_path / "claims"
    process = holder(**Claims(folder).environment("training tiny"))
    successor = Claims(folder)
    assert successor.held_by_others()
    begun = time.monotonic()
    timer = threading.Timer(0.5, process.kill)
    timer.start()
    successor.wait_for_others()
    assert time.monotonic() - begun >= 0.4
    assert not successor.held_by_others() and not list(folder.glob("*.lock"))
    timer.join()


def test_a_claim_from_before_the_current_start_is_refused(tmp_path, monkeypatch):
    first = Claims(tmp_path)
    Claims(tmp_path)
    monkeypatch.setenv(CLAIM, first.environment("training tiny")[CLAIM])
    with pytest.raises(RunError, match="run its command again"):
        hold_claim()


def test_a_claim_is_not_inherited_by_started_processes(tmp_path, monkeypatch):
    monkeypatch.setenv(CLAIM, Claims(tmp_path).environment("training tiny")[CLAIM])
    claim = hold_claim()
    assert claim is not None and acquired(tmp_path / "training tiny.lock", wait=False) is None
    assert CLAIM not in os.environ and hold_claim() is None
    claim.release()
    assert acquired(tmp_path / "training tiny.lock", wait=False) is not None


def test_a_folder_is_held_while_a_process_holds_it(tmp_path, holder):
    assert not is_held(tmp_path) and not is_held(tmp_path / "none") and not list(tmp_path.iterdir())
    process = holder()
    assert is_held(tmp_path)
    process.kill()
    process.wait()
    assert not is_held(tmp_path)
    with locked(tmp_path, refusal="held"):  # asking has not held it
        assert is_held(tmp_path)


def test_many_who_ask_at_once_do_not_see_each_other(tmp_path):
    with locked(tmp_path):
        pass
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.extend(is_held(tmp_path) for _ in range(200)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [False] * 800
