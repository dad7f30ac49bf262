"""A small share of each campaign; `make campaign` runs all of them."""

import shutil
from collections import Counter

from campaigns import kills, malformed, shapes, write_faults
from campaigns.trying import Ended, Tried, differing, generator


def failures_of(tried):
    """Return the failures but silences: commands of a test wait while others hold the cores."""
    return [failure for failure in tried.failures if failure[1] != "silent"]


def test_malformed_inputs_leave_no_traceback(tmp_path):
    tried = malformed.campaign(60, 0, tmp_path)
    assert tried.counts == dict.fromkeys(malformed.KINDS, 12) and tried.failures == []


def test_a_killed_training_goes_on_to_the_same_bytes(tmp_path):
    tried = kills.campaign(1, 1, tmp_path, lanes=1, names=("weights_and_scores",))
    assert sum(tried.counts.values()) == 1 and failures_of(tried) == []


def test_a_run_of_diverged_networks_is_refused_in_one_line(tmp_path):
    tried = Tried("C")
    path = shapes.made_run("diverged", tmp_path)
    for name in ("grokking", "masks"):
        shapes.judge(tried, "diverged", "analyses", shapes.called(name, shapes.analysed, path, name))
    assert tried.counts == {"diverged analyses, exit 1": 2} and tried.failures == []


def test_a_write_that_fails_is_one_line(tmp_path, tiny_run):
    commands = write_faults.Commands(tmp_path)
    shutil.copytree(tiny_run, tmp_path / "start" / "analysis" / "tiny")
    tried = write_faults.try_command(commands, "analysis", 1, generator(0))
    assert tried.counts == {"analysis, ENOSPC": 1} and failures_of(tried) == []


def test_failures_are_counted():
    tried = Tried("A")
    assert not tried.judge("x", Ended(["python"], 1, "Traceback (most recent call last):", 0.0))
    assert not tried.judge("x", Ended(["python"], 0, "", 21.0))
    assert not tried.judge("x", Ended(["python"], 1, "error: x", 0.0))
    assert tried.judge("x", Ended(["python"], 1, "error: x", 0.0), codes=(0, 1))
    assert Counter(failure for _, failure, _ in tried.failures) == {
        "traceback": 1,
        "silent": 1,
        "exit code": 1,
    }
    assert differing({"a": b"1", "b": b"2"}, {"a": b"3"}) == "a (differs), b (missing)"
