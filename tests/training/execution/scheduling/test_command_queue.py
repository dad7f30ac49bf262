"""Commands in their order, goals, and command lines in real processes."""

import signal
import sys
import time

import pytest
from builders import LoneChannel

from training.execution.scheduling.command_queue import Command, CommandQueue, run_command_line


def test_a_command_waits_for_a_goal(tmp_path):
    queue = CommandQueue()
    queue.add_goal("training x")
    queue.add(Command("measure", ("true",), tmp_path / "log", frozenset({"training x"})))
    assert queue.next() is None and len(queue) == 2
    queue.reached("training x")
    assert queue.next().name == "measure" and "measure" in queue.begun
    queue.ended("measure", None, 1)
    assert not queue and not queue.left_out


def test_a_missed_goal_leaves_out_what_waits_for_it(tmp_path):
    queue = CommandQueue()
    queue.add_goal("training x")
    queue.add(Command("a", ("true",), tmp_path / "a", frozenset({"training x"})))
    queue.add(Command("b", ("true",), tmp_path / "b", frozenset({"a"})))
    queue.missed("training x")
    assert queue.left_out == {"training x", "a", "b"} and not queue and queue.next() is None


def test_cores_are_given_by_jobs(tmp_path):
    alone, shared = (Command("a", ("x",), tmp_path, most_cores=n) for n in (1, 4))
    assert alone.started_with(3)[0] == ("x",) and shared.started_with(3)[0] == ("x", "--jobs", "3")


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        ("print('all well')", None),
        ("import sys; print('first'); sys.exit('error: it broke')", "it broke"),
        ("import sys; sys.exit(3)", "exit code 3"),
    ],
)
def test_a_command_tells_its_last_line_if_it_fails(tmp_path, code, failure):
    log = tmp_path / "log"
    assert run_command_line([sys.executable, "-c", code], log, {}, LoneChannel()) == failure
    assert (log.read_text() != "") == ("print" in code)


@pytest.mark.parametrize("is_ignored", [False, True])
def test_a_stop_request_reaches_the_command(tmp_path, is_ignored):
    code = """
import os, pathlib, signal, time
signal.signal(signal.SIGTERM, signal.default_int_handler)
try:
    pathlib.Path(os.environ["BEGUN"]).touch()
    time.sleep(60)
except KeyboardInterrupt:
    raise SystemExit("error: all is saved")
"""
    begun = time.monotonic()
    handler = signal.SIG_IGN if is_ignored else signal.default_int_handler
    before = signal.signal(signal.SIGINT, handler)
    try:
        failure = run_command_line(
            [sys.executable, "-c", code],
            tmp_path / "log",
            {"BEGUN": str(tmp_path / "begun")},
            LoneChannel((tmp_path / "begun").exists),
        )
    finally:
        signal.signal(signal.SIGINT, before)
    assert failure == "all is saved" and time.monotonic() - begun < 50
