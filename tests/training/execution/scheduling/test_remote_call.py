"""A call in a cluster's worker: what it refuses, and what stops it. Nothing of Parsl is needed."""

import os
import pickle
import signal
import time
from dataclasses import replace

import pytest

from training.execution.cluster.block_script import UNTIL
from training.execution.scheduling import remote_call
from training.execution.scheduling.remote_call import STOP, TOKEN, Terms, carry_out
from training.runs.atomic_files import RunError
from training.runs.file_lock import LOCK, acquired
from training.schema.code_digest import packages_digest
from training.schema.validation import ConfigError


@pytest.fixture
def terms(tmp_path, monkeypatch):
    """Return the terms of a driver that holds its folder."""
    monkeypatch.chdir(tmp_path)  # a call changes to the driver's
    monkeypatch.setattr(remote_call, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(remote_call, "LOCK_SECONDS", 0.0)
    monkeypatch.setattr(remote_call, "LATE_SECONDS", 0.0)
    folder = tmp_path / "driver"
    folder.mkdir()
    lock = acquired(folder / LOCK)
    (folder / TOKEN).write_text("mine")
    terms = Terms(folder, "mine", tmp_path, packages_digest(), ())
    yield terms
    lock.release()


def called(terms, function=None, *args):
    """Carry out a call, and return its messages but for the first, the seconds that it worked."""
    (kind, seconds), *messages = carry_out(terms, 7, pickle.dumps((function, args)))
    assert kind == "worked" and 0 <= seconds < 60
    return messages


def refused(terms):
    return carry_out(terms, 7, pickle.dumps((nothing, ())))


def nothing(channel):
    """Return at once."""
    return "done"


def wait_for_stop(cause, channel):
    """Carry out what should stop this call, and say whether it does."""
    first = channel.should_stop()
    cause()
    time.sleep(0.01)
    return first, channel.should_stop()


def fail(error, channel):
    raise error


def test_a_call_returns_its_result_as_its_last_message(terms):
    assert called(terms, nothing) == [("ended", "done")]


@pytest.mark.parametrize("error", [RunError("damaged"), ConfigError("odd"), OSError("no space")])
def test_an_error_is_a_message(terms, error):
    ((kind, content),) = called(terms, fail, error)
    assert kind == "failed" and type(content) is type(error) and str(content) == str(error)


def test_an_error_in_the_code_names_the_worker(terms, capsys):
    ((kind, content),) = called(terms, fail, ZeroDivisionError("oh"))
    assert (
        kind == "failed" and str(content).startswith("worker on ") and "ZeroDivisionError: oh" in str(content)
    )
    assert "Traceback" in capsys.readouterr().err


REFUSED = {
    "python": ({"python": "3.7.1"}, "it runs Python .*, and the driver 3.7.1"),
    "code": (
        {"code": "0123456789"},
        r"it has other code of this project \(.{8}\) than the driver \(01234567\)",
    ),
    "token": ({"token": "another"}, "it does not see .*driver; put the runs where all machines see them"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_worker_that_differs_is_refused(terms, case):
    change, expected = REFUSED[case]
    ((kind, content),) = refused(replace(terms, **change))
    assert kind == "failed" and isinstance(content, ConfigError)
    with pytest.raises(ConfigError, match=f"worker on .*: {expected}"):
        raise content


def test_a_folder_that_is_not_there_is_refused(terms, tmp_path):
    for change in ({"folder": tmp_path / "other"}, {"working_directory": tmp_path / "gone"}):
        ((kind, content),) = refused(replace(terms, **change))
        assert kind == "failed" and f"it does not see {next(iter(change.values()))}" in str(content)


def test_locks_that_do_not_hold_are_refused(terms, monkeypatch):
    monkeypatch.setattr(remote_call, "is_held", lambda folder: False)
    ((_, content),) = refused(terms)
    assert "do not hold between machines" in str(content)


@pytest.mark.parametrize("name", [STOP, f"{STOP}_7"])
def test_a_stop_file_stops(terms, name):
    assert called(terms, wait_for_stop, (terms.folder / name).touch) == [("ended", (False, True))]


def test_the_file_of_another_call_does_not_stop(terms):
    assert called(terms, wait_for_stop, (terms.folder / f"{STOP}_8").touch) == [("ended", (False, False))]


def test_a_driver_that_is_gone_stops(terms, monkeypatch):
    def gone():
        monkeypatch.setattr(remote_call, "is_held", lambda folder: False)

    monkeypatch.setattr(remote_call.pickle, "loads", lambda content: (wait_for_stop, (gone,)))
    assert called(terms) == [("ended", (False, True))]


def test_a_parent_that_is_gone_stops(terms, monkeypatch):
    def orphaned():
        monkeypatch.setattr(os, "getppid", lambda: 1)

    monkeypatch.setattr(remote_call.pickle, "loads", lambda content: (wait_for_stop, (orphaned,)))
    assert called(terms) == [("ended", (False, True))]


def test_sigterm_stops_and_is_as_before_afterwards(terms, monkeypatch):
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(
        remote_call.pickle, "loads", lambda content: (wait_for_stop, (lambda: signal.raise_signal(15),))
    )
    assert called(terms) == [("ended", (False, True))]
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_job_about_to_end_begins_nothing_and_stops(terms, monkeypatch):
    def late():
        monkeypatch.setenv(UNTIL, str(time.time() - 1))

    monkeypatch.setenv(UNTIL, str(time.time() + 100))
    monkeypatch.setattr(remote_call.pickle, "loads", lambda content: (wait_for_stop, (late,)))
    assert called(terms) == [("ended", (False, True))]
    assert carry_out(terms, 7, b"") == [("ended", None)]
